//! API keys: shown once, kept as a hash.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::Role;
use crate::clock::Moment;
use crate::records::{Change, Document, Kind, Query, Records};

/// Keys belong to no namespace; they name theirs.
const NAMESPACE: &str = "";
/// What every key begins with, so that one that leaks is recognised.
const PREFIX: &str = "ostro_";
const KEYS_MAX: usize = 10_000;

/// A grant for each namespace that has none of its own.
pub const EVERY_NAMESPACE: &str = "*";

/// What is kept of a key.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ApiKey {
    /// Names the key in lists and for revocation; not secret.
    pub id: String,
    /// Who or what it is for.
    pub name: String,
    pub grants: Vec<Grant>,
    pub created_at: Moment,
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

/// Why a key could not be made, listed or revoked.
#[derive(Debug, thiserror::Error)]
pub enum KeyFailure {
    #[error(transparent)]
    Records(#[from] crate::records::Error),
    #[error("the records hold a key that cannot be read: {0}")]
    Unreadable(#[from] serde_json::Error),
    #[error("there is no API key {0}; `ostro token list` shows those there are")]
    NotFound(String),
}

/// Makes a key and answers its text, which is not kept.
pub async fn create(records: &dyn Records, name: &str, grants: Vec<Grant>) -> Result<(ApiKey, String), KeyFailure> {
    let secret = format!("{PREFIX}{}{}", uuid::Uuid::new_v4().simple(), uuid::Uuid::new_v4().simple());
    let hash = hash(&secret);
    let key = ApiKey { id: hash[..12].to_owned(), name: name.to_owned(), grants, created_at: Moment::now() };
    let document = Document {
        kind: Kind::ApiKey,
        namespace: NAMESPACE.to_owned(),
        key: hash,
        terms: Vec::new(),
        body: serde_json::to_string(&key)?,
    };
    records.commit(vec![Change::Put(document)]).await?;
    Ok((key, secret))
}

/// All keys.
pub async fn list(records: &dyn Records) -> Result<Vec<ApiKey>, KeyFailure> {
    let found = records.find(all()).await?;
    Ok(found.iter().map(|found| serde_json::from_str(&found.body)).collect::<Result<_, _>>()?)
}

/// Forgets the key with this id: within a second its use is refused.
pub async fn revoke(records: &dyn Records, id: &str) -> Result<(), KeyFailure> {
    let found = records.find(all()).await?;
    let found = found.into_iter().find(|found| found.key.starts_with(id) && id.len() >= 12);
    let found = found.ok_or_else(|| KeyFailure::NotFound(id.to_owned()))?;
    let gone = Change::Delete { kind: Kind::ApiKey, namespace: NAMESPACE.to_owned(), key: found.key };
    records.commit(vec![gone]).await?;
    Ok(())
}

/// Under which a key with this text is kept; `None` for what is no key.
pub(super) fn hash_of_key(secret: &str) -> Option<String> {
    secret.starts_with(PREFIX).then(|| hash(secret))
}

/// The key that is kept under `hash`.
pub(super) async fn load(records: &dyn Records, hash: &str) -> Result<Option<ApiKey>, crate::error::Error> {
    let body = records.get(Kind::ApiKey, NAMESPACE, hash).await?;
    body.map(|body| serde_json::from_str(&body))
        .transpose()
        .map_err(|error| crate::error::Error::internal("read an API key", &error))
}

fn all() -> Query {
    Query { kind: Kind::ApiKey, namespace: NAMESPACE.to_owned(), term: None, after: String::new(), limit: KEYS_MAX }
}

/// A key has 244 random bits: one round of SHA-256 is enough, there is nothing to guess.
fn hash(secret: &str) -> String {
    hex(&Sha256::digest(secret.as_bytes()))
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
