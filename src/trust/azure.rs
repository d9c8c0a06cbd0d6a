//! Entra's federated identity credentials: issuer, subject and audience, each exactly, case included.
//!
//! Source: Microsoft's "Workload identity federation considerations": no wildcards, exactly one audience, 600 characters at
//! most. Credentials with a `claimsMatchingExpression` (flexible, in preview) are undecided here.

use serde_json::{Map, Value};

use super::explanation::{Explanation, Node, Truth, Verdict};
use super::json;
use super::places::join;
use crate::claims::Claims;

/// The longest life of an external token that Entra takes, in seconds: `1.01:00:00` (AADSTS70023).
pub const TOKEN_LIFE_SECONDS: i64 = 90_000;

/// The credentials of one application or user-assigned identity.
#[derive(Clone, Debug)]
pub struct FederatedCredentials {
    /// Where the list stands.
    path: String,
    list: Vec<FederatedCredential>,
}

/// One credential.
#[derive(Clone, Debug)]
struct FederatedCredential {
    name: String,
    issuer: String,
    subject: Option<String>,
    audiences: Vec<String>,
    /// What is there and not understood.
    unknown: Vec<String>,
}

impl FederatedCredentials {
    /// Reads the list as `az ad app federated-credential list` prints it; `{"value": […]}` of Graph is the same.
    pub(super) fn from_json(value: &Value) -> Result<Self, String> {
        let (path, list) = match value.get("value") {
            Some(list) => ("/value", list),
            None => ("", value),
        };
        let list = list.as_array().ok_or("expected a list of federated identity credentials")?;
        let read = |(at, entry): (usize, &Value)| {
            let object = entry.as_object().ok_or_else(|| format!("entry {} is no object", at + 1))?;
            FederatedCredential::from_json(object).map_err(|what| format!("entry {}: {what}", at + 1))
        };
        let list = list.iter().enumerate().map(read).collect::<Result<_, _>>()?;
        Ok(FederatedCredentials { path: path.to_owned(), list })
    }
}

impl FederatedCredential {
    fn from_json(object: &Map<String, Value>) -> Result<Self, String> {
        // `az identity federated-credential list` (managed identities) puts the same fields beside these ARM ones.
        const KNOWN: [&str; 10] = [
            "name",
            "issuer",
            "subject",
            "audiences",
            "description",
            "id",
            "type",
            "resourceGroup",
            "systemData",
            "@odata.context",
        ];
        let name = json::text(object, "name")?.unwrap_or("without a name").to_owned();
        let issuer = json::text(object, "issuer")?.ok_or("it has no issuer")?.to_owned();
        let subject = json::text(object, "subject")?.map(str::to_owned);
        let audiences = match object.get("audiences") {
            Some(list @ Value::Array(_)) => json::texts(list).ok_or("`audiences` is no list of texts")?,
            _ => return Err("it has no list `audiences`".to_owned()),
        };
        Ok(FederatedCredential { name, issuer, subject, audiences, unknown: json::unknown_keys(object, &KNOWN) })
    }

    /// The comparisons in Entra's order: issuer, audience, subject, then what is not understood.
    fn check(&self, path: &str, issuer: &str, claims: &Claims) -> Vec<Node> {
        let what = |what: &str| format!("{what} of credential `{}`", self.name);
        let mut parts = vec![Node::exact(join(path, "issuer"), &self.issuer, Some(issuer)).what(what("issuer"))];
        let presented = claims.audiences();
        let audiences = join(path, "audiences");
        let audience = match (self.audiences.as_slice(), presented.as_slice()) {
            ([expected], [presented]) => Node::exact(join(&audiences, "0"), expected, Some(presented)),
            ([expected], []) => Node::exact(join(&audiences, "0"), expected, None),
            // Documented is exactly one audience on either side.
            (expected, presented) => {
                Node::leaf(audiences, expected.join(", "), presented.join(", "), Verdict::Unsupported)
            }
        };
        parts.push(audience.what(what("audience")));
        let subject = claims.value("sub").and_then(Value::as_str);
        let at = join(path, "subject");
        let subject = match &self.subject {
            Some(expected) => Node::exact(at, expected, subject),
            None => Node::leaf(at, "no subject", subject.unwrap_or_default(), Verdict::Unsupported),
        };
        parts.push(subject.what(what("subject")));
        for name in &self.unknown {
            let node = Node::leaf(join(path, name), "a field that is understood", name, Verdict::Unsupported);
            parts.push(node.what(what("fields")));
        }
        parts
    }
}

