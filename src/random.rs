//! Randomness from the operating system, through ring.

use ring::rand::{SecureRandom as _, SystemRandom};

use crate::error::{Error, Kind, Result};

/// `N` random bytes.
///
/// # Errors
/// When the operating system has no randomness to give; nothing can be kept private then.
pub fn bytes<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    fill(&mut bytes)?;
    Ok(bytes)
}

/// `count` random bytes.
///
/// # Errors
/// As [`bytes`].
pub fn many(count: usize) -> Result<Vec<u8>> {
    let mut bytes = vec![0; count];
    fill(&mut bytes)?;
    Ok(bytes)
}

fn fill(bytes: &mut [u8]) -> Result<()> {
    SystemRandom::new()
        .fill(bytes)
        .map_err(|_| Error::new(Kind::Files, "randomness", "the operating system gives no random bytes"))
}

/// `N` random bytes in hexadecimal, two characters each.
///
/// # Errors
/// As [`bytes`].
pub fn hex<const N: usize>() -> Result<String> {
    Ok(bytes::<N>()?.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// 128 random bits in hexadecimal: names that cannot be guessed, delimiters that no value can hold by chance.
///
/// # Errors
/// As [`bytes`].
pub fn hex128() -> Result<String> {
    hex::<16>()
}

/// A random UUID (RFC 9562 version 4), for correlation ids of our own.
///
/// # Errors
/// As [`bytes`].
pub fn uuid() -> Result<String> {
    let value = u128::from_be_bytes(bytes()?);
    let value = (value & !(0xf << 76) | (4 << 76)) & !(0b11 << 62) | (0b10 << 62);
    let hex = format!("{value:032x}");
    let part = |range| hex.get(range).unwrap_or_default();
    Ok(format!("{}-{}-{}-{}-{}", part(0..8), part(8..12), part(12..16), part(16..20), part(20..32)))
}

/// A number in `0.0..1.0` for pauses; a system without randomness gets the middle.
#[must_use]
pub fn fraction() -> f64 {
    bytes::<4>().map_or(0.5, |bytes| f64::from(u32::from_be_bytes(bytes)) / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    #[test]
    fn uuids_have_version_and_variant() {
        let uuid = super::uuid().unwrap();
        assert_eq!(uuid.len(), 36);
        assert_eq!(uuid.as_bytes()[14], b'4');
        assert!(b"89ab".contains(&uuid.as_bytes()[19]));
        assert_ne!(uuid, super::uuid().unwrap());
    }
}
