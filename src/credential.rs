//! What came back from a destination, and the grant it belongs to.

use time::OffsetDateTime;

use crate::claims::IdToken;
use crate::edge::Edge;
use crate::secret::Secret;

/// A credential, by the destination that issued it.
#[derive(Clone)]
pub enum Credential {
    /// An AWS role session.
    Aws(AwsSession),
    /// A Google access token and, on request, an ID token.
    Gcp(GcpTokens),
    /// Entra access tokens, one per resource.
    Azure(AzureTokens),
}

/// An AWS role session (STS `Credentials` and `AssumedRoleUser`).
#[derive(Clone)]
pub struct AwsSession {
    /// Names the session's key; shown in logs by AWS itself, not a secret.
    pub access_key_id: String,
    /// Signs requests.
    pub secret_access_key: Secret,
    /// Goes along with every request.
    pub session_token: Secret,
    /// When it ends, UTC.
    pub expiration: OffsetDateTime,
    /// `arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION`.
    pub arn: String,
    /// The account in that ARN.
    pub account: String,
}

/// What Google's STS and IAM Credentials returned.
#[derive(Clone)]
pub struct GcpTokens {
    /// The token tools send: the service account's, or the federated one with direct access.
    pub access_token: Secret,
    /// When it ends, UTC.
    pub expiration: OffsetDateTime,
    /// A Google ID token for the audience that the edge asks for.
    pub id_token: Option<Secret>,
}

/// What Entra returned, in the order of the edge's resources.
#[derive(Clone)]
pub struct AzureTokens {
    /// One per resource, never empty.
    pub tokens: Vec<AzureToken>,
}

/// An Entra access token for one resource.
#[derive(Clone)]
pub struct AzureToken {
    /// The resource, as the edge names it.
    pub resource: String,
    /// The token.
    pub access_token: Secret,
    /// When it ends, UTC.
    pub expiration: OffsetDateTime,
}

impl Credential {
    /// When it ends, UTC; of several tokens, the first to end.
    #[must_use]
    pub fn expiration(&self) -> OffsetDateTime {
        match self {
            Credential::Aws(session) => session.expiration,
            Credential::Gcp(tokens) => tokens.expiration,
            Credential::Azure(tokens) => {
                tokens.tokens.iter().map(|token| token.expiration).min().unwrap_or(OffsetDateTime::UNIX_EPOCH)
            }
        }
    }

    /// Every secret in it, leaf by leaf, to be masked and to be taken out of texts.
    #[must_use]
    pub fn secrets(&self) -> Vec<&Secret> {
        match self {
            Credential::Aws(session) => vec![&session.secret_access_key, &session.session_token],
            Credential::Gcp(tokens) => std::iter::once(&tokens.access_token).chain(&tokens.id_token).collect(),
            Credential::Azure(tokens) => tokens.tokens.iter().map(|token| &token.access_token).collect(),
        }
    }
}

/// The outcome of an exchange that succeeded.
#[derive(Clone)]
pub struct Grant {
    /// The edge it was made for.
    pub edge: Edge,
    /// The ID token that was presented. Delivered in a file where a cloud's own clients refresh with it.
    pub id_token: IdToken,
    /// What came back.
    pub credential: Credential,
    /// Who the destination says we are: the assumed role's ARN, the service account, the client id.
    pub identity: String,
    /// The destination's request id; Entra: our own correlation id; empty where there is none (Google's STS).
    pub request_id: String,
}
