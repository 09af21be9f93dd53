//! Keys by their text, remembered for a moment.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::keys::{self, ApiKey};
use crate::error::Result;
use crate::records::Records;

/// How long a revoked key may still work.
const MEMORY: Duration = Duration::from_secs(1);
/// Keys remembered at the same time; more are looked up each time.
const REMEMBERED_MAX: usize = 10_000;

/// The keys of some records.
pub(crate) struct Keys {
    records: Arc<dyn Records>,
    remembered: Mutex<HashMap<String, (Arc<ApiKey>, Instant)>>,
}

impl Keys {
    pub(crate) fn new(records: Arc<dyn Records>) -> Self {
        Self { records, remembered: Mutex::default() }
    }

    /// The key whose text this is, if it is known.
    pub(crate) async fn known(&self, secret: &str) -> Result<Option<Arc<ApiKey>>> {
        let Some(hash) = keys::hash_of_key(secret) else { return Ok(None) };
        if let Some(key) = self.remembered(&hash) {
            return Ok(Some(key));
        }
        let key = keys::load(&*self.records, &hash).await?.map(Arc::new);
        if let Some(key) = &key {
            self.remember(hash, key.clone());
        }
        Ok(key)
    }

    fn remembered(&self, hash: &str) -> Option<Arc<ApiKey>> {
        let remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        let (key, at) = remembered.get(hash)?;
        (at.elapsed() < MEMORY).then(|| key.clone())
    }

    fn remember(&self, hash: String, key: Arc<ApiKey>) {
        let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        if remembered.len() >= REMEMBERED_MAX {
            remembered.retain(|_, (_, at)| at.elapsed() < MEMORY);
        }
        if remembered.len() < REMEMBERED_MAX {
            remembered.insert(hash, (key, Instant::now()));
        }
    }
}
