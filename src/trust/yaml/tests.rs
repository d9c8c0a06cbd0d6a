use serde_json::json;

use super::*;

fn value(text: &str) -> Value {
    parse(text).unwrap_or_else(|why| panic!("{why}\n{text}")).0
}

#[test]
fn structures_texts_and_short_forms_are_their_json() {
    for (yaml, expected) in [
        ("a: b\n", json!({"a": "b"})),
        ("- a\n- 'b'\n- \"c\\n\"\n", json!(["a", "b", "c\n"])),
        ("{a: [b, {c: d}], 'e': f}", json!({"a": ["b", {"c": "d"}], "e": "f"})),
        ("a: |\n  b\n   c\nd: >-\n  e\n  f\n", json!({"a": "b\n c\n", "d": "e f"})),
        ("\u{feff}---\na: &x b\n...\n", json!({"a": "b"})),
        ("%YAML 1.1\n---\na: b\n", json!({"a": "b"})),
        (
            "a: !Sub b\nc: !Ref d\ne: !Condition f\n",
            json!({"a": {"Fn::Sub": "b"}, "c": {"Ref": "d"}, "e": {"Condition": "f"}}),
        ),
        ("!GetAtt a.b.c", json!({"Fn::GetAtt": ["a", "b.c"]})),
        ("!GetAtt a", json!({"Fn::GetAtt": "a"})),
        ("!GetAtt [a, b]", json!({"Fn::GetAtt": ["a", "b"]})),
        ("!Join ['', [a, !Ref b]]", json!({"Fn::Join": ["", ["a", {"Ref": "b"}]]})),
        (
            "!If\n- a\n- !Sub\n  - b\n  - c: d\n- !Ref AWS::NoValue\n",
            json!({"Fn::If": ["a", {"Fn::Sub": ["b", {"c": "d"}]}, {"Ref": "AWS::NoValue"}]}),
        ),
        ("!Transform {Name: AWS::Include}", json!({"Fn::Transform": {"Name": "AWS::Include"}})),
        ("!Sub |\n  {\"a\": 1}\n", json!({"Fn::Sub": "{\"a\": 1}\n"})),
        ("Fn::Sub: b", json!({"Fn::Sub": "b"})),
        ("!<!Sub> b", json!({"Fn::Sub": "b"})),
        ("!<urn:x> b", json!({"!<urn:x>": "b"})),
        ("%TAG !y! tag:yaml.org,2002:\n---\n!y!str 1", json!("1")),
        ("!!map {a: !!seq [!!str 1]}", json!({"a": ["1"]})),
        ("yes: 1\n1: 2\n", json!({"yes": 1, "1": 2})),
    ] {
        assert_eq!(value(yaml), expected, "{yaml}");
    }
}

#[test]
fn only_what_every_yaml_reads_alike_has_a_type() {
    for (yaml, expected) in [
        ("2012-10-17", json!("2012-10-17")),
        ("2026-01-01T00:00:00Z", json!("2026-01-01T00:00:00Z")),
        ("sts:AssumeRoleWithWebIdentity", json!("sts:AssumeRoleWithWebIdentity")),
        ("127.0.0.1", json!("127.0.0.1")),
        ("10.0.0.0/8", json!("10.0.0.0/8")),
        ("1.2.3", json!("1.2.3")),
        ("AWS::IAM::Role", json!("AWS::IAM::Role")),
        ("0b6c1b4e-0000", json!("0b6c1b4e-0000")),
        ("-", json!([null])),
        ("e3", json!("e3")),
        (".", json!(".")),
        ("::1", json!("::1")),
        ("tRUE", json!("tRUE")),
        ("nay", json!("nay")),
        ("3600", json!(3600)),
        ("-7", json!(-7)),
        ("0", json!(0)),
        ("123456789012", json!(123_456_789_012_u64)),
        ("18446744073709551615", json!(u64::MAX)),
        ("True", json!(true)),
        ("FALSE", json!(false)),
        ("~", Value::Null),
        ("Null", Value::Null),
        ("'yes'", json!("yes")),
        ("\"012345678901\"", json!("012345678901")),
        ("! 012", json!("012")),
        ("!!str 012", json!("012")),
        ("!!str 2012-10-17", json!("2012-10-17")),
        ("!!int 12", json!(12)),
        ("!!bool true", json!(true)),
        ("!!null ''", Value::Null),
    ] {
        assert_eq!(value(yaml), expected, "{yaml}");
    }
    for yaml in [
        "yes",
        "No",
        "ON",
        "off",
        "y",
        "N",
        "=",
        "<<",
        "012345678901",
        "0o17",
        "0x1F",
        "0b101",
        "1_000",
        "+5",
        "-0",
        "1.5",
        ".5",
        "1e3",
        "1.",
        "190:20:30",
        "12:30",
        ".inf",
        "-.Inf",
        ".NaN",
        "18446744073709551616",
        "!!int 0x1F",
        "!!int yes",
        "!!bool yes",
        "!!binary aGk=",
        "!!timestamp 2012-10-17",
        "!!float 1",
        "!!set {a}",
        "!!omap [a: b]",
        "!!map [a]",
    ] {
        let value = value(yaml);
        assert!(value.as_object().is_some_and(|all| all.len() == 1 && all.contains_key(UNSURE)), "{yaml}: {value}");
    }
}