/// Would one of the credentials take this token?
#[must_use]
pub fn evaluate(trust: &FederatedCredentials, issuer: &str, claims: &Claims) -> Explanation {
    let mut all = Vec::new();
    // How near the nearest credential comes decides what Entra answers.
    let mut nearest = (0, "AADSTS700211");
    for (at, credential) in trust.list.iter().enumerate() {
        let path = join(&trust.path, &at.to_string());
        let parts = credential.check(&path, issuer, claims);
        nearest = nearest.max(nearness(&parts));
        all.push(Node::all(path, parts).what(format!("credential `{}`", credential.name)));
    }
    let mut root = Node::any(trust.path.clone(), all).what("federated identity credentials");
    let mut step = nearest.1;
    let life = claims.seconds("exp").zip(claims.seconds("iat")).map(|(exp, iat)| exp.saturating_sub(iat));
    if let Some(life) = life.filter(|life| *life > TOKEN_LIFE_SECONDS) {
        step = "AADSTS70023";
        let (most, life) = (format!("at most {TOKEN_LIFE_SECONDS} s"), format!("{life} s"));
        let life = Node::leaf("", most, life, Verdict::Mismatch).what("life of the ID token");
        root = Node::all("", vec![root, life]);
    }
    let denied = root.truth() == Truth::No;
    let explanation = Explanation::of(root).step(denied.then_some(step));
    if denied && step == "AADSTS7002138" {
        return explanation.note("a credential matches but for upper and lower case, which counts (AADSTS7002138)");
    }
    explanation
}

