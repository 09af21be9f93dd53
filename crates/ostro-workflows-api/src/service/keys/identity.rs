//! Who a request is from: somebody with a key, or nobody in particular where that is enough.

use std::sync::Arc;

use http::HeaderMap;
use ostro_wire::{KEY_PREFIX, bearer};

use super::known::Keys;
use crate::model::access::{Access, ApiKey, KeyState};
use crate::model::error::{Code, Error, Result};

/// Tells who a request is from. One for all listeners of a server.
pub(crate) struct Door {
    pub(crate) keys: Arc<Keys>,
    pub(crate) access: Access,
}

/// Who calls.
#[derive(Debug, Clone)]
pub(crate) enum Identity {
    /// Somebody without a key, where none is needed.
    Anonymous,
    /// The key, and the hash under which it is kept.
    Key(Arc<ApiKey>, String),
}

impl Door {
    /// Who sends these headers.
    ///
    /// # Errors
    /// [`Code::Unauthenticated`] for a key that is not right, and for none where one is needed.
    pub(crate) async fn identify(&self, headers: &HeaderMap) -> Result<Identity> {
        let secret = bearer(headers);
        if let Some(secret) = secret.filter(|secret| secret.starts_with(KEY_PREFIX)) {
            return self.by_key(secret).await;
        }
        if !self.needs_key().await? {
            // What is no key of Ostro's is for somebody else: the official worker always sends one.
            return Ok(Identity::Anonymous);
        }
        Err(Error::new(Code::Unauthenticated, if secret.is_some() { WRONG_KEY } else { NO_KEY }))
    }

    async fn by_key(&self, secret: &str) -> Result<Identity> {
        let refused = |message: String| Err(Error::new(Code::Unauthenticated, message));
        match self.keys.known(secret).await? {
            None => refused(WRONG_KEY.to_owned()),
            Some((hash, key)) => match key.state {
                KeyState::Active => Ok(Identity::Key(key, hash)),
                KeyState::Revoked => refused(format!("the API key {} is revoked: ask for another", key.id)),
                KeyState::SetAside => refused(format!(
                    "the API key {} came out of a backup and is set aside: where it is not one that was revoked since, \
                     `ostro token resume {}` lets it be used again",
                    key.id, key.id
                )),
            },
        }
    }

    /// Whether a caller without a key is refused.
    pub(crate) async fn needs_key(&self) -> Result<bool> {
        match self.access {
            Access::Open => Ok(false),
            Access::OpenUntilKey => self.keys.were_made().await,
            Access::KeyRequired => Ok(true),
        }
    }
}

const NO_KEY: &str = "this server needs an API key: give your client one as its api_key, sent as `authorization: Bearer ostro_…`; \
                      `ostro token create` makes one";

const WRONG_KEY: &str = "this server needs an API key that it knows, and does not know the one that was sent: `ostro token list` \
                         shows those there are, `ostro token create` makes one";
