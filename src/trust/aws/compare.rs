//! One value of a condition beside one value of the request.
//!
//! What a value is, is documented per type; text that is no number, date, address or ARN is undecided and never equal.

use core::net::IpAddr;
use std::cmp::Ordering;

use base64::Engine as _;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::operator::{Order, Test};
use super::variable::{Resolved, resolve};
use super::{Request, Truth};
use crate::trust::glob::{Piece, fits};

/// Whether `presented` is what `expected` wants, before any negation.
pub(super) fn compare(test: Test, expected: &str, presented: &str, request: &Request<'_>) -> Truth {
    match test {
        Test::Text { ignore_case: false } => resolve(expected, false, request).fits(presented),
        Test::Text { ignore_case: true } => ignoring_case(&resolve(expected, false, request), presented),
        Test::Like => resolve(expected, true, request).fits(presented),
        Test::Arn => arn(&resolve(expected, true, request), presented),
        Test::Numeric(order) => numeric(order, expected, presented),
        Test::Date(order) => date(order, expected, presented),
        Test::Bool => match (flag(expected), flag(presented)) {
            (Some(expected), Some(presented)) => (expected == presented).into(),
            _ => Truth::Unknown,
        },
        Test::Ip => ip(expected, presented),
        Test::Binary => binary(expected, presented),
        Test::Null => Truth::Unknown,
    }
}

fn ignoring_case(expected: &Resolved, presented: &str) -> Truth {
    let Resolved::Pieces(pieces) = expected else { return expected.fits(presented) };
    let ascii = |piece: &Piece| match piece {
        Piece::Char(c) => Piece::Char(c.to_ascii_lowercase()),
        other => *other,
    };
    let pieces: Vec<Piece> = pieces.iter().map(ascii).collect();
    if fits(&pieces, &presented.to_ascii_lowercase()) {
        return Truth::Yes;
    }
    // Which letters beyond ASCII are the same one is not documented.
    let all_ascii =
        presented.is_ascii() && pieces.iter().all(|piece| !matches!(piece, Piece::Char(c) if !c.is_ascii()));
    if all_ascii { Truth::No } else { Truth::Unknown }
}

/// Six parts between colons, each by itself: a `*` does not cross a colon.
fn arn(expected: &Resolved, presented: &str) -> Truth {
    let Resolved::Pieces(pieces) = expected else { return expected.fits(presented) };
    let wanted: Vec<&[Piece]> = pieces.splitn(6, |piece| *piece == Piece::Char(':')).collect();
    let found: Vec<&str> = presented.splitn(6, ':').collect();
    if wanted.len() != 6 || found.len() != 6 || found.first() != Some(&"arn") {
        return Truth::Unknown;
    }
    if !wanted.iter().zip(&found).all(|(wanted, found)| fits(wanted, found)) {
        return Truth::No;
    }
    // The last part may have colons of its own; whether a `*` crosses those is not documented.
    let inner = found.last().is_some_and(|last| last.contains(':'));
    let wild = wanted.last().is_some_and(|last| last.contains(&Piece::Any));
    let question = pieces.contains(&Piece::One) && !presented.is_ascii();
    if question || inner && wild { Truth::Unknown } else { Truth::Yes }
}

fn flag(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}

fn numeric(order: Order, expected: &str, presented: &str) -> Truth {
    match (Decimal::parse(expected), Decimal::parse(presented)) {
        (Some(expected), Some(presented)) => order.holds(presented.cmp(&expected)).into(),
        _ => Truth::Unknown,
    }
}

/// An integer or a decimal of any length, exactly.
struct Decimal<'a> {
    negative: bool,
    whole: &'a str,
    fraction: &'a str,
}

impl Decimal<'_> {
    fn parse(text: &str) -> Option<Decimal<'_>> {
        let (negative, digits) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (whole, fraction) = match digits.split_once('.') {
            Some((_, "")) => return None,
            Some((whole, fraction)) => (whole, fraction),
            None => (digits, ""),
        };
        let numeric = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
        if whole.is_empty() || !numeric(whole) || !numeric(fraction) {
            return None;
        }
        let (whole, fraction) = (whole.trim_start_matches('0'), fraction.trim_end_matches('0'));
        Some(Decimal { negative: negative && !(whole.is_empty() && fraction.is_empty()), whole, fraction })
    }

    fn cmp(&self, other: &Decimal<'_>) -> Ordering {
        let size = |a: &Decimal<'_>, b: &Decimal<'_>| {
            a.whole
                .len()
                .cmp(&b.whole.len())
                .then_with(|| a.whole.cmp(b.whole))
                .then_with(|| a.fraction.cmp(b.fraction))
        };
        match (self.negative, other.negative) {
            (false, false) => size(self, other),
            (true, true) => size(other, self),
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
        }
    }
}

