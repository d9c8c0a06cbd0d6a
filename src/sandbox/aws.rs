//! AWS STS: `AssumeRoleWithWebIdentity`, `AssumeRole`, `GetCallerIdentity` (query protocol, version 2011-06-15).

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::directory::{Outcome, undecided};
use super::http::{Call, Form, Reply};
use super::{State, issuer, lock, sigv4};
use crate::edge::aws::{
    CHAINED_SECONDS, MANAGED_POLICIES, RoleArn, SESSION_POLICY_CHARACTERS, SESSION_SECONDS, Target, fits_session_name,
};
use crate::jwt::{Reason, Rejection};
use crate::random;
use crate::trust::{self, Explanation};

/// A role session that was handed out.
#[derive(Clone)]
pub(super) struct Session {
    pub(super) access_key_id: String,
    pub(super) secret: String,
    pub(super) token: String,
    pub(super) expires: OffsetDateTime,
    role: String,
    arn: String,
    user_id: String,
}

pub(super) fn answer(state: &State, call: &Call) -> Reply {
    let form = call.form();
    let action = form.get("Action").unwrap_or_default().to_owned();
    let reply = match action.as_str() {
        _ if call.method != "POST" => error(400, "InvalidAction", "POST only (sandbox wording)"),
        _ if form.get("Version") != Some("2011-06-15") => {
            error(400, "InvalidAction", &format!("Could not find operation {action} for version NO_VERSION_SPECIFIED"))
        }
        "AssumeRoleWithWebIdentity" => with_web_identity(state, &form).unwrap_or_else(|refused| refused),
        "AssumeRole" => assume_role(state, call, &form).unwrap_or_else(|refused| refused),
        "GetCallerIdentity" => caller_identity(state, call).unwrap_or_else(|refused| refused),
        _ => error(400, "InvalidAction", &format!("Could not find operation {action} for version 2011-06-15")),
    };
    reply.about(action)
}

fn with_web_identity(state: &State, form: &Form) -> Result<Reply, Reply> {
    let request = Request::read(form, *SESSION_SECONDS.end())?;
    let token = form.get("WebIdentityToken").ok_or_else(|| invalid("webIdentityToken", "must not be null"))?;
    let checked = issuer::check(state, token).map_err(|rejection| of_token(&rejection))?;
    let edges = state.roles(request.role).map(|(edge, trust, _)| (edge, trust));
    let denied = "Not authorized to perform sts:AssumeRoleWithWebIdentity";
    let asked = trust::aws::Asked {
        role: Some(request.role),
        issuer: &checked.issuer,
        claims: &checked.claims,
        seconds: Some(request.seconds),
        session_name: Some(request.session_name),
        known: &[],
    };
    let explanation = match state.decide(edges, |trust, _| trust::evaluate_call(trust, &asked)) {
        Outcome::Granted(explanation) => explanation,
        Outcome::Absent => return Err(error(403, "AccessDenied", denied)),
        Outcome::Refused(explanation) => return Err(refused(denied, explanation)),
    };
    let session = hand_out(state, &request)?;
    let more = xml(&[
        ("SubjectFromWebIdentityToken", &checked.claims.subject()),
        ("Audience", &checked.claims.audiences().join(",")),
        ("Provider", &request.provider(&checked.issuer)),
    ]);
    Ok(granted("AssumeRoleWithWebIdentity", &session, &(more + &request.packed())).explained(explanation))
}

