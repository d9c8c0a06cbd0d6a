//! The commands of a step's script, roughly: enough to see which program is called with which words. Nothing is expanded.

/// Words that stand before a command.
const BEFORE: [&str; 12] = ["sudo", "if", "then", "else", "elif", "do", "while", "!", "{", "time", "exec", "env"];

/// Every command as its words, without quotes: neither what is quoted nor a here-document is one. An expression (`${{ … }}`) is one
/// word, whatever stands in it.
pub(super) fn commands(script: &str) -> Vec<Vec<String>> {
    let script = without_documents(&script.replace("\\\r\n", " ").replace("\\\n", " "));
    let (mut all, mut words, mut word) = (Vec::new(), Vec::new(), String::new());
    // The quotes and parentheses that are open, the innermost last.
    let mut open: Vec<char> = Vec::new();
    let (mut rest, mut closed) = (script.as_str(), true);
    while let Some(c) = rest.chars().next() {
        let long = if closed && rest.starts_with("${{") { rest.find("}}").map(|at| at + 2) } else { None };
        // Looked for to the end once, and not at every brace again.
        closed &= long.is_some() || !rest.starts_with("${{");
        let comment = c == '#' && word.is_empty() && !matches!(open.last(), Some('"' | '\''));
        let long = if comment { Some(rest.find('\n').unwrap_or(rest.len())) } else { long };
        let (piece, behind) = rest.split_at(long.unwrap_or(c.len_utf8()));
        rest = behind;
        match (open.last(), c) {
            _ if comment => {}
            _ if long.is_some() => word.push_str(piece),
            (Some('\''), '\'') | (Some('"'), '"') => {
                open.pop();
            }
            (Some('"'), '(') if word.ends_with('$') => {
                next(&mut word, &mut words, &mut all);
                open.push('(');
            }
            (Some('\'' | '"'), _) => word.push(c),
            (_, '"' | '\'') => open.push(c),
            (_, ' ' | '\t') => flush(&mut word, &mut words),
            (_, '(') => {
                next(&mut word, &mut words, &mut all);
                open.push('(');
            }
            (Some('('), ')') => {
                open.pop();
                next(&mut word, &mut words, &mut all);
            }
            (_, ';' | '|' | '&' | ')' | '`' | '\n' | '\r') => next(&mut word, &mut words, &mut all),
            _ => word.push(c),
        }
    }
    next(&mut word, &mut words, &mut all);
    let named = |name: &str| name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    let assigns = |word: &str| word.split_once('=').is_some_and(|(name, _)| named(name));
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

/// Another command begins.
fn next(word: &mut String, words: &mut Vec<String>, all: &mut Vec<Vec<String>>) {
    flush(word, words);
    all.push(std::mem::take(words));
}

/// The script without the lines of its here-documents.
fn without_documents(script: &str) -> String {
    let (mut out, mut until) = (String::new(), None);
    for line in script.lines() {
        match &until {
            Some(end) if line.trim() == *end => until = None,
            Some(_) => {}
            None => {
                let begins = line.split_once("<<").filter(|(_, rest)| !rest.starts_with('<'));
                let name = |rest: &str| {
                    let rest = rest.trim_start_matches(['-', ' ', '"', '\'', '\\']);
                    rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect::<String>()
                };
                until = begins.map(|(_, rest)| name(rest)).filter(|name| !name.is_empty());
                out.push_str(line);
                out.push('\n');
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::commands;

    #[test]
    fn commands_are_found_where_a_shell_would_run_them() {
        for (script, expected) in [
            ("a b\n c", "a b|c"),
            ("a && b; c | d", "a|b|c|d"),
            ("# a's\n  # b\nc # d's\ne", "c|e"),
            ("a '; b' \"&& c\n d\"\ne", "a ; b && c\n d|e"),
            ("a \"x $(b \"c d\") y\"\ne", "a x $|b c d| y|e"),
            ("a <<'END' | b\n  c\nEND\nd <<< e\nf", "a <<END|b|d <<< e|f"),
            ("a 'b", "a b\n"),
            ("a }} b; c }} d", "a }} b|c }} d"),
            ("a \"x (b)\"\nc", "a x (b)|c"),
            ("(a b) c", "a b|c"),
            ("a (", "a"),
            ("a \\\n  b", "a b"),
            ("X=1 sudo a 'b' \"c d\"", "a b c d"),
            ("A_B=1 C2= d", "d"),
            ("a-b=1 c", "a-b=1 c"),
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
