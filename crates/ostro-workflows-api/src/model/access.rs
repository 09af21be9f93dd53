//! Who calls, and what it may do.

use serde::{Deserialize, Serialize};

use super::moment::Moment;

/// Whether callers must have an API key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Whoever reaches the server may do everything; a key that is given must be right, and counts.
    Open,
    /// The same, until the first key is made; from then on only API keys, also when all of them are revoked.
    OpenUntilKey,
    /// Only API keys.
    KeyRequired,
}

/// What a key may do in a namespace. Each role may do what those before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Reads everything.
    Reader,
    /// Registers workflows, takes part as a worker, sends events and telemetry.
    Worker,
    /// Starts, signals, cancels and terminates executions; changes schedules and workflows.
    Operator,
    /// Decides which credentials may use a deployment.
    Admin,
}

impl Role {
    /// Its name in keys and messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Reader => "reader",
            Self::Worker => "worker",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }
}

impl std::str::FromStr for Role {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        [Self::Reader, Self::Worker, Self::Operator, Self::Admin]
            .into_iter()
            .find(|role| role.name() == text)
            .ok_or_else(|| format!("{text} is no role: give reader, worker, operator or admin"))
    }
}

/// Who calls.
#[derive(Debug, Clone)]
pub struct Caller {
    pub namespace: String,
    pub role: Role,
    /// The key's id; empty for callers without a key.
    pub subject: String,
    /// The hash under which the key is kept, for calls that end with it.
    pub(crate) key: Option<String>,
}

/// A grant for each namespace that has none of its own.
pub const EVERY_NAMESPACE: &str = "*";

/// What is kept of a key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ApiKey {
    /// Names the key in lists and for revocation; not secret.
    pub id: String,
    /// Who or what it is for.
    pub name: String,
    pub grants: Vec<Grant>,
    pub created_at: Moment,
    /// Whether it may be used.
    #[serde(default)]
    pub state: KeyState,
}

/// Whether a key may be used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyState {
    #[default]
    Active,
    /// It came out of a backup, and may have been revoked since that was made: not to be used until somebody says so.
    SetAside,
    /// Never to be used again. What is left says so to a backup that still has the key.
    Revoked,
}

/// A role in a namespace; the first of a key is its default.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Grant {
    pub namespace: String,
    pub role: Role,
}

impl ApiKey {
    /// What it may do in a namespace; [`EVERY_NAMESPACE`] asks what it may do in all of them.
    pub fn role_in(&self, namespace: &str) -> Option<Role> {
        let of = |wanted: &str| self.grants.iter().find(|grant| grant.namespace == wanted).map(|grant| grant.role);
        of(namespace).or_else(|| of(EVERY_NAMESPACE))
    }
}
