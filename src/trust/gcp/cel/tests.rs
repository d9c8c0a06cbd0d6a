//! What expressions give, by CEL's definition, where its public cases (`conformance.rs`) do not ask; and how values are shown.

use super::{Dialect, Scope, Stop, parse};

/// A value as it is shown; `error`, `undecided`.
fn given(text: &str) -> String {
    let expr = parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    match Scope::new(Dialect::Standard, Vec::new()).value(&expr) {
        Ok(value) => value.to_string(),
        Err(Stop::Undecided(_)) => "undecided".to_owned(),
        Err(_) => "error".to_owned(),
    }
}

fn all(table: &[(&str, &str)]) {
    for (text, expected) in table {
        assert_eq!(given(text), *expected, "{text}");
    }
}

#[test]
fn functions_give_what_their_definitions_say() {
    all(&[
        ("string(true)", "'true'"),
        ("string(-1)", "'-1'"),
        ("string(1u)", "'1'"),
        ("string('a')", "'a'"),
        ("string(b'ab')", "'ab'"),
        (r"string(b'\xff')", "error"),
        ("string(null)", "undecided"),
        ("bytes('ab')", "2 bytes"),
        ("bytes(b'abc')", "3 bytes"),
        ("bool(true)", "true"),
        ("bool('1') && bool('t') && bool('T') && bool('true') && bool('TRUE') && bool('True')", "true"),
        ("bool('0') || bool('f') || bool('F') || bool('false') || bool('FALSE') || bool('False')", "false"),
        ("bool('tRUE')", "error"),
        ("dyn(1)", "1"),
        (
            "[type(true), type(1), type(1u), type(1.0), type('a'), type(b'a')]",
            "[bool, int, uint, double, string, bytes]",
        ),
        ("[type([]), type({}), type(null), type(int)]", "[list, map, null_type, type]"),
        ("int(1)", "1"),
        ("int(9223372036854775807u)", "9223372036854775807"),
        ("int(9223372036854775808u)", "error"),
        ("int('-5')", "-5"),
        ("int('9223372036854775808')", "error"),
        ("int('+5')", "undecided"),
        ("int(' 5 ')", "undecided"),
        ("int('--5')", "undecided"),
        ("int('5a')", "error"),
        ("int('')", "error"),
        ("int('-')", "error"),
        ("uint(1u)", "1u"),
        ("uint(1)", "1u"),
        ("uint(-1)", "error"),
        ("uint('5')", "5u"),
        ("uint('-5')", "error"),
        ("double(1.5)", "1.5"),
        ("double('1.5')", "1.5"),
        ("double('x')", "error"),
        ("double([])", "undecided"),
        ("size('äb') + size(b'äb') + size([1]) + size({'a': 1, 'b': 2})", "8"),
        ("size(1)", "error"),
        ("'ab'.size()", "2"),
        ("'aB c'.upperAscii()", "'AB C'"),
        ("'aB Ä'.lowerAscii()", "'ab Ä'"),
        ("' a b '.trim()", "'a b'"),
        ("'a.b.c'.replace('.', '/')", "'a/b/c'"),
        ("'äbc'.charAt(0) + 'äbc'.charAt(2) + 'äbc'.charAt(3)", "'äc'"),
        ("'abc'.charAt(-1)", "error"),
        ("'abc'.charAt(4)", "error"),
        ("'äbcd'.substring(1)", "'bcd'"),
        ("'äbcd'.substring(4)", "''"),
        ("'äbcd'.substring(5)", "error"),
        ("'äbcd'.substring(1, 3)", "'bc'"),
        ("'äbcd'.substring(1, 1)", "''"),
        ("'äbcd'.substring(2, 1)", "error"),
        ("'äbcd'.substring(0, 5)", "error"),
        ("'a,b'.split(',')", "['a', 'b']"),
        ("'a,b'.split('')", "undecided"),
        ("['a', 'b'].join() + ['a', 'b'].join('-')", "'aba-b'"),
        ("[1].join()", "error"),
        ("'a'.contains(1)", "error"),
        ("1.lowerAscii()", "error"),
    ]);
}

#[test]
fn operators_give_what_their_definitions_say() {
    all(&[
        ("[7 + 2, 7 - 2, 7 * 2, 7 / 2, 7 % 2]", "[9, 5, 14, 3, 1]"),
        ("[7u + 2u, 7u - 2u, 7u * 2u, 7u / 2u, 7u % 2u]", "[9u, 5u, 14u, 3u, 1u]"),
        ("[7.0 + 2.0, 7.0 - 2.0, 7.0 * 2.0, 7.0 / 2.0]", "[9.0, 5.0, 14.0, 3.5]"),
        ("7.0 % 2.0", "error"),
        ("1 / 0", "error"),
        ("1 % 0", "error"),
        ("1u / 0u", "error"),
        ("1u % 0u", "error"),
        ("1.0 / 0.0 > 1.0", "true"),
        ("9223372036854775807 + 1", "error"),
        ("-9223372036854775808 - 1", "error"),
        ("0u - 1u", "error"),
        ("-(-9223372036854775808)", "error"),
        ("-(1.5)", "-1.5"),
        ("-('a')", "error"),
        ("1 + 1u", "error"),
        ("1 + 'a'", "error"),
        ("'a' + 'b'", "'ab'"),
        ("[1] + [2]", "[1, 2]"),
        ("b'a' + b'bc'", "3 bytes"),
        ("[1 < 2, 2 < 1, 1 < 1, 1 <= 1, 2 <= 1]", "[true, false, false, true, false]"),
        ("[2 > 1, 1 > 2, 1 > 1, 1 >= 1, 1 >= 2]", "[true, false, false, true, false]"),
        ("[1 < 2u, 1u < 1.5, 'a' < 'b', b'a' < b'b', false < true]", "[true, true, true, true, true]"),
        ("[1] == [1, 2] || [1, 2] == [1] || {'a': 1} == {'a': 1, 'b': 2} || {'a': 1} == {'b': 1}", "false"),
        ("[1, 2] == [1, 2] && {'a': [1]} == {'a': [1]} && [1] != [2]", "true"),
        ("1 < 'a'", "error"),
        ("[1] < [2]", "error"),
        ("null < null", "error"),
    ]);
}

#[test]
fn values_are_shown_as_they_are_written() {
    all(&[
        (r"'it\'s a \\'", r"'it\'s a \\'"),
        (r"'a\nb\u0007'", r"'a\nb\u{7}'"),
        ("[1, 2u, 1.0, 1.5, true, null]", "[1, 2u, 1.0, 1.5, true, null]"),
        ("[1e14, 1e15, -1e14]", "[100000000000000.0, 1000000000000000, -100000000000000.0]"),
        ("{'a': 1, 'b': [2]}", "{'a': 1, 'b': [2]}"),
        ("[[], {}, '']", "[[], {}, '']"),
        ("b'ab'", "2 bytes"),
        ("int", "int"),
    ]);
}

#[test]
fn what_a_value_holds_is_counted_with_what_is_inside() {
    let bytes = |text: &str| Scope::new(Dialect::Standard, Vec::new()).value(&parse(text).unwrap()).unwrap().bytes();
    assert_eq!((bytes("1"), bytes("'abc'"), bytes("b'ab'")), (0, 3, 2));
    let one = bytes("['']");
    assert!(one > 0);
    assert_eq!((bytes("['abc']"), bytes("['', '']")), (one + 3, 2 * one));
    assert_eq!((bytes("{'': ''}"), bytes("{'a': 'bc'}")), (2 * one, 2 * one + 3));
}
