//! API keys: shown once, kept as a hash.

pub(crate) mod endpoints;
pub(crate) mod guard;
pub(crate) mod identity;
pub(crate) mod known;
pub(crate) mod methods;

use std::collections::HashMap;
use std::sync::Arc;

use ostro_wire::KEY_PREFIX;
use sha2::{Digest, Sha256};

use crate::model::access::{ApiKey, Grant, KeyState};
use crate::model::digest::hex;
use crate::model::moment::Moment;
use crate::model::record::{Change, Document, Found, Kind, Query};
use crate::store::Records;

/// Of a key's hash, so much names it.
const ID_LENGTH: usize = 12;

/// Keys belong to no namespace; they name theirs.
const NAMESPACE: &str = "";

/// Keys read at once.
const PAGE: usize = 10_000;

/// Why a key could not be made, listed or revoked.
#[derive(Debug, thiserror::Error)]
pub enum KeyFailure {
    #[error(transparent)]
    Records(#[from] crate::store::Error),
    #[error("the records hold a key that cannot be read: {0}")]
    Unreadable(#[from] serde_json::Error),
    #[error("there is no API key {0}; `ostro token list` shows those there are")]
    NotFound(String),
}

/// Makes a key and answers its text, which is not kept.
pub async fn create(records: &dyn Records, name: &str, grants: Vec<Grant>) -> Result<(ApiKey, String), KeyFailure> {
    let secret = format!("{KEY_PREFIX}{}{}", uuid::Uuid::new_v4().simple(), uuid::Uuid::new_v4().simple());
    let hash = hash(&secret);
    let (id, state) = (hash[..ID_LENGTH].to_owned(), KeyState::Active);
    let key = ApiKey { id, name: name.to_owned(), grants, created_at: Moment::now(), state };
    records.commit(vec![put(&hash, &key)?]).await?;
    Ok((key, secret))
}

/// The keys that may be used, and those that are set aside.
pub async fn list(records: &dyn Records) -> Result<Vec<ApiKey>, KeyFailure> {
    let found = found(records).await?.into_iter();
    let keys = found.map(|found| serde_json::from_str(&found.body)).collect::<Result<Vec<ApiKey>, _>>()?;
    Ok(keys.into_iter().filter(|key| key.state != KeyState::Revoked).collect())
}

/// Revokes the key with this id: within a second its use is refused, and its calls under way end.
pub async fn revoke(records: &dyn Records, id: &str) -> Result<(), KeyFailure> {
    let (hash, key) = by_id(records, id).await?;
    records.commit(vec![put(&hash, &ApiKey { state: KeyState::Revoked, ..key })?]).await?;
    Ok(())
}

/// Lets the key with this id, which came out of a backup, be used again.
pub async fn resume(records: &dyn Records, id: &str) -> Result<(), KeyFailure> {
    let (hash, key) = by_id(records, id).await?;
    records.commit(vec![put(&hash, &ApiKey { state: KeyState::Active, ..key })?]).await?;
    Ok(())
}

/// After a restore of `records`: what was revoked in those that they `replaced` is revoked, what was active there goes on,
/// and every other key is set aside. Answers the latter.
pub async fn after_restore(records: &dyn Records, replaced: Option<&dyn Records>) -> Result<Vec<ApiKey>, KeyFailure> {
    let before = match replaced {
        Some(replaced) => all(replaced).await?,
        None => HashMap::new(),
    };
    let (mut changes, mut set_aside) = (Vec::new(), Vec::new());
    for (hash, key) in all(records).await? {
        let state = match before.get(&hash) {
            Some(known) => known.state,
            None if key.state == KeyState::Active => KeyState::SetAside,
            None => key.state,
        };
        let key = ApiKey { state, ..ApiKey::clone(&key) };
        changes.push(put(&hash, &key)?);
        set_aside.extend((state == KeyState::SetAside).then_some(key));
    }
    // Keys that were made after the backup stay revoked where they were, should another backup bring them back.
    let revoked = before.into_iter().filter(|(_, key)| key.state == KeyState::Revoked);
    for (hash, key) in revoked {
        changes.push(put(&hash, &key)?);
    }
    if !changes.is_empty() {
        records.commit(changes).await?;
    }
    Ok(set_aside)
}

pub(crate) fn put(hash: &str, key: &ApiKey) -> Result<Change, KeyFailure> {
    Ok(Change::Put(Document {
        kind: Kind::ApiKey,
        namespace: NAMESPACE.to_owned(),
        key: hash.to_owned(),
        terms: Vec::new(),
        body: serde_json::to_string(key)?,
    }))
}

/// The key with this id, unless it is revoked, and its hash.
async fn by_id(records: &dyn Records, id: &str) -> Result<(String, ApiKey), KeyFailure> {
    let fits = |found: &Found| found.key.starts_with(id) && id.len() >= ID_LENGTH;
    let missing = || KeyFailure::NotFound(id.to_owned());
    let found = found(records).await?.into_iter().find(fits).ok_or_else(missing)?;
    let key: ApiKey = serde_json::from_str(&found.body)?;
    if key.state == KeyState::Revoked { Err(missing()) } else { Ok((found.key, key)) }
}

/// Every key that was ever made, by its hash. One that cannot be read is nobody's.
pub(crate) async fn all(records: &dyn Records) -> Result<HashMap<String, Arc<ApiKey>>, crate::store::Error> {
    let read = |found: Found| match serde_json::from_str(&found.body) {
        Ok(key) => Some((found.key, Arc::new(key))),
        Err(error) => {
            tracing::error!(%error, key = %found.key.get(..ID_LENGTH).unwrap_or_default(), "a stored API key cannot be read");
            None
        }
    };
    Ok(found(records).await?.into_iter().filter_map(read).collect())
}

async fn found(records: &dyn Records) -> Result<Vec<Found>, crate::store::Error> {
    let (mut all, mut after) = (Vec::new(), String::new());
    loop {
        let (kind, namespace) = (Kind::ApiKey, NAMESPACE.to_owned());
        let page = records.find(Query { kind, namespace, term: None, after, limit: PAGE }).await?;
        let Some(last) = page.last() else { return Ok(all) };
        after = last.key.clone();
        all.extend(page);
    }
}

/// Under which a key with this text is kept; `None` for what is no key.
pub(crate) fn hash_of_key(secret: &str) -> Option<String> {
    secret.starts_with(KEY_PREFIX).then(|| hash(secret))
}

/// The key that is kept under `hash`.
pub(crate) async fn load(records: &dyn Records, hash: &str) -> Result<Option<ApiKey>, crate::model::error::Error> {
    let body = records.get(Kind::ApiKey, NAMESPACE, hash).await?;
    body.map(|body| serde_json::from_str(&body))
        .transpose()
        .map_err(|error| crate::model::error::Error::internal("read an API key", &error))
}

/// A key has 244 random bits: one round of SHA-256 is enough, there is nothing to guess.
fn hash(secret: &str) -> String {
    hex(&Sha256::digest(secret.as_bytes()))
}