/// How far a credential agrees, with the code of what stands in the way: the more, the nearer.
fn nearness(parts: &[Node]) -> (u8, &'static str) {
    let holds = |node: &Node| node.verdict == Verdict::Match;
    let fits = |node: &Node| holds(node) || node.is_case_only();
    match parts {
        [issuer, audience, subject, ..] => {
            let three = [issuer, audience, subject];
            if three.iter().all(|node| fits(node)) && three.iter().any(|node| node.is_case_only()) {
                (4, "AADSTS7002138")
            } else if holds(issuer) && holds(audience) {
                (3, "AADSTS700213")
            } else if holds(issuer) {
                (2, "AADSTS700212")
            } else {
                (1, "AADSTS700211")
            }
        }
        _ => (1, "AADSTS700211"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::claims::github::{ISSUER, Job};
    use crate::trust::Decision;
    use time::OffsetDateTime;

    const AUDIENCE: &str = "api://AzureADTokenExchange";

    fn run(list: &str, change: impl Fn(&mut Claims)) -> Explanation {
        let mut claims = Job::default().claims(ISSUER, AUDIENCE, OffsetDateTime::UNIX_EPOCH);
        change(&mut claims);
        evaluate(&FederatedCredentials::from_json(&json::parse(list).unwrap()).unwrap(), ISSUER, &claims)
    }

    fn credential(issuer: &str, subject: &str, audience: &str) -> String {
        format!(r#"{{"name":"n","issuer":"{issuer}","subject":"{subject}","audiences":["{audience}"]}}"#)
    }

    const SUBJECT: &str = "repo:acme/shop:ref:refs/heads/main";

    fn one(issuer: &str, subject: &str, audience: &str) -> Explanation {
        run(&format!("[{}]", credential(issuer, subject, audience)), |_| ())
    }

    #[test]
    fn three_exact_matches_allow() {
        let explanation = one(ISSUER, SUBJECT, AUDIENCE);
        assert_eq!((explanation.decision, explanation.step), (Decision::Allowed, None));
    }

    #[test]
    fn each_difference_has_its_code() {
        for (issuer, subject, audience, code) in [
            ("https://gitlab.com", SUBJECT, AUDIENCE, "AADSTS700211"),
            (&format!("{ISSUER}/"), SUBJECT, AUDIENCE, "AADSTS700211"),
            (&format!(" {ISSUER}"), SUBJECT, AUDIENCE, "AADSTS700211"),
            (ISSUER, SUBJECT, "sts.amazonaws.com", "AADSTS700212"),
            (ISSUER, "repo:acme/shop:pull_request", AUDIENCE, "AADSTS700213"),
            (ISSUER, "repo:acme/*", AUDIENCE, "AADSTS700213"),
            (ISSUER, "repo:Acme/shop:ref:refs/heads/main", AUDIENCE, "AADSTS7002138"),
            (ISSUER, SUBJECT, "api://azureadtokenexchange", "AADSTS7002138"),
            ("https://gitlab.com", "x", "y", "AADSTS700211"),
        ] {
            let explanation = one(issuer, subject, audience);
            assert_eq!(explanation.decision, Decision::Denied, "{issuer} {subject} {audience}");
            assert_eq!(explanation.step, Some(code), "{issuer} {subject} {audience}");
        }
    }

    #[test]
    fn every_mismatch_is_listed() {
        assert_eq!(one("https://gitlab.com", "x", "y").failed().len(), 3);
    }

    #[test]
    fn three_halves_of_different_credentials_do_not_add_up() {
        let list = format!(
            "[{},{}]",
            credential(ISSUER, "repo:acme/other:pull_request", AUDIENCE),
            credential("https://gitlab.com", SUBJECT, AUDIENCE)
        );
        assert_eq!(run(&list, |_| ()).decision, Decision::Denied);
    }

    #[test]
    fn one_match_among_others_allows() {
        let list = format!("[{},{}]", credential("https://x", "y", "z"), credential(ISSUER, SUBJECT, AUDIENCE));
        assert_eq!(run(&list, |_| ()).decision, Decision::Allowed);
    }

    #[test]
    fn a_flexible_credential_is_undecided_unless_something_denies_it() {
        let flexible = |issuer: &str| {
            format!(
                r#"[{{"name":"f","issuer":"{issuer}","subject":null,"audiences":["{AUDIENCE}"],
                "claimsMatchingExpression":{{"value":"claims['sub'] matches '*'","languageVersion":1}}}}]"#
            )
        };
        assert_eq!(run(&flexible(ISSUER), |_| ()).decision, Decision::Undecided);
        assert_eq!(run(&flexible("https://gitlab.com"), |_| ()).decision, Decision::Denied);
    }

    #[test]
    fn what_is_not_documented_is_undecided() {
        let two = format!(r#"[{{"issuer":"{ISSUER}","subject":"{SUBJECT}","audiences":["{AUDIENCE}","b"]}}]"#);
        assert_eq!(run(&two, |_| ()).decision, Decision::Undecided);
        let good = format!("[{}]", credential(ISSUER, SUBJECT, AUDIENCE));
        assert_eq!(run(&good, |c| c.set("aud", vec![AUDIENCE, "b"])).decision, Decision::Undecided);
        let extra = format!(
            r#"[{{"issuer":"{ISSUER}","subject":"{SUBJECT}","audiences":["{AUDIENCE}"],"trustedIssuer":{{}}}}]"#
        );
        assert_eq!(run(&extra, |_| ()).decision, Decision::Undecided);
    }

    #[test]
    fn a_claim_that_is_absent_denies() {
        let good = format!("[{}]", credential(ISSUER, SUBJECT, AUDIENCE));
        let explanation = run(&good, |c| c.set("sub", Value::Null));
        assert_eq!(explanation.failed().first().unwrap().verdict, Verdict::Missing);
        assert_eq!(explanation.decision, Decision::Denied);
        assert_eq!(run(&good, |c| c.set("aud", Value::Null)).decision, Decision::Denied);
        assert_eq!(run("[]", |_| ()).decision, Decision::Denied);
    }

    #[test]
    fn a_token_of_more_than_twenty_five_hours_is_refused() {
        let good = format!("[{}]", credential(ISSUER, SUBJECT, AUDIENCE));
        assert_eq!(run(&good, |c| c.set("exp", TOKEN_LIFE_SECONDS)).decision, Decision::Allowed);
        let explanation = run(&good, |c| c.set("exp", TOKEN_LIFE_SECONDS + 1));
        assert_eq!((explanation.decision, explanation.step), (Decision::Denied, Some("AADSTS70023")));
    }

    #[test]
    fn what_has_another_shape_is_an_error() {
        for text in
            ["{}", "1", r#"[1]"#, r#"[{"name":"n"}]"#, r#"[{"issuer":1,"audiences":[]}]"#, r#"[{"issuer":"i"}]"#]
        {
            assert!(FederatedCredentials::from_json(&json::parse(text).unwrap()).is_err(), "{text}");
        }
    }
}
