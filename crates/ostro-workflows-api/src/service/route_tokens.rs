//! Tokens by which workers send the events of one run (`v2`).
//!
//! A token is its claims and a keyed hash of them; the key is kept, so tokens outlive a restart.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderMap;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::model::error::{Code, Error, Result};
use crate::model::event::WorkflowEvent;
use crate::model::moment::Moment;
use crate::model::record::{Change, Document, Kind};
use crate::store::Records;

const HEADER: &str = "x-workflow-route-token";

pub(crate) const LIFETIME_SECONDS: i64 = 3600;

const KEY_MARK: &str = "route-token-key";

#[derive(Serialize, Deserialize)]
struct Claims {
    namespace: String,
    execution: String,
    run: String,
    /// Unix seconds.
    expires: i64,
}

/// Makes and checks tokens.
pub(crate) struct RouteTokens {
    key: String,
}

impl RouteTokens {
    /// The key that is kept, or a new one.
    pub(crate) async fn load(records: &dyn Records) -> Result<Self> {
        if let Some(key) = records.get(Kind::Mark, "", KEY_MARK).await? {
            return Ok(Self { key });
        }
        let key = format!("\"{}{}\"", Uuid::new_v4().simple(), Uuid::new_v4().simple());
        let document = Document {
            kind: Kind::Mark,
            namespace: String::new(),
            key: KEY_MARK.to_owned(),
            terms: Vec::new(),
            body: key.clone(),
        };
        records.commit(vec![Change::Put(document)]).await?;
        Ok(Self { key })
    }

    /// A token for the events of one run.
    pub(crate) fn mint(&self, namespace: String, execution: String, run: String) -> Result<String> {
        let expires = Moment::now().0.as_second() + LIFETIME_SECONDS;
        let claims = serde_json::to_vec(&Claims { namespace, execution, run, expires })
            .map_err(|error| Error::internal("write a token", &error))?;
        Ok(format!("{}.{}", URL_SAFE_NO_PAD.encode(&claims), URL_SAFE_NO_PAD.encode(self.seal(&claims).as_bytes())))
    }

    fn seal(&self, claims: &[u8]) -> blake3::Hash {
        let key = blake3::derive_key("ostro 2026-12 event route tokens", self.key.as_bytes());
        blake3::keyed_hash(&key, claims)
    }

    fn claims(&self, token: &str) -> Option<Claims> {
        let (claims, seal) = token.split_once('.')?;
        let claims = URL_SAFE_NO_PAD.decode(claims).ok()?;
        let seal: [u8; 32] = URL_SAFE_NO_PAD.decode(seal).ok()?.try_into().ok()?;
        // Hashes compare in constant time.
        let genuine = blake3::Hash::from_bytes(seal) == self.seal(&claims);
        genuine.then(|| serde_json::from_slice(&claims).ok()).flatten()
    }

    /// Refuses events of another run than the token's.
    pub(crate) fn check(&self, headers: &HeaderMap, namespace: &str, events: &[WorkflowEvent]) -> Result<()> {
        let token = headers.get(HEADER).and_then(|value| value.to_str().ok());
        let claims = token.and_then(|token| self.claims(token)).filter(|claims| claims.namespace == namespace);
        let Some(claims) = claims else {
            let message = "the event route token is missing or not genuine: ask for one at event-route-token";
            return Err(Error::new(Code::EventRouteTokenInvalid, message));
        };
        if claims.expires < Moment::now().0.as_second() {
            return Err(Error::new(Code::EventRouteTokenExpired, "the event route token is over: ask for another"));
        }
        let own =
            |event: &WorkflowEvent| event.workflow_exec_id == claims.execution && event.workflow_run_id == claims.run;
        if !events.iter().all(own) {
            let message = format!("the event route token is of run {} of {} only", claims.run, claims.execution);
            return Err(Error::new(Code::EventRouteScopeUnsupported, message));
        }
        Ok(())
    }
}
