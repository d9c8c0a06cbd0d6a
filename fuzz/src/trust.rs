//! What holds for the trust policies of all three clouds.

use jobpass::claims::Claims;
use jobpass::claims::github::{ISSUER, Job};
use jobpass::cli::explain;
use jobpass::cli::render::Style;
use jobpass::edge::Destination;
use jobpass::trust::lint::{self, Options};
use jobpass::trust::{self, Decision, Explanation, Rules, TrustPolicy};
use serde_json::Value;
use time::OffsetDateTime;

use super::input::{self, with, without};

/// The role that is asked for where a file has several.
pub const ROLE: &str = "arn:aws:iam::123456789012:role/deploy";
/// When every token is issued.
const NOW: i64 = 1_795_176_000;
/// In nobody's trust policy: an issuer, an audience or a text that only a made-up token has.
const ODD: &str = "odd-9f3a";

/// One question and its answer.
pub struct Asked<'a> {
    pub trust: &'a TrustPolicy,
    pub role: Option<&'a str>,
    pub issuer: &'a str,
    pub claims: &'a Claims,
}

impl Asked<'_> {
    pub fn explanation(&self) -> Explanation {
        trust::evaluate_file(self.trust, self.role, &[], self.issuer, self.claims)
    }

    pub fn decision(&self) -> Decision {
        self.explanation().decision
    }

    pub fn is_allowed(&self) -> bool {
        self.decision() == Decision::Allowed
    }
}

