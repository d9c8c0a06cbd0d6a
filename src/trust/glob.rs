//! Wildcards as AWS documents them for `StringLike`: `*` any run, also empty, across `/` and `:`; `?` one character; the
//! whole text has to fit; case counts (IAM user guide, condition operators).

/// One part of a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// This character.
    Char(char),
    /// Any run, also empty.
    Any,
    /// One character, whichever.
    One,
}

/// The pieces of a pattern whose `*` and `?` are wildcards.
pub(super) fn pieces(pattern: &str) -> Vec<Piece> {
    let piece = |c| match c {
        '*' => Piece::Any,
        '?' => Piece::One,
        other => Piece::Char(other),
    };
    pattern.chars().map(piece).collect()
}

/// Whether the whole of `text` fits `pattern`.
pub(super) fn matches(pattern: &str, text: &str) -> bool {
    fits(&pieces(pattern), text)
}

/// Whether the whole of `text` fits. Linear in the product of the lengths: no pattern can hang it.
pub(super) fn fits(pattern: &[Piece], text: &str) -> bool {
    let text: Vec<char> = text.chars().collect();
    let (mut p, mut t) = (0, 0);
    // Where to go back to: behind the last star, and the text it has swallowed so far.
    let mut star: Option<(usize, usize)> = None;
    while let Some(c) = text.get(t) {
        match pattern.get(p) {
            Some(Piece::Any) => {
                star = Some((p + 1, t));
                p += 1;
            }
            Some(wanted) if *wanted == Piece::One || *wanted == Piece::Char(*c) => {
                p += 1;
                t += 1;
            }
            _ => match star {
                Some((behind, swallowed)) => {
                    p = behind;
                    t = swallowed + 1;
                    star = Some((behind, t));
                }
                None => return false,
            },
        }
    }
    pattern.get(p..).is_some_and(|rest| rest.iter().all(|piece| *piece == Piece::Any))
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn documented_cases() {
        for (pattern, text, fits) in [
            ("repo:acme/*", "repo:acme/shop:ref:refs/heads/main", true),
            ("repo:acme/*", "repo:acme@1/shop@2:ref:refs/heads/main", false),
            ("repo:acme*", "repo:acme-evil/shop:ref:refs/heads/main", true),
            ("repo:acme/shop:*", "repo:acme/shop:", true),
            ("repo:acme/shop:*", "repo:acme/shop", false),
            ("repo:acme/sho?:*", "repo:acme/shop:x", true),
            ("repo:acme/sho?:*", "repo:acme/sho:x", false),
            ("*:main", "repo:a/b:ref:main:x", false),
            ("*a*b*c", "xxaxxbxxc", true),
            ("*a*b*c", "xxaxxcxxb", false),
            ("", "", true),
            ("", "a", false),
            ("*", "", true),
            ("**", "a", true),
            ("?", "", false),
            ("Repo:*", "repo:x", false),
        ] {
            assert_eq!(matches(pattern, text), fits, "{pattern} {text}");
        }
    }

    #[test]
    fn a_hostile_pattern_ends_soon() {
        let (pattern, text) = ("*a".repeat(200), "a".repeat(4_000));
        assert!(!matches(&format!("{pattern}b"), &text));
    }
}