/// Whether a moment stands to a condition's as `order` wants.
pub(super) fn date(order: Order, expected: &str, presented: &str) -> Truth {
    let (Some((from, to)), Some((now, same))) = (instant(expected), instant(presented)) else { return Truth::Unknown };
    if now != same {
        return Truth::Unknown;
    }
    let (early, late) = (order.holds(now.cmp(&from)), order.holds(now.cmp(&to)));
    let inside = from < now && now < to;
    if early == late && !inside { early.into() } else { Truth::Unknown }
}

/// The earliest and the latest moment that a text can mean, in nanoseconds since the epoch: a day without a time may be one
/// of any zone. Years and months by themselves are left alone: `2026` may also be seconds.
fn instant(text: &str) -> Option<(i128, i128)> {
    const SECOND: i128 = 1_000_000_000;
    const HOUR: i128 = 3_600 * SECOND;
    if text.bytes().all(|b| b.is_ascii_digit()) {
        let seconds: i64 = text.parse().ok().filter(|_| text.len() > 4)?;
        return Some((i128::from(seconds) * SECOND, i128::from(seconds) * SECOND));
    }
    if text.bytes().any(|b| b.is_ascii_lowercase() || b == b' ') {
        return None;
    }
    let parse = |text: &str| OffsetDateTime::parse(text, &Rfc3339).ok().map(OffsetDateTime::unix_timestamp_nanos);
    if text.len() == 10 {
        let midnight = parse(&format!("{text}T00:00:00Z"))?;
        return Some((midnight - 14 * HOUR, midnight + 38 * HOUR));
    }
    // W3C's form without seconds: `2026-01-31T08:00Z`, `2026-01-31T08:00+01:00`.
    let minutes =
        |(day, zone): (&str, &str)| Some(format!("{day}:00{zone}")).filter(|_| zone == "Z" || zone.len() == 6);
    let exact =
        parse(text).or_else(|| parse(&text.is_char_boundary(16).then(|| text.split_at(16)).and_then(minutes)?))?;
    Some((exact, exact))
}

/// An address or a range of addresses; an address without a prefix is one host.
fn ip(expected: &str, presented: &str) -> Truth {
    let (network, prefix) = expected.split_once('/').map_or((expected, None), |(net, prefix)| (net, Some(prefix)));
    let (Ok(network), Ok(address)) = (network.parse::<IpAddr>(), presented.parse::<IpAddr>()) else {
        return Truth::Unknown;
    };
    let (network, bits, address) = match (network, address) {
        (IpAddr::V4(network), IpAddr::V4(address)) => {
            (u128::from(network.to_bits()), 32, u128::from(address.to_bits()))
        }
        (IpAddr::V6(network), IpAddr::V6(address)) => (network.to_bits(), 128, address.to_bits()),
        // `::ffff:10.0.0.1`: whether it counts as the address inside of it is not documented.
        (IpAddr::V6(one), IpAddr::V4(_)) | (IpAddr::V4(_), IpAddr::V6(one)) if one.to_ipv4_mapped().is_some() => {
            return Truth::Unknown;
        }
        (IpAddr::V4(_) | IpAddr::V6(_), _) => return Truth::No,
    };
    let prefix = match prefix {
        None => bits,
        Some(text) => match text.parse::<u32>() {
            Ok(prefix) if prefix <= bits && text.bytes().all(|b| b.is_ascii_digit()) => prefix,
            _ => return Truth::Unknown,
        },
    };
    let host = |value: u128| value & u128::MAX.checked_shr(128 - (bits - prefix)).unwrap_or(0);
    if host(network) != 0 {
        // `10.0.0.5/8`: whether the bits behind the prefix are cut or are a fault is not documented.
        return Truth::Unknown;
    }
    (address - host(address) == network).into()
}

/// No condition key of a web identity is binary: what would be equal stays undecided, what cannot be is not equal.
fn binary(expected: &str, presented: &str) -> Truth {
    let bytes = base64::engine::general_purpose::STANDARD.decode(expected);
    match bytes {
        Ok(bytes) if bytes != presented.as_bytes() && expected != presented => Truth::No,
        _ => Truth::Unknown,
    }
}

#[cfg(test)]
mod tests;