#[test]
fn an_alias_is_an_odd_value_and_never_followed() {
    assert_eq!(
        value("a: &x [1]\nb: *x\nc: {<<: *x}\n"),
        json!({"a": [1], "b": {ALIAS: null}, "c": {"<<": {ALIAS: null}}})
    );
    // Each level would be ten times the one before.
    let mut laughs = "a0: &a0 lol\n".to_owned();
    for level in 1..40 {
        laughs += &format!("a{level}: &a{level} [{}]\n", vec![format!("*a{}", level - 1); 10].join(", "));
    }
    assert!(value(&laughs).to_string().len() < 20_000);
}

#[test]
fn what_has_two_meanings_is_refused_with_its_place() {
    for (yaml, words) in [
        ("a: 1\nb: 2\na: 3\n", "the key `a` stands twice in one object at line 3 column 1"),
        ("x:\n  {\"a\": 1, a: 2}\n", "the key `a` stands twice in one object at line 2 column 12"),
        ("a: 1\n---\nb: 2\n", "a second document begins, and a template is one at line 2 column 1"),
        ("[a]: b\n", "a key is no plain text at line 1"),
        ("? {a: b}\n: c\n", "a key is no plain text at line 1"),
        ("!Ref a: b\n", "a key is no plain text at line 1 column 1"),
        ("a: &x b\n*x : c\n", "a key is no plain text at line 2 column 1"),
        ("a: [\n", "it is neither JSON nor YAML: "),
        ("a: *gone\n", "it is neither JSON nor YAML: "),
        ("a: b: c\n", "line 1 column "),
        ("", "it is empty"),
        ("# nothing\n", "it is empty"),
    ] {
        let why = parse(yaml).unwrap_err();
        assert!(why.contains(words), "{yaml}: {why}");
    }
    let key = |length: usize| parse(&format!("? {}\n: 1", "k".repeat(length)));
    assert!(key(MAX_KEY).is_ok());
    assert!(key(MAX_KEY + 1).unwrap_err().contains("1025 bytes"));
    assert!(parse(&format!("a: {}", "b".repeat(MOST_BYTES))).unwrap_err().contains("bytes"));
}

#[test]
fn depth_is_limited_in_every_style() {
    for (open, limit) in [("[", true), ("- ", true), ("{a: ", true), ("? ", true)] {
        assert_eq!(parse(&open.repeat(100_000)).is_err(), limit, "{open}");
    }
    let deep = |levels: usize| format!("{}a{}", "[".repeat(levels), "]".repeat(levels));
    assert!(parse(&deep(MOST_DEEP - 1)).is_ok());
    assert!(parse(&deep(MOST_DEEP)).unwrap_err().contains("128 levels"));
    let blocks: String = (0..MOST_DEEP).map(|level| format!("{}a:\n", " ".repeat(level))).collect();
    assert!(parse(&blocks).unwrap_err().contains("128 levels"));
}

