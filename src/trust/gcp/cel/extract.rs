//! Google's `extract`: the text between what stands before and behind one `{name}` of a template.
//!
//! Documented in IAM conditions: the text behind the prefix up to the first suffix after it; a name at the end takes the
//! rest; nothing found gives an empty text. Where the prefix occurs several times nothing is said: if the occurrences give
//! different results, the result is undecided.

use super::value::{Out, Stop, Value};

pub(super) fn extract(text: &str, template: &str) -> Out {
    let undecided = |why: &str| Err(Stop::Undecided(format!("`extract` with the template '{template}': {why}")));
    let Some((prefix, rest)) = template.split_once('{') else {
        return undecided("it has no {name}");
    };
    let Some((name, suffix)) = rest.split_once('}') else {
        return undecided("its {name} has no end");
    };
    let plain = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    if !plain || suffix.contains(['{', '}']) || prefix.contains('}') {
        return undecided("documented is one {name} of letters, digits, `_` and `-`");
    }
    let mut found: Vec<&str> = Vec::new();
    for (at, _) in text.char_indices().chain([(text.len(), ' ')]) {
        let Some(behind) = text.get(at..).and_then(|tail| tail.strip_prefix(prefix)) else { continue };
        let value = if suffix.is_empty() { Some(behind) } else { behind.split_once(suffix).map(|(value, _)| value) };
        found.push(value.unwrap_or_default());
        if prefix.is_empty() {
            break;
        }
    }
    let first = found.first().copied().unwrap_or_default();
    if found.iter().any(|other| *other != first) {
        return undecided("what stands before {name} occurs several times, and which one counts is not documented");
    }
    Ok(Value::Text(first.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Google's examples, IAM conditions, "Extract".
    const NAME: &str =
        "projects/_/buckets/acme-orders-aaa/objects/data_lake/orders/order_date=2019-11-03/aef87g87ae0876";

    #[test]
    fn as_documented() {
        for (template, result) in [
            ("/order_date={date}/", "2019-11-03"),
            ("buckets/{name}/", "acme-orders-aaa"),
            ("/orders/{empty}order_date", ""),
            ("{start}/objects/data_lake", "projects/_/buckets/acme-orders-aaa"),
            ("orders/{end}", "order_date=2019-11-03/aef87g87ae0876"),
            ("{all}", NAME),
            ("/orders/{none}/order_date=", ""),
            ("/orders/order_date=2019-11-03/{id}/data_lake", ""),
        ] {
            assert_eq!(extract(NAME, template), Ok(Value::Text(result.to_owned())), "{template}");
        }
        assert_eq!(extract("id/123456789", "id/{end}"), Ok(Value::Text("123456789".to_owned())));
        assert_eq!(extract("id/123456789", "{start}/"), Ok(Value::Text("id".to_owned())));
        assert_eq!(extract("id/123456789", "foo/{nothing}"), Ok(Value::Text(String::new())));
        assert_eq!(extract("", "{all}"), Ok(Value::Text(String::new())));
    }

    #[test]
    fn what_is_not_documented_is_undecided() {
        for (text, template) in [
            ("a/b/c", "/{x}"),
            ("a:1:a:2:", "a:{x}:"),
            ("aaa1", "aa{x}"),
            ("a", "plain"),
            ("a", "{x"),
            ("a", "{}"),
            ("a", "{a b}"),
            ("a", "{x}/{y}"),
            ("a", "}{x}"),
        ] {
            assert!(matches!(extract(text, template), Err(Stop::Undecided(_))), "{text} {template}");
        }
        // Two occurrences with one result.
        assert_eq!(extract("a:1:a:1:", "a:{x}:"), Ok(Value::Text("1".to_owned())));
    }
}
