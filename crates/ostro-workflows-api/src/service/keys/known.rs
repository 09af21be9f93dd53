//! Keys by their text, remembered for a moment, and the end of those that are revoked.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{Mutex, watch};

use crate::model::access::{ApiKey, KeyState};
use crate::model::error::Result;
use crate::service::keys;
use crate::store::Records;

/// How long a revoked key may still work.
const MEMORY: Duration = Duration::from_secs(1);

/// The keys of some records.
pub(crate) struct Keys {
    records: Arc<dyn Records>,
    /// As of the last look. It changes only when a key does.
    kept: watch::Sender<Arc<HashMap<String, Arc<ApiKey>>>>,
    /// When that look was; held while another is taken.
    looked: Mutex<Option<Instant>>,
}

impl Keys {
    pub(crate) fn new(records: Arc<dyn Records>) -> Self {
        Self { records, kept: watch::Sender::default(), looked: Mutex::default() }
    }

    /// The key whose text this is, in whatever state, if there ever was one.
    pub(crate) async fn known(&self, secret: &str) -> Result<Option<(String, Arc<ApiKey>)>> {
        let Some(hash) = keys::hash_of_key(secret) else { return Ok(None) };
        let kept = self.look(false).await?;
        if let Some(key) = kept.get(&hash) {
            return Ok(Some((hash, key.clone())));
        }
        // It may have been made a moment ago.
        let key = keys::load(&*self.records, &hash).await?;
        if key.is_some() {
            self.look(true).await?;
        }
        Ok(key.map(|key| (hash, Arc::new(key))))
    }

    /// Whether a key was ever made: also one that is revoked by now.
    pub(crate) async fn were_made(&self) -> Result<bool> {
        Ok(!self.look(false).await?.is_empty())
    }

    /// Whether there is any key that may be used or is set aside; true where that cannot be told.
    pub(crate) async fn any(&self) -> bool {
        keys::list(&*self.records).await.map_or(true, |keys| !keys.is_empty())
    }

    /// Completes when the key with this hash is no longer to be used. One that was not seen yet may still be.
    pub(crate) async fn ended(&self, hash: String) {
        let mut kept = self.kept.subscribe();
        let ended =
            |kept: &Arc<HashMap<String, Arc<ApiKey>>>| kept.get(&hash).is_some_and(|key| key.state != KeyState::Active);
        // An error says that the API is gone, and its callers with it.
        drop(kept.wait_for(ended).await);
    }

    /// Looks for revoked keys as long as somebody waits for one to end.
    pub(crate) async fn watch(&self) {
        let mut rhythm = tokio::time::interval(MEMORY / 2);
        rhythm.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            rhythm.tick().await;
            if self.kept.receiver_count() > 0
                && let Err(error) = self.look(true).await
            {
                tracing::warn!(%error, "cannot look whether keys of open calls were revoked");
            }
        }
    }

    async fn look(&self, now: bool) -> Result<Arc<HashMap<String, Arc<ApiKey>>>> {
        let mut looked = self.looked.lock().await;
        if !now && looked.is_some_and(|at| at.elapsed() < MEMORY) {
            return Ok(self.kept.borrow().clone());
        }
        let all = Arc::new(keys::all(&*self.records).await?);
        self.kept.send_if_modified(|kept| {
            let changed = **kept != *all;
            if changed {
                *kept = all.clone();
            }
            changed
        });
        *looked = Some(Instant::now());
        Ok(all)
    }
}