/// AWS's error for the step that failed; what is undecided is answered as a denial.
fn refused(text: &str, explanation: Explanation) -> Reply {
    let reply = match explanation.step {
        Some(code @ "InvalidIdentityToken") => error(400, code, "Incorrect token audience"),
        Some(code @ "ValidationError") => {
            error(400, code, "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
        }
        _ => error(403, "AccessDenied", &format!("{text}{}", undecided(&explanation))),
    };
    reply.explained(Some(explanation))
}

/// Role chaining: only along a chain that an edge describes, from the role before it.
fn assume_role(state: &State, call: &Call, form: &Form) -> Result<Reply, Reply> {
    let caller = signed_by(state, call)?;
    let request = Request::read(form, *SESSION_SECONDS.end())?;
    if request.seconds > CHAINED_SECONDS {
        return Err(error(
            400,
            "ValidationError",
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining",
        ));
    }
    let external_id = form.get("ExternalId");
    if !state.options.open && !state.chains().any(|target| leads(target, &caller.role, request.role, external_id)) {
        let (who, to) = (&caller.arn, request.role);
        let text = format!("User: {who} is not authorized to perform: sts:AssumeRole on resource: {to}");
        return Err(error(403, "AccessDenied", &text));
    }
    Ok(granted("AssumeRole", &hand_out(state, &request)?, &request.packed()))
}

/// Whether an edge's chain goes from one role to the other with this external id.
fn leads(target: &Target, from: &str, to: &str, external_id: Option<&str>) -> bool {
    let before = std::iter::once(target.role.as_str()).chain(target.chain.iter().map(|link| link.role.as_str()));
    before.zip(&target.chain).any(|(before, link)| {
        before == from && link.role == to && (link.external_id.is_none() || link.external_id.as_deref() == external_id)
    })
}

fn caller_identity(state: &State, call: &Call) -> Result<Reply, Reply> {
    let session = signed_by(state, call)?;
    let account = session.arn.split(':').nth(4).unwrap_or_default();
    let fields = [("Arn", session.arn.as_str()), ("UserId", &session.user_id), ("Account", account)];
    Ok(result("GetCallerIdentity", &xml(&fields)))
}

fn signed_by(state: &State, call: &Call) -> Result<Session, Reply> {
    let sessions = lock(&state.aws).clone();
    sigv4::check(call, &sessions, OffsetDateTime::now_utc()).map_err(|(code, text)| error(403, code, &text))
}

/// What both operations have in common.
struct Request<'a> {
    role: &'a str,
    arn: RoleArn,
    session_name: &'a str,
    seconds: u64,
    packed_percent: usize,
}

