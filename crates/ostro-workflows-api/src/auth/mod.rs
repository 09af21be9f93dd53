//! Who calls, and what it may do.

mod allowed;
mod endpoints;
mod guard;
mod identity;
mod keys;
mod known;
mod methods;

use serde::{Deserialize, Serialize};

pub use allowed::{Admin, Caller, Operator, Reader, Worker};
pub use endpoints::Callers;
pub(crate) use endpoints::Endpoints;
pub(crate) use guard::KeyGuard;
pub use identity::Access;
pub(crate) use identity::{Door, Identity};
pub use keys::{ApiKey, EVERY_NAMESPACE, Grant, KeyFailure, KeyState, after_restore, create, list, resume, revoke};
pub(crate) use keys::{hash_of_key, hex};
pub(crate) use known::Keys;

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
