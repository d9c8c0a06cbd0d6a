//! An explanation as data, for programs.

use serde::ser::{Serialize, Serializer};
use serde_json::{Map, Value, json};

use super::explanation::{Explanation, Node, Reason};

impl Explanation {
    /// `{"decision": "allow"|"deny"|"unknown", "reasons": […], "note"?, "step"?}`; first in `reasons` stands what the answer
    /// rests on (`"decides": true`), then every other comparison.
    #[must_use]
    pub fn document(&self) -> Value {
        let mut object = Map::new();
        object.insert("decision".to_owned(), json!(self.decision));
        object.insert("reasons".to_owned(), self.reasons().iter().map(reason).collect());
        if let Some(note) = &self.note {
            object.insert("note".to_owned(), note.as_str().into());
        }
        if let Some(step) = self.step {
            object.insert("step".to_owned(), step.into());
        }
        Value::Object(object)
    }
}

impl Serialize for Explanation {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.document().serialize(serializer)
    }
}

fn reason(reason: &Reason<'_>) -> Value {
    let Node { path, place, what, expected, presented, verdict, hint, .. } = reason.node;
    let mut object = Map::new();
    for (name, value) in [
        ("verdict", json!(verdict)),
        ("path", json!(path)),
        ("expected", json!(expected)),
        ("presented", json!(presented)),
        ("decides", json!(reason.decides)),
    ] {
        object.insert(name.to_owned(), value);
    }
    if !what.is_empty() {
        object.insert("what".to_owned(), what.as_str().into());
    }
    if let Some(hint) = hint {
        object.insert("hint".to_owned(), hint.as_str().into());
    }
    if let Some(place) = place {
        object.insert("line".to_owned(), place.line.into());
        object.insert("column".to_owned(), place.column.into());
    }
    Value::Object(object)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trust::places::Places;
    use crate::trust::{Truth, Verdict};

    #[test]
    fn the_form_for_programs() {
        let text = "{\n \"a\": 1,\n \"b\": 2}";
        let node = Node::exact("/b", "x", Some("X")).what("the b");
        let root = Node::all("", vec![Node::leaf("/a", "1", "1", Verdict::Match), node]);
        let explanation = Explanation::of(root).note("n").step(Some("s")).placed(&Places::of(text));
        assert_eq!(
            serde_json::to_value(&explanation).unwrap(),
            json!({
                "decision": "deny", "note": "n", "step": "s",
                "reasons": [
                    {"verdict": "mismatch", "path": "/b", "expected": "x", "presented": "X", "decides": true, "what": "the b",
                     "hint": "they differ in upper and lower case only, and case counts", "line": 3, "column": 2},
                    {"verdict": "match", "path": "/a", "expected": "1", "presented": "1", "decides": false, "line": 2, "column": 2},
                ],
            })
        );
        for (truth, word) in [(Truth::Yes, "allow"), (Truth::No, "deny"), (Truth::Unknown, "unknown")] {
            let document = Explanation::of(Node::leaf("", "", "", truth.into())).document();
            assert_eq!(
                document,
                json!({"decision": word, "reasons": [
                {"verdict": Verdict::from(truth), "path": "", "expected": "", "presented": "", "decides": true}]})
            );
        }
    }
}