impl<'a> Request<'a> {
    fn read(form: &'a Form, longest: u64) -> Result<Request<'a>, Reply> {
        let role = form.get("RoleArn").ok_or_else(|| invalid("roleArn", "must not be null"))?;
        let arn = RoleArn::parse(role).map_err(|_| error(400, "ValidationError", &format!("{role} is invalid")))?;
        let session_name = form.get("RoleSessionName").ok_or_else(|| invalid("roleSessionName", "must not be null"))?;
        if !(2..=64).contains(&session_name.len()) || !session_name.chars().all(fits_session_name) {
            return Err(invalid("roleSessionName", "must satisfy regular expression pattern: [\\w+=,.@-]{2,64}"));
        }
        let seconds = match form.get("DurationSeconds") {
            None => 3_600,
            Some(text) => text.parse().map_err(|_| invalid("durationSeconds", "must be a number"))?,
        };
        if seconds < *SESSION_SECONDS.start() {
            return Err(invalid("durationSeconds", "must have value greater than or equal to 900"));
        }
        if seconds > longest {
            return Err(invalid("durationSeconds", "must have value less than or equal to 43200"));
        }
        let session_policy = form.get("Policy").unwrap_or_default();
        if !session_policy.is_empty()
            && !serde_json::from_str::<serde_json::Value>(session_policy).is_ok_and(|v| v.is_object())
        {
            return Err(error(400, "MalformedPolicyDocument", "The policy is not in the valid JSON format."));
        }
        let managed: Vec<&str> = form.starting_with("PolicyArns.member.").collect();
        let characters = session_policy.chars().count() + managed.iter().map(|arn| arn.len()).sum::<usize>();
        let packed_percent = (characters * 100).div_ceil(SESSION_POLICY_CHARACTERS);
        if packed_percent > 100 || managed.len() > MANAGED_POLICIES {
            let text =
                format!("Packed policy consumes {packed_percent}% of allotted space, please use smaller policy.");
            return Err(error(400, "PackedPolicyTooLarge", &text));
        }
        Ok(Request { role, arn, session_name, seconds, packed_percent })
    }

    /// `PackedPolicySize`, where there is a session policy. A percentage; AWS packs more tightly than this counts.
    fn packed(&self) -> String {
        if self.packed_percent == 0 {
            String::new()
        } else {
            xml(&[("PackedPolicySize", &self.packed_percent.to_string())])
        }
    }

    fn provider(&self, issuer: &str) -> String {
        let host = issuer.strip_prefix("https://").unwrap_or(issuer);
        format!("arn:{}:iam::{}:oidc-provider/{host}", self.arn.partition, self.arn.account)
    }
}

fn invalid(name: &str, constraint: &str) -> Reply {
    let text =
        format!("1 validation error detected: Value at '{name}' failed to satisfy constraint: Member {constraint}");
    error(400, "ValidationError", &text)
}

/// A token that does not hold, in AWS's words where they are known.
fn of_token(rejection: &Rejection) -> Reply {
    let Rejection { reason, expected, presented } = rejection;
    match reason {
        Reason::Issuer => {
            let text = format!("No OpenIDConnect provider found in your account for {presented}");
            error(400, "InvalidIdentityToken", &text)
        }
        Reason::Expired => {
            let now = OffsetDateTime::now_utc().unix_timestamp();
            let text =
                format!("Token expired: current date/time {now} must be before the expiration date/time {presented}");
            error(400, "ExpiredTokenException", &text)
        }
        Reason::UnknownKey => error(
            400,
            "InvalidIdentityToken",
            "Couldn't retrieve verification key from your identity provider, please reference AssumeRoleWithWebIdentity documentation for requirements",
        ),
        _ => {
            let text = format!("{reason:?}: expected {expected}, presented {presented} (sandbox wording)");
            error(400, "InvalidIdentityToken", &text)
        }
    }
}

fn hand_out(state: &State, request: &Request<'_>) -> Result<Session, Reply> {
    let internal = |error: crate::error::Error| self::error(500, "InternalFailure", &error.to_string());
    let RoleArn { partition, account, name } = &request.arn;
    let short = name.rsplit('/').next().unwrap_or(name);
    let seconds = i64::try_from(request.seconds).unwrap_or(i64::MAX);
    let whole_second = OffsetDateTime::now_utc().replace_nanosecond(0).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let session = Session {
        access_key_id: format!("ASIASANDBOX{}", random::hex::<5>().map_err(internal)?.to_uppercase()),
        secret: format!("SANDBOX{}", random::hex::<17>().map_err(internal)?),
        token: format!("SANDBOX{}", random::hex::<160>().map_err(internal)?),
        expires: whole_second + time::Duration::seconds(seconds),
        role: request.role.to_owned(),
        arn: format!("arn:{partition}:sts::{account}:assumed-role/{short}/{}", request.session_name),
        user_id: format!(
            "AROASANDBOX{}:{}",
            random::hex::<5>().map_err(internal)?.to_uppercase(),
            request.session_name
        ),
    };
    let mut sessions = lock(&state.aws);
    // An expired key is still known for a while, so that its use is answered as such.
    sessions.retain(|kept| kept.expires > OffsetDateTime::now_utc() - time::Duration::HOUR);
    sessions.push(session.clone());
    Ok(session)
}

fn granted(action: &str, session: &Session, more: &str) -> Reply {
    let credentials = xml(&[
        ("AccessKeyId", session.access_key_id.as_str()),
        ("SecretAccessKey", &session.secret),
        ("SessionToken", &session.token),
        ("Expiration", &session.expires.format(&Rfc3339).unwrap_or_default()),
    ]);
    let user = xml(&[("Arn", session.arn.as_str()), ("AssumedRoleId", &session.user_id)]);
    let fields = format!("<Credentials>{credentials}</Credentials><AssumedRoleUser>{user}</AssumedRoleUser>{more}");
    result(action, &fields)
}

const NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";

fn result(action: &str, fields: &str) -> Reply {
    let id = request_id();
    let body = format!(
        "<{action}Response xmlns=\"{NAMESPACE}\"><{action}Result>{fields}</{action}Result>\
         <ResponseMetadata><RequestId>{id}</RequestId></ResponseMetadata></{action}Response>"
    );
    Reply::text(200, "text/xml", body).header("x-amzn-requestid", id)
}

/// AWS's error document.
pub(super) fn error(status: u16, code: &str, message: &str) -> Reply {
    let id = request_id();
    let kind = if status < 500 { "Sender" } else { "Receiver" };
    let fields = xml(&[("Type", kind), ("Code", code), ("Message", message)]);
    let body = format!(
        "<ErrorResponse xmlns=\"{NAMESPACE}\"><Error>{fields}</Error><RequestId>{id}</RequestId></ErrorResponse>"
    );
    Reply::text(status, "text/xml", body).header("x-amzn-requestid", id)
}

/// The status that goes with a code.
pub(super) fn status_of(code: &str) -> u16 {
    match code {
        "AccessDenied"
        | "IDPRejectedClaim"
        | "RegionDisabledException"
        | "SignatureDoesNotMatch"
        | "InvalidClientTokenId" => 403,
        "InternalFailure" => 500,
        "ServiceUnavailable" => 503,
        _ => 400,
    }
}

fn request_id() -> String {
    let hex = random::hex::<16>().unwrap_or_default();
    let part = |range| hex.get(range).unwrap_or_default();
    format!("{}-{}-{}-{}-{}", part(0..8), part(8..12), part(12..16), part(16..20), part(20..32))
}

fn xml(fields: &[(&str, &str)]) -> String {
    let escaped =
        |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
    fields.iter().map(|(name, value)| format!("<{name}>{}</{name}>", escaped(value))).collect()
}
