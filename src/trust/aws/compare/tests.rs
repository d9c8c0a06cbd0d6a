use super::*;
use crate::claims::Claims;
use crate::trust::aws::tests::request;
use Truth::{No, Unknown, Yes};

fn run(test: Test, expected: &str, presented: &str) -> Truth {
    let claims = Claims::default();
    compare(test, expected, presented, &request(&claims))
}

fn all(test: Test, cases: &[(&str, &str, Truth)]) {
    for (expected, presented, truth) in cases {
        assert_eq!(run(test, expected, presented), *truth, "{test:?} {expected} {presented}");
    }
}

#[test]
fn texts() {
    let exact = Test::Text { ignore_case: false };
    all(exact, &[("a", "a", Yes), ("a", "A", No), ("a*", "ab", No), ("a*", "a*", Yes), ("", "", Yes), ("é", "é", Yes)]);
    let cases = [("a", "A", Yes), ("aB*", "Ab*", Yes), ("a", "b", No), ("é", "É", Unknown), ("e", "É", Unknown)];
    all(Test::Text { ignore_case: true }, &cases);
    all(
        Test::Like,
        &[("a*c", "a/b:c", Yes), ("a?c", "abc", Yes), ("a?c", "aéc", Unknown), ("A*", "ab", No), ("*", "", Yes)],
    );
}

#[test]
fn variables_are_replaced_and_escapes_are_plain() {
    let claims = Claims::new(serde_json::json!({"sub": "s", "ref": "a*"}).as_object().unwrap().clone());
    let mut context = request(&claims);
    let like =
        |context: &Request<'_>, expected: &str, presented: &str| compare(Test::Like, expected, presented, context);
    for (expected, presented, truth) in [
        ("x-${token.actions.githubusercontent.com:sub}-*", "x-s-y", Yes),
        ("${TOKEN.actions.githubusercontent.com:SUB}", "s", Yes),
        ("${token.actions.githubusercontent.com:environment}", "s", No),
        ("${token.actions.githubusercontent.com:environment, 'dev'}", "dev", Yes),
        ("${token.actions.githubusercontent.com:environment,'dev'}", "prod", No),
        ("${token.actions.githubusercontent.com:sub, 'dev'}", "s", Yes),
        ("${token.actions.githubusercontent.com:ref}", "ab", Unknown),
        ("${aws:PrincipalAccount}", "1", Unknown),
        ("a${*}", "a*", Yes),
        ("a${*}", "ab", No),
        ("a${?}${$}", "a?$", Yes),
        ("${token.actions.githubusercontent.com:sub", "s", Unknown),
        ("${}", "", Unknown),
        ("${a, dev}", "dev", Unknown),
        ("${a, 'dev' x}", "dev", Unknown),
        ("${ token.actions.githubusercontent.com:sub}", "s", Unknown),
        ("$s", "$s", Yes),
    ] {
        assert_eq!(like(&context, expected, presented), truth, "{expected} {presented}");
    }
    context.variables = false;
    assert_eq!(like(&context, "${token.actions.githubusercontent.com:sub}", "s"), No);
    assert_eq!(like(&context, "${x}", "${x}"), Yes);
    assert_eq!(like(&context, "${*}", "${abc}"), Yes, "without variables a star is a wildcard there too");
}

#[test]
fn numbers() {
    let is = |order| Test::Numeric(order);
    all(
        is(Order::Equal),
        &[
            ("10", "10", Yes),
            ("10", "010", Yes),
            ("1.50", "1.5", Yes),
            ("-0", "0", Yes),
            ("10", "11", No),
            ("-1", "1", No),
            ("1e1", "10", Unknown),
            ("", "", Unknown),
            ("1.", "1", Unknown),
            (".5", "0.5", Unknown),
            ("x", "x", Unknown),
            ("+1", "1", Unknown),
        ],
    );
    all(
        is(Order::Less),
        &[("10", "9", Yes), ("10", "10", No), ("10", "9.99", Yes), ("-5", "-6", Yes), ("-5", "5", No)],
    );
    all(is(Order::LessOrEqual), &[("10", "10", Yes), ("10", "10.1", No), ("0", "-1", Yes)]);
    all(
        is(Order::Greater),
        &[("9", "10", Yes), ("10", "10", No), ("99999999999999999999", "100000000000000000000", Yes)],
    );
    all(is(Order::GreaterOrEqual), &[("10", "10", Yes), ("1.05", "1.1", Yes), ("1.1", "1.05", No)]);
}

