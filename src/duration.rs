//! Durations as people write them: `15m`, `1h30m`, `900s`, `25ms`.

use std::time::Duration;

/// Units from the largest to the smallest, in milliseconds.
const UNITS: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// Reads a sum of whole numbers with units, largest first, each unit once.
///
/// # Errors
/// What is wrong, in words that stand after the text itself.
pub fn parse(text: &str) -> Result<Duration, String> {
    let expected = "expected a duration such as 15m, 1h30m or 900s";
    let mut total: u64 = 0;
    let mut rest = text;
    let mut smallest = u64::MAX;
    if text.is_empty() {
        return Err(format!("is empty, {expected}"));
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let (number, after) = rest.split_at(digits);
        let letters = after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len());
        let (unit, after) = after.split_at(letters);
        let number: u64 = number.parse().map_err(|_| format!("is not a duration, {expected}"))?;
        let Some((_, factor)) = UNITS.iter().find(|(name, _)| *name == unit) else {
            let unit = if unit.is_empty() { "no unit".to_owned() } else { format!("the unit `{unit}`") };
            return Err(format!("has {unit}, {expected}"));
        };
        if *factor >= smallest {
            return Err(format!("has its units out of order, {expected}"));
        }
        smallest = *factor;
        total = number
            .checked_mul(*factor)
            .and_then(|part| total.checked_add(part))
            .ok_or_else(|| format!("is too long, {expected}"))?;
        rest = after;
    }
    Ok(Duration::from_millis(total))
}

/// Writes a duration the way [`parse`] reads it.
#[must_use]
pub fn text(duration: Duration) -> String {
    let mut rest = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let mut out = String::new();
    for (unit, factor) in UNITS {
        if rest >= factor {
            out.push_str(&format!("{}{unit}", rest / factor));
            rest %= factor;
        }
    }
    if out.is_empty() { "0s".to_owned() } else { out }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_writes() {
        for (given, milliseconds, written) in
            [("15m", 900_000, "15m"), ("1h30m", 5_400_000, "1h30m"), ("900s", 900_000, "15m"), ("25ms", 25, "25ms")]
        {
            let duration = parse(given).unwrap();
            assert_eq!(duration.as_millis(), milliseconds);
            assert_eq!(text(duration), written);
        }
        assert_eq!(text(Duration::ZERO), "0s");
    }

    #[test]
    fn refuses_what_is_ambiguous() {
        for given in
            ["", "15", "m", "1.5h", "15 m", "-5m", "1h1h", "5m1h", "99999999999999999999s", "1y", "213503982335d"]
        {
            assert!(parse(given).is_err(), "{given}");
        }
    }
}
