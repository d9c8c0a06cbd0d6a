//! What the property suites share: dice, and many throws of them. Deterministic: a failure names its seed.

/// How many throws one property gets.
pub(super) const ROUNDS: u64 = 800;

/// Numbers that look random and are the same every time.
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn next(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % sides as u64).unwrap()
    }

    pub(super) fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.next(from.len())]
    }

    pub(super) fn shuffle<T>(&mut self, items: &mut [T]) {
        for at in (1..items.len()).rev() {
            items.swap(at, self.next(at + 1));
        }
    }

    /// The same text but for one letter: in the other case where it has one, else another letter.
    pub(super) fn misspelt(&mut self, text: &str) -> String {
        let mut letters: Vec<char> = text.chars().collect();
        let at = self.next(letters.len());
        letters[at] = match letters[at] {
            c if c.is_ascii_lowercase() => c.to_ascii_uppercase(),
            c if c.is_ascii_uppercase() => c.to_ascii_lowercase(),
            '~' => '^',
            _ => '~',
        };
        letters.into_iter().collect()
    }
}

/// Runs `property` on many seeds, and holds that it was tried on enough that are of interest to mean something.
pub(super) fn for_all(least: usize, mut property: impl FnMut(&mut Dice, u64) -> bool) {
    let seen = (1..=ROUNDS).filter(|seed| property(&mut Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15)), *seed)).count();
    assert!(seen >= least, "only {seen} of {ROUNDS} were of any interest");
}