/// In a workflow an alias is what its anchor stands before, at that place; never without end.
#[test]
fn aliases_are_followed_where_they_are_known() {
    let (value, places) = parse_with_aliases("a: &x\n  b: &y c\nd: *x\ne: [*y, &y z, *y]\n").unwrap();
    assert_eq!(value, json!({"a": {"b": "c"}, "d": {"b": "c"}, "e": ["c", "z", "z"]}));
    assert_eq!(places.find("/d").map(|place| place.line), Some(3));
    assert_eq!(places.find("/d/b").map(|place| place.line), Some(2));
    assert_eq!(parse_with_aliases("&x [*x]").unwrap().0, json!([{ALIAS: null}]));
    let levels = (1..40).map(|level| format!("- &a{level} [*a{before}, *a{before}]\n", before = level - 1));
    let text = format!("- &a0 text\n{}", levels.collect::<String>());
    let grown = parse_with_aliases(&text).unwrap().0.to_string();
    assert!(grown.len() < MOST_COPIED && grown.contains(ALIAS), "{}", grown.len());
    assert_eq!(parse("[&x a, *x]").unwrap().0, json!(["a", {ALIAS: null}]));
}

#[test]
fn keys_items_and_functions_have_their_places() {
    let text = "# head\nResources:\n  Röle:\n    Doc: !Sub\n      - x\n      - y: z\n    List:\n    - a: 1\n      b: 2\n    -\n      c: 3\n    - !Ref q\n";
    let (_, places) = parse(text).unwrap();
    for (pointer, at) in [
        ("", (2, 1)),
        ("/Resources", (2, 1)),
        ("/Resources/Röle/Doc", (4, 5)),
        ("/Resources/Röle/Doc/Fn::Sub", (4, 10)),
        ("/Resources/Röle/Doc/Fn::Sub/0", (5, 9)),
        ("/Resources/Röle/Doc/Fn::Sub/1/y", (6, 9)),
        ("/Resources/Röle/List/0", (8, 7)),
        ("/Resources/Röle/List/0/b", (9, 7)),
        ("/Resources/Röle/List/1/c", (11, 7)),
        ("/Resources/Röle/List/2", (12, 7)),
        ("/Resources/Röle/List/2/Ref", (12, 7)),
    ] {
        let found = places.find(pointer).map(|place| (place.line, place.column));
        assert_eq!(found, Some(at), "{pointer}");
    }
}

/// Whatever JSON says, the same text says as YAML, at the same places.
#[test]
fn json_is_read_alike() {
    let text = "{\"a\": [1, true, null, \"x\\u00e9 \\\"\"],\n  \"b\": {\"c\": \"2012-10-17\", \"d/~\": []}}";
    let (value, places) = parse(text).unwrap();
    assert_eq!(value, crate::trust::json::parse(text).unwrap());
    let of_json = Places::of(text);
    for pointer in ["", "/a", "/a/0", "/a/3", "/b", "/b/c", "/b/d~1~0"] {
        assert_eq!(places.find(pointer), of_json.find(pointer), "{pointer}");
    }
}

/// Cut and changed anywhere, it is read or refused.
#[test]
fn no_text_panics() {
    let text = "a: &x !Sub |\n  b\n? 'c'\n: [d, {e: \"f\\x41\"}, *x]\n<<: *x\n--- # g\n- - !!int 7\n...\n";
    let bits = [
        "", "\t", "\n", "\r", ":", "- ", "? ", "{", "]", "&", "*", "!", "|", ">", "'", "\"", "%", "@", "\u{feff}",
        "\0", "é", "\u{85}",
    ];
    for (at, _) in text.char_indices() {
        let (before, behind) = text.split_at(at);
        for bit in bits {
            let _ = parse(&format!("{before}{bit}{behind}"));
            let _ = parse(&format!("{before}{bit}"));
            let _ = parse(&format!("{before}{bit}{}", behind.get(1..).unwrap_or_default()));
        }
    }
}
