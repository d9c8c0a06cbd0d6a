//! The answer's shape: a tree that mirrors the trust policy's own, every node with its place and both sides.
//!
//! A leaf is one comparison. A group holds when all of its children do ([`Node::all`]), one does ([`Node::any`]), or not all
//! do ([`Node::none`], a Deny). Nothing stops at the first failure; what is unknown stays unknown unless the other side settles it.

use super::places::{Place, Places};

pub use super::truth::{Decision, Truth, Verdict};

/// How the children of a node come to its verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Leaf,
    All,
    Any,
    None,
}

/// One comparison, or a group of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// JSON pointer (RFC 6901) into the file as its author wrote it; empty for the whole. Where the trust policy is a text
    /// inside the file, the pointer goes on inside that text.
    pub path: String,
    /// Where that stands in the file, once [`Explanation::placed`] was told.
    pub place: Option<Place>,
    /// What is compared, in words; empty where the path says it.
    pub what: String,
    /// What the trust policy wants; empty in a group.
    pub expected: String,
    /// What the claims say; empty when there is nothing, and in a group.
    pub presented: String,
    /// How it ended.
    pub verdict: Verdict,
    /// What to do, or what is behind it.
    pub hint: Option<String>,
    /// The parts of a group, in the trust policy's order.
    pub children: Vec<Node>,
    kind: Kind,
}

impl Node {
    /// One comparison whose outcome is known.
    pub fn leaf(
        path: impl Into<String>,
        expected: impl Into<String>,
        presented: impl Into<String>,
        verdict: Verdict,
    ) -> Self {
        Node {
            path: path.into(),
            place: None,
            what: String::new(),
            expected: expected.into(),
            presented: presented.into(),
            verdict,
            hint: None,
            children: Vec::new(),
            kind: Kind::Leaf,
        }
    }

    /// Exact comparison; says apart what differs in case only.
    #[must_use]
    pub fn exact(path: impl Into<String>, expected: &str, presented: Option<&str>) -> Self {
        let verdict = match presented {
            None => Verdict::Missing,
            Some(presented) if presented == expected => Verdict::Match,
            Some(_) => Verdict::Mismatch,
        };
        let node = Node::leaf(path, expected, presented.unwrap_or_default(), verdict);
        if node.is_case_only() { node.hint("they differ in upper and lower case only, and case counts") } else { node }
    }

    /// Holds when every child does; without children it holds.
    pub fn all(path: impl Into<String>, children: Vec<Node>) -> Self {
        let truth = children.iter().map(Node::truth).fold(Truth::Yes, Truth::and);
        Node::group(path, children, Kind::All, truth.into())
    }

    /// Holds when one child does; without children it does not, and what is wanted counts as missing.
    pub fn any(path: impl Into<String>, children: Vec<Node>) -> Self {
        let truth = children.iter().map(Node::truth).fold(Truth::No, Truth::or);
        let verdict = if children.is_empty() { Verdict::Missing } else { truth.into() };
        Node::group(path, children, Kind::Any, verdict)
    }

    /// A Deny: holds when not all children do.
    pub fn none(path: impl Into<String>, children: Vec<Node>) -> Self {
        let all = children.iter().map(Node::truth).fold(Truth::Yes, Truth::and);
        Node::group(path, children, Kind::None, (!all).into())
    }

    fn group(path: impl Into<String>, children: Vec<Node>, kind: Kind, verdict: Verdict) -> Self {
        Node { children, kind, ..Node::leaf(path, "", "", verdict) }
    }

    /// Says what is compared.
    #[must_use]
    pub fn what(mut self, what: impl Into<String>) -> Self {
        self.what = what.into();
        self
    }

    /// Says both sides of a group.
    #[must_use]
    pub fn sides(mut self, expected: impl Into<String>, presented: impl Into<String>) -> Self {
        (self.expected, self.presented) = (expected.into(), presented.into());
        self
    }

    /// Adds a hint behind the one that is there.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        let hint = hint.into();
        self.hint = Some(match self.hint.take() {
            Some(before) => format!("{before}; {hint}"),
            None => hint,
        });
        self
    }

    /// Whether it holds.
    #[must_use]
    pub fn truth(&self) -> Truth {
        self.verdict.into()
    }

    /// Whether it is one comparison whose sides differ in upper and lower case only.
    #[must_use]
    pub fn is_case_only(&self) -> bool {
        let same = self.expected.to_lowercase() == self.presented.to_lowercase();
        self.kind == Kind::Leaf && self.verdict == Verdict::Mismatch && same
    }

    /// Whether it has no parts, or is a Deny that settles the matter as a whole.
    #[must_use]
    pub fn is_leaf(&self) -> bool {
        self.children.is_empty()
    }

    fn place(&mut self, places: &Places) {
        self.place = places.find(&self.path);
        self.children.iter_mut().for_each(|child| child.place(places));
    }

    /// Adds the comparisons below, each with whether it decides, given that this node does.
    fn reasons<'a>(&'a self, decides: bool, into: &mut Vec<Reason<'a>>) {
        let settled = self.truth();
        // A Deny that applies, or clearly does not, counts as a whole: its parts mean the opposite of what they say.
        let whole = self.children.is_empty() || self.kind == Kind::None && settled != Truth::Unknown;
        if whole {
            into.push(Reason { node: self, decides });
        }
        if self.kind == Kind::None && settled == Truth::Yes {
            return;
        }
        for child in &self.children {
            let part = match self.kind {
                Kind::Leaf | Kind::All | Kind::Any => child.truth() == settled,
                Kind::None => !whole && child.truth() == Truth::Unknown,
            };
            child.reasons(decides && part, into);
        }
    }
}

