//! The commands of a step's script, roughly: enough to see which program is called with which words. Nothing is expanded.

/// Words that stand before a command.
const BEFORE: [&str; 12] = ["sudo", "if", "then", "else", "elif", "do", "while", "!", "{", "time", "exec", "env"];

/// Every command as its words, without quotes. An expression (`${{ … }}`) is one word, whatever stands in it.
pub(super) fn commands(script: &str) -> Vec<Vec<String>> {
    let script = script.replace("\\\r\n", " ").replace("\\\n", " ");
    let mut all = Vec::new();
    for line in script.lines().filter(|line| !line.trim_start().starts_with('#')) {
        let (mut words, mut word) = (Vec::new(), String::new());
        let mut rest = line;
        while let Some(c) = rest.chars().next() {
            let long = if rest.starts_with("${{") { rest.find("}}").map(|at| at + 2) } else { None };
            let (piece, behind) = rest.split_at(long.unwrap_or(c.len_utf8()));
            rest = behind;
            match c {
                _ if long.is_some() => word.push_str(piece),
                '"' | '\'' => {}
                ' ' | '\t' => flush(&mut word, &mut words),
                ';' | '|' | '&' | '(' | ')' | '`' => {
                    flush(&mut word, &mut words);
                    all.push(std::mem::take(&mut words));
                }
                _ => word.push(c),
            }
        }
        flush(&mut word, &mut words);
        all.push(words);
    }
    let assigns = |word: &str| {
        word.split_once('=').is_some_and(|(name, _)| name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'))
    };
    for words in &mut all {
        let before = words.iter().take_while(|word| BEFORE.contains(&word.as_str()) || assigns(word)).count();
        words.drain(..before);
    }
    all.retain(|words| !words.is_empty());
    all
}

fn flush(word: &mut String, words: &mut Vec<String>) {
    if !word.is_empty() {
        words.push(std::mem::take(word));
    }
}

#[cfg(test)]
mod tests {
    use super::commands;

    #[test]
    fn commands_are_found_where_a_shell_would_run_them() {
        for (script, expected) in [
            ("a b\n c", "a b|c"),
            ("a && b; c | d", "a|b|c|d"),
            ("# a\n  # b\nc # d", "c # d"),
            ("a \\\n  b", "a b"),
            ("X=1 sudo a 'b' \"c d\"", "a b c d"),
            ("if ! a; then b; fi", "a|b|fi"),
            ("x=$(a b)", "a b"),
            ("a ${{ b || c }} d", "a ${{ b || c }} d"),
            ("a ${{ b", "a ${{ b"),
            ("", ""),
        ] {
            let found: Vec<String> = commands(script).iter().map(|words| words.join(" ")).collect();
            assert_eq!(found.join("|"), expected, "{script}");
        }
    }
}