#[test]
fn moments() {
    let is = |order| Test::Date(order);
    all(
        is(Order::Equal),
        &[
            ("2026-01-01T00:00:00Z", "1767225600", Yes),
            ("2026-01-01T01:00:00+01:00", "1767225600", Yes),
            ("2026-01-01T00:00Z", "1767225600", Yes),
            ("2026-01-01T01:00+01:00", "1767225600", Yes),
            ("2026-01-01T00:00:00.5Z", "1767225600", No),
            ("1767225600", "2026-01-01T00:00:00Z", Yes),
            ("2026-01-01", "1767225600", Unknown),
            ("2026-01-03", "1767225600", No),
            ("2026", "1767225600", Unknown),
            ("2026-01", "1767225600", Unknown),
            ("2026-01-01t00:00:00z", "1767225600", Unknown),
            ("2026-01-01 00:00:00Z", "1767225600", Unknown),
            ("2026-01-01T00:00:00", "1767225600", Unknown),
            ("2026-13-01T00:00:00Z", "1767225600", Unknown),
            ("2026-01-*", "1767225600", Unknown),
            ("yesterday", "1767225600", Unknown),
        ],
    );
    all(
        is(Order::Less),
        &[
            ("2026-01-01T00:00:01Z", "1767225600", Yes),
            ("2026-01-01T00:00:00Z", "1767225600", No),
            ("2026-01-01", "1767225600", Unknown),
            ("2026-01-02", "1767225600", Yes),
            ("2025-12-30", "1767225600", No),
            // A day may be one of any zone: from fourteen hours before it begins in UTC to fourteen behind its end.
            ("2026-01-01", "1767171600", Yes),
            ("2026-01-01", "1767178800", Unknown),
            ("2026-01-01", "1767355200", Unknown),
            ("2026-01-01", "1767366000", No),
            ("2027-01-01T00:00:00Z", "2026-01-01", Unknown),
        ],
    );
    all(is(Order::LessOrEqual), &[("2026-01-01T00:00:00Z", "1767225600", Yes), ("1767225599", "1767225600", No)]);
    all(is(Order::Greater), &[("1767225599", "1767225600", Yes), ("1767225600", "1767225600", No)]);
    all(is(Order::GreaterOrEqual), &[("1767225600", "1767225600", Yes), ("1767225601", "1767225600", No)]);
}

#[test]
fn flags() {
    let cases = [("true", "true", Yes), ("True", "TRUE", Yes), ("false", "true", No), ("1", "true", Unknown)];
    all(Test::Bool, &cases);
    all(Test::Bool, &[("${aws:x}", "true", Unknown), ("", "", Unknown), ("true", "", Unknown)]);
}

#[test]
fn addresses() {
    all(
        Test::Ip,
        &[
            ("203.0.113.0/24", "203.0.113.255", Yes),
            ("203.0.113.0/24", "203.0.114.0", No),
            ("203.0.113.7", "203.0.113.7", Yes),
            ("203.0.113.7", "203.0.113.8", No),
            ("203.0.113.7/32", "203.0.113.7", Yes),
            ("0.0.0.0/0", "203.0.113.7", Yes),
            ("2001:db8::/32", "2001:DB8:1::1", Yes),
            ("2001:db8::/32", "2001:db9::1", No),
            ("::/0", "2001:db9::1", Yes),
            ("2001:db8::1", "2001:db8::1", Yes),
            ("::/0", "203.0.113.7", No),
            ("203.0.113.0/33", "203.0.113.7", Unknown),
            ("203.0.113.5/24", "203.0.113.7", Unknown),
            ("203.0.113.0/+24", "203.0.113.7", Unknown),
            ("203.0.113.0/", "203.0.113.7", Unknown),
            ("203.0.113.*", "203.0.113.7", Unknown),
            ("203.0.113.0/24", "here", Unknown),
        ],
    );
}

#[test]
fn arns_part_by_part() {
    all(
        Test::Arn,
        &[
            ("arn:aws:iam::123456789012:role/a", "arn:aws:iam::123456789012:role/a", Yes),
            ("arn:aws:iam::*:role/*", "arn:aws:iam::123456789012:role/a/b", Yes),
            ("arn:*:role/a", "arn:aws:iam::123456789012:role/a", Unknown),
            ("arn:aws:*:role/a:x", "arn:aws:iam::123456789012:role/a", Unknown),
            ("arn:aws:iam:*:123456789012:role/?", "arn:aws:iam::123456789012:role/a", Yes),
            ("arn:aws:iam::12345678901?:role/a", "arn:aws:iam::123456789012:role/a", Yes),
            ("arn:aws:sts::*:role/a", "arn:aws:iam::123456789012:role/a", No),
            ("arn:aws:iam::123456789012:role/A", "arn:aws:iam::123456789012:role/a", No),
            ("arn:aws:x::1:a:*", "arn:aws:x::1:a:b", Unknown),
            ("arn:aws:x::1:a:b", "arn:aws:x::1:a:b", Yes),
            ("*", "arn:aws:iam::123456789012:role/a", Unknown),
            ("arn:aws:iam::1:role/a", "role/a", Unknown),
            ("*:aws:iam::1:role/a", "x:aws:iam::1:role/a", Unknown),
        ],
    );
}

#[test]
fn bytes_are_never_equal_for_sure() {
    all(Test::Binary, &[("YQ==", "a", Unknown), ("YQ==", "b", No), ("YQ==", "YQ==", Unknown), ("!", "a", Unknown)]);
}

#[test]
fn a_day_without_a_zone_is_unknown_between_its_ends_and_not_at_them() {
    let (from, to) = super::instant("2026-11-20").unwrap();
    let at = |nanoseconds: i128| (nanoseconds / 1_000_000_000).to_string();
    for (order, presented, expected) in [
        (Order::Less, from - 1_000_000_000, Truth::Yes),
        (Order::Less, from, Truth::Unknown),
        (Order::Less, from + 1_000_000_000, Truth::Unknown),
        (Order::Less, to - 1_000_000_000, Truth::Unknown),
        (Order::Less, to, Truth::No),
        (Order::Less, to + 1_000_000_000, Truth::No),
        (Order::Greater, from, Truth::No),
        (Order::Greater, from + 1_000_000_000, Truth::Unknown),
        (Order::Greater, to + 1_000_000_000, Truth::Yes),
        (Order::Equal, from - 1_000_000_000, Truth::No),
        (Order::Equal, from + 1_000_000_000, Truth::Unknown),
        (Order::Equal, to + 1_000_000_000, Truth::No),
    ] {
        assert_eq!(super::date(order, "2026-11-20", &at(presented)), expected, "{order:?} {presented}");
    }
}