/// One comparison of an explanation.
#[derive(Clone, Copy, Debug)]
pub struct Reason<'a> {
    /// The comparison.
    pub node: &'a Node,
    /// Whether the answer rests on it.
    pub decides: bool,
}

/// The answer with its reasons.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The answer.
    pub decision: Decision,
    /// Every comparison, also those that hold, in the trust policy's own order.
    pub root: Node,
    /// What a reader has to know beside the comparisons: what lies outside the file, what is suspicious.
    pub note: Option<String>,
    /// The first step that stood in the way, for who imitates the destination. AWS: the error code; Azure: `AADSTS700213`;
    /// GCP: `issuer`, `provider`, `audience`, `mapping`, `mapping-type`, `subject-size`, `condition`, `binding`.
    pub step: Option<&'static str>,
}

impl Explanation {
    /// The answer that follows from the tree.
    #[must_use]
    pub fn of(root: Node) -> Self {
        Explanation { decision: root.truth().into(), root, note: None, step: None }
    }

    /// Adds a note behind those that are there.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        let note = note.into();
        self.note = Some(match self.note.take() {
            Some(before) => format!("{before}; {note}"),
            None => note,
        });
        self
    }

    /// Names the step that stood in the way.
    #[must_use]
    pub fn step(mut self, step: Option<&'static str>) -> Self {
        self.step = step;
        self
    }

    /// With lines and columns.
    #[must_use]
    pub fn placed(mut self, places: &Places) -> Self {
        self.root.place(places);
        self
    }

    /// The comparisons as a list: first those that the answer rests on, then the others, both in the trust policy's order.
    #[must_use]
    pub fn reasons(&self) -> Vec<Reason<'_>> {
        let mut all = Vec::new();
        self.root.reasons(true, &mut all);
        all.sort_by_key(|reason| !reason.decides);
        all
    }

    /// The comparisons that do not hold or are not understood, in the trust policy's order.
    #[must_use]
    pub fn failed(&self) -> Vec<&Node> {
        let mut all = Vec::new();
        self.root.reasons(true, &mut all);
        all.into_iter().map(|reason| reason.node).filter(|node| node.verdict != Verdict::Match).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaf(path: &str, verdict: Verdict) -> Node {
        Node::leaf(path, "e", "p", verdict)
    }

    fn deciding(root: Node) -> Vec<String> {
        let explanation = Explanation::of(root);
        explanation.reasons().iter().filter(|reason| reason.decides).map(|reason| reason.node.path.clone()).collect()
    }

    #[test]
    fn exact_tells_case_from_difference_from_absence() {
        let exact = |expected, presented| Node::exact("", expected, presented);
        assert_eq!(exact("Prod", Some("Prod")).verdict, Verdict::Match);
        assert!(exact("Prod", Some("prod")).is_case_only() && exact("Prod", Some("prod")).hint.is_some());
        assert_eq!(exact("Prod", Some("prod ")).verdict, Verdict::Mismatch);
        assert!(!exact("Prod", Some("prod ")).is_case_only());
        assert_eq!(exact("Prod", None).verdict, Verdict::Missing);
        assert_eq!(exact("", None).verdict, Verdict::Missing);
        let group = Node::all("", vec![exact("a", Some("b"))]);
        assert!(group.verdict == Verdict::Mismatch && !group.is_case_only(), "a group has no sides to compare");
    }

    #[test]
    fn what_decides_is_told_from_what_is_merely_so() {
        use Verdict::{Match, Mismatch, Missing, Unsupported};
        let three = |path: &str, of: fn(String, Vec<Node>) -> Node, verdicts: [Verdict; 3]| {
            let children = verdicts.iter().enumerate().map(|(at, verdict)| leaf(&format!("{path}/{at}"), *verdict));
            of(path.to_owned(), children.collect())
        };
        assert_eq!(deciding(three("", Node::all, [Match, Mismatch, Missing])), ["/1", "/2"]);
        assert_eq!(deciding(three("", Node::all, [Match, Unsupported, Match])), ["/1"]);
        assert_eq!(deciding(three("", Node::all, [Match, Unsupported, Missing])), ["/2"]);
        assert_eq!(deciding(three("", Node::any, [Mismatch, Match, Unsupported])), ["/1"]);
        assert_eq!(deciding(three("", Node::any, [Mismatch, Unsupported, Missing])), ["/1"]);
        assert_eq!(deciding(three("/d", Node::none, [Match, Match, Match])), ["/d"]);
        assert_eq!(deciding(three("/d", Node::none, [Match, Mismatch, Unsupported])), ["/d"]);
        assert_eq!(deciding(three("/d", Node::none, [Match, Unsupported, Match])), ["/d/1"]);
    }

    #[test]
    fn every_comparison_is_listed_and_what_decides_comes_first() {
        let root = Node::any(
            "",
            vec![
                Node::all("/0", vec![leaf("/0/a", Verdict::Match), leaf("/0/b", Verdict::Mismatch)]),
                Node::all("/1", vec![leaf("/1/a", Verdict::Match)]),
            ],
        );
        let explanation = Explanation::of(root);
        let paths: Vec<&str> = explanation.reasons().iter().map(|reason| reason.node.path.as_str()).collect();
        assert_eq!(paths, ["/1/a", "/0/a", "/0/b"]);
        assert_eq!(explanation.failed().len(), 1);
        assert_eq!(explanation.decision, Decision::Allowed);
    }

    #[test]
    fn an_empty_group_of_alternatives_is_missing() {
        assert_eq!(Node::any("", Vec::new()).verdict, Verdict::Missing);
        assert_eq!(Node::all("", Vec::new()).verdict, Verdict::Match);
    }
}
