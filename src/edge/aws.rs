//! What an AWS edge asks for, and the limits that can be checked before anything is sent.
//!
//! Limits are those of the STS model, API version 2011-06-15 (`AssumeRoleWithWebIdentity`, `AssumeRole`).

use std::time::Duration;

use super::Problems;
pub use super::arn::{Partition, RoleArn};
use super::draft::{Draft, Entry, Value};
use crate::duration;

/// A valid AWS target.
#[derive(Clone, Debug)]
pub struct Target {
    /// `arn:PARTITION:iam::ACCOUNT:role/NAME`.
    pub role: String,
    /// The region whose STS endpoint is asked; its partition is the role's.
    pub region: String,
    /// The partition both lie in.
    pub partition: Partition,
    /// Session name as configured; `None` means it is made from the claims.
    pub session_name: Option<String>,
    /// Inline session policy: JSON, at most 2048 characters.
    pub session_policy: Option<String>,
    /// ARNs of managed session policies, at most 10.
    pub managed_session_policies: Vec<String>,
    /// Roles assumed one after the other from the first one's credentials.
    pub chain: Vec<Link>,
    /// When not empty, the account of the final role must be one of these.
    pub allowed_account_ids: Vec<String>,
}

/// One further role of a chain (`AssumeRole`, signed with the credentials before it).
#[derive(Clone, Debug)]
pub struct Link {
    /// The role's ARN.
    pub role: String,
    /// What the role's trust policy wants as `sts:ExternalId`.
    pub external_id: Option<String>,
}

/// The shortest and the longest life a role session can be asked for, in seconds.
pub const SESSION_SECONDS: std::ops::RangeInclusive<u64> = 900..=43_200;
/// A chained role's session lives one hour at most, whatever the roles allow, in seconds.
pub const CHAINED_SECONDS: u64 = 3_600;
/// The longest inline session policy, in characters; managed policies' ARNs count towards the same limit.
pub const SESSION_POLICY_CHARACTERS: usize = 2_048;
/// The most managed session policies.
pub const MANAGED_POLICIES: usize = 10;
/// The audience AWS's documentation has its users register.
pub const AUDIENCE: &str = "sts.amazonaws.com";

impl Target {
    /// How long the session is asked for that the ID token is exchanged for: a chain cannot use a longer one.
    #[must_use]
    pub fn first_session(&self, ttl: Duration) -> Duration {
        if self.chain.is_empty() { ttl } else { ttl.min(Duration::from_secs(CHAINED_SECONDS)) }
    }

    /// Validates the keys of an AWS edge; every problem is reported with its place.
    pub(super) fn valid(draft: &mut Draft, ttl: Duration, ttl_place: &str, problems: &mut Problems) -> Option<Target> {
        let role = draft.required("role", "arn:aws:iam::123456789012:role/NAME", problems);
        let role = role.and_then(|(text, place)| Some((role_arn("role", &text, &place, problems)?, text, place)));
        let region = draft.required("region", "eu-central-1", problems);
        let partition = match (&role, &region) {
            (Some((arn, _, _)), Some((region, place))) => check_region(arn, region, place, problems),
            (None, Some((region, place))) => known_region(region, place, problems),
            (_, None) => None,
        };
        let session_name = draft.text("session-name", problems);
        if let Some((name, place)) = &session_name
            && (!(2..=64).contains(&name.len()) || !name.chars().all(fits_session_name))
        {
            problems.push(
                place,
                format!("session-name `{name}` does not fit: 2 to 64 of A-Z a-z 0-9 _ + = , . @ -"),
                None,
            );
        }
        let session_policy = draft.text("session-policy", problems);
        if let Some((text, place)) = &session_policy {
            check_session_policy(text, place, problems);
        }
        let managed = draft.texts("managed-session-policies", problems);
        if managed.len() > MANAGED_POLICIES {
            let message = format!("managed-session-policies has {}, AWS takes {MANAGED_POLICIES}", managed.len());
            problems.push(managed.last().map_or(ttl_place, |(_, place)| place), message, None);
        }
        for (arn, place) in &managed {
            if !arn.starts_with("arn:") || !arn.contains(":iam::") || !arn.contains(":policy/") {
                problems.push(
                    place,
                    format!("`{arn}` is not the ARN of a managed policy (arn:aws:iam::…:policy/NAME)"),
                    None,
                );
            }
        }
        let inline = session_policy.as_ref().map_or(0, |(text, _)| text.chars().count());
        let listed: usize = managed.iter().map(|(arn, _)| arn.chars().count()).sum();
        if !managed.is_empty() && inline <= SESSION_POLICY_CHARACTERS && inline + listed > SESSION_POLICY_CHARACTERS {
            let message = format!(
                "session-policy and managed-session-policies have {} characters together, AWS takes {SESSION_POLICY_CHARACTERS}",
                inline + listed
            );
            problems.push(managed.last().map_or(ttl_place, |(_, place)| place), message, None);
        }
        let chain = chain(draft, partition, problems);
        let allowed = draft.texts("allowed-account-ids", problems);
        for (account, place) in &allowed {
            if account.len() != 12 || !account.bytes().all(|b| b.is_ascii_digit()) {
                let hint = "quote account ids: they can begin with a zero".to_owned();
                problems.push(place, format!("`{account}` is not an account id of twelve digits"), Some(hint));
            }
        }
        if !SESSION_SECONDS.contains(&ttl.as_secs()) {
            let message = format!("ttl {} is outside 15m to 12h, the range of a role session", duration::text(ttl));
            problems.push(ttl_place, message, None);
        } else if !chain.is_empty() && ttl.as_secs() > CHAINED_SECONDS {
            problems.push(
                ttl_place,
                format!("ttl {} is longer than 1h, which is all that AWS gives a chained role", duration::text(ttl)),
                Some("write ttl = \"1h\" or less, or assume the last role directly".to_owned()),
            );
        }
        let (_, role, _) = role?;
        Some(Target {
            role,
            region: region?.0,
            partition: partition?,
            session_name: session_name.map(|(name, _)| name),
            session_policy: session_policy.map(|(text, _)| text),
            managed_session_policies: managed.into_iter().map(|(arn, _)| arn).collect(),
            chain,
            allowed_account_ids: allowed.into_iter().map(|(account, _)| account).collect(),
        })
    }
}