/// Reads an input for one destination, holds what holds everywhere, and gives every answer to `each`.
pub fn check(destination: Destination, data: &[u8], each: &mut dyn FnMut(&Value, &Asked<'_>, &Explanation)) {
    let Some((text, own)) = input::split(data) else { return };
    let recognised = TrustPolicy::recognise(text);
    let parsed = TrustPolicy::parse(destination, text);
    let trust = match (&parsed, &recognised) {
        (Ok(trust), _) => trust,
        (Err(error), Ok(other)) if other.destination() == destination => {
            panic!("recognised, and not read: {}", error.message)
        }
        (Err(error), _) => return assert!(!error.message.is_empty()),
    };
    let value = trust::read(text).expect("a text that was read is read again");
    let again = TrustPolicy::parse(destination, &value.to_string()).expect("the same value is read");
    let pretty = TrustPolicy::parse(destination, &format!("{value:#}")).expect("with white space");
    for (issuer, claims) in tokens(destination, trust, own) {
        for role in [None, Some(ROLE)] {
            if role.is_some() && destination != Destination::Aws {
                continue;
            }
            let asked = Asked { trust, role, issuer: &issuer, claims: &claims };
            let explanation = asked.explanation();
            sound(&explanation, text);
            for other in [&again, &pretty] {
                let other = Asked { trust: other, ..asked };
                let other = other.explanation();
                assert_eq!(other.decision, explanation.decision, "white space and order decide");
                assert_eq!(other.step, explanation.step, "white space and order change the step");
            }
            if explanation.decision == Decision::Allowed {
                nobody_by_mistake(&value, &asked);
            }
            each(&value, &asked, &explanation);
        }
    }
    linted(trust);
}

/// The tokens that ask: the documented job's, one that says nothing, and those of the input.
fn tokens(destination: Destination, trust: &TrustPolicy, own: Option<Claims>) -> Vec<(String, Claims)> {
    let now = OffsetDateTime::from_unix_timestamp(NOW).expect("a moment");
    let audience = match (&trust.rules, destination) {
        (Rules::Gcp(rules), _) => rules.usual_audience().unwrap_or_default(),
        (_, Destination::Azure) => "api://AzureADTokenExchange".to_owned(),
        _ => "sts.amazonaws.com".to_owned(),
    };
    let job = Job::new("acme/shop", "refs/heads/main");
    let documented = job.claims(ISSUER, &audience, now);
    let mut all = vec![(ISSUER.to_owned(), documented), (ISSUER.to_owned(), Claims::default())];
    if let Some(claims) = own {
        let issuer = claims.text("iss").unwrap_or_else(|| ISSUER.to_owned());
        all.push((issuer, claims));
    }
    all
}

/// An explanation that can be relied on: the answer follows from what it is said to rest on, and it can be shown.
fn sound(explanation: &Explanation, file: &str) {
    let decision = explanation.decision;
    assert_eq!(Decision::from(explanation.root.truth()), decision);
    let reasons = explanation.reasons();
    let deciding: Vec<_> = reasons.iter().filter(|reason| reason.decides).collect();
    assert!(!deciding.is_empty(), "an answer that rests on nothing");
    for reason in deciding {
        assert_eq!(Decision::from(reason.node.truth()), decision, "{} rests on {:?}", decision, reason.node);
    }
    assert!(decision != Decision::Allowed || explanation.step.is_none(), "allowed, and stopped at a step");
    let lines = file.split('\n').count();
    for reason in &reasons {
        let inside = |place: trust::Place| (1..=lines).contains(&place.line) && place.column > 0;
        assert!(reason.node.place.is_none_or(inside), "a place outside of the file: {:?}", reason.node.place);
    }
    let document = explanation.document();
    let word = document.get("decision").and_then(Value::as_str);
    let words = [("allow", Decision::Allowed), ("deny", Decision::Denied), ("unknown", Decision::Undecided)];
    assert!(words.iter().any(|(one, of)| Some(*one) == word && *of == decision), "{word:?} for {decision}");
    let read: Value = serde_json::from_str(&document.to_string()).expect("what is printed is JSON");
    assert_eq!(read, document);
    let page = explain::text(explanation, Style::plain());
    for line in page.lines() {
        assert!(!line.chars().any(char::is_control), "a control character is shown: {line:?}");
        assert!(!line.trim_start().starts_with("::"), "a command to the runner: {line}");
    }
}

/// What nobody is let in with.
fn nobody_by_mistake(file: &Value, asked: &Asked<'_>) {
    let claims = asked.claims;
    let refused = |issuer: &str, claims: &Claims, what: &str| {
        let other = Asked { issuer, claims, ..*asked };
        assert!(!other.is_allowed(), "allowed {what}");
    };
    refused(asked.issuer, &Claims::default(), "with no claims at all");
    refused(asked.issuer, &without(claims, "aud"), "without an audience");
    refused(asked.issuer, &without(claims, "sub"), "without a subject");
    refused(asked.issuer, &with(claims, "aud", ODD), "for an audience that stands nowhere");
    for audience in claims.audiences() {
        let other = if audience.to_lowercase() == audience { audience.to_uppercase() } else { audience.to_lowercase() };
        if !stands_in(file, &other) {
            refused(asked.issuer, &with(claims, "aud", other.as_str()), "for the audience in another case");
        }
    }
    refused(asked.issuer, &with(claims, "aud", Value::Array(Vec::new())), "for an empty list of audiences");
    for issuer in others(asked.issuer) {
        if !stands_in(file, issuer.trim_start_matches("https://")) {
            refused(&issuer, claims, &format!("for the issuer {issuer}"));
            refused(&issuer, &with(claims, "iss", issuer.as_str()), &format!("for the issuer {issuer}"));
        }
    }
}

/// Whether a text of the file holds this one.
fn stands_in(file: &Value, wanted: &str) -> bool {
    let mut found = false;
    input::texts(file, &mut |text| found |= text.contains(wanted));
    found
}

/// Issuers that are nearly this one.
fn others(issuer: &str) -> Vec<String> {
    let mut all = vec![
        format!("{issuer}/"),
        format!("{issuer}.{ODD}"),
        format!("{issuer}/{ODD}"),
        issuer.replacen("https://", "http://", 1),
        issuer.replacen("https://", &format!("https://{ODD}."), 1),
        issuer.to_uppercase(),
    ];
    let letters: Vec<char> = issuer.chars().collect();
    // One letter more, one less, another one: behind the scheme, where the host begins and ends.
    for at in [8, letters.len() / 2, letters.len().saturating_sub(1)] {
        if let (Some(before), Some(behind)) = (letters.get(..at), letters.get(at + 1..)) {
            all.push(before.iter().chain(behind).collect());
            all.push(before.iter().chain(&['~']).chain(behind).collect());
        }
    }
    all.retain(|other| other != issuer);
    all
}

/// The rules come to an end, and what they find can be shown.
fn linted(trust: &TrustPolicy) {
    let report = lint::lint(trust, &Options { now: NOW, edge: None });
    assert!(report.findings.is_sorted_by_key(|finding| std::cmp::Reverse(finding.severity)), "the worst comes first");
    for finding in &report.findings {
        assert!(!finding.message.is_empty() && finding.rule.code.starts_with("TP"));
        assert_eq!(
            finding.token.is_some(),
            !finding.admits.is_empty(),
            "{}: a token without its subject",
            finding.rule.code
        );
    }
}