fn role_arn(key: &str, text: &str, place: &str, problems: &mut Problems) -> Option<RoleArn> {
    match RoleArn::parse(text) {
        Ok(arn) => Some(arn),
        Err(why) => {
            problems.push(place, format!("{key} `{text}` {why}"), None);
            None
        }
    }
}

fn known_region(region: &str, place: &str, problems: &mut Problems) -> Option<Partition> {
    let partition = Partition::of_region(region);
    if partition.is_none() {
        let hint = "jobpass knows the regions of aws, aws-cn, aws-us-gov and aws-eusc".to_owned();
        problems.push(place, format!("region `{region}` is not the name of an AWS region"), Some(hint));
    }
    partition
}

fn check_region(arn: &RoleArn, region: &str, place: &str, problems: &mut Problems) -> Option<Partition> {
    let partition = known_region(region, place, problems)?;
    if partition != arn.partition {
        problems.push(
            place,
            format!("region `{region}` lies in partition {partition}, the role in partition {}", arn.partition),
            Some(format!("name a region of {}; a role cannot be assumed from another partition", arn.partition)),
        );
        return None;
    }
    Some(partition)
}

fn check_session_policy(text: &str, place: &str, problems: &mut Problems) {
    let characters = text.chars().count();
    if characters > SESSION_POLICY_CHARACTERS {
        let message = format!("session-policy has {characters} characters, AWS takes {SESSION_POLICY_CHARACTERS}");
        problems.push(place, message, Some("drop white space, or use managed-session-policies".to_owned()));
    }
    match serde_json::from_str::<serde_json::Value>(text) {
        Ok(serde_json::Value::Object(_)) => {}
        Ok(_) => problems.push(place, "session-policy is JSON but not an object", None),
        Err(error) => {
            let message = format!("session-policy is not JSON: line {} column {}", error.line(), error.column());
            problems.push(place, message, None);
        }
    }
}

/// `chain = ["ARN", { role = "ARN", external-id = "…" }]`.
fn chain(draft: &mut Draft, partition: Option<Partition>, problems: &mut Problems) -> Vec<Link> {
    let Some(entry) = draft.take("chain") else { return Vec::new() };
    let Value::List(items) = entry.value else {
        let message = format!("chain is {}, expected an array of role ARNs or tables", entry.kind());
        problems.push(
            &entry.place,
            message,
            Some("write chain = [\"arn:…\", { role = \"arn:…\", external-id = \"…\" }]".to_owned()),
        );
        return Vec::new();
    };
    items.into_iter().filter_map(|item| link(item, partition, problems)).collect()
}

fn link(item: Entry, partition: Option<Partition>, problems: &mut Problems) -> Option<Link> {
    let (role, place, external_id) = match item.value {
        Value::Text(role) => (role, item.place, None),
        Value::Table(entries) => {
            let mut inner = Draft::new("chain", &item.place, entries);
            let role = inner.required("role", "arn:aws:iam::123456789012:role/NAME", problems);
            let external_id = inner.text("external-id", problems);
            inner.finish(problems);
            if let Some((id, place)) = &external_id {
                let fits = |c: char| c.is_ascii_alphanumeric() || "_+=,.@:/-".contains(c);
                if !(2..=1224).contains(&id.len()) || !id.chars().all(fits) {
                    problems.push(place, "external-id does not fit: 2 to 1224 of A-Z a-z 0-9 _ + = , . @ : / -", None);
                }
            }
            let (role, place) = role?;
            (role, place, external_id.map(|(id, _)| id))
        }
        _ => {
            problems.push(&item.place, format!("chain holds {}, expected a role ARN or a table", item.kind()), None);
            return None;
        }
    };
    let arn = role_arn("chain role", &role, &place, problems)?;
    if let Some(partition) = partition
        && arn.partition != partition
    {
        let message = format!("chain role `{role}` lies in partition {}, the edge in {partition}", arn.partition);
        problems.push(place, message, None);
    }
    Some(Link { role, external_id })
}

/// True for the alphabet of `RoleSessionName`: `[\w+=,.@-]`.
#[must_use]
pub fn fits_session_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_+=,.@-".contains(c)
}
