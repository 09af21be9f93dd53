//! Task tokens: what a worker hands back to say which task it speaks of.

use prost::Message;

use crate::error::{Error, Result};
use crate::time::typed_times;

/// Opaque to clients; the fields suffice to find the task and to tell a stale token from a live one.
#[derive(Clone, PartialEq, Message)]
pub struct TaskToken {
    #[prost(int64, tag = "1")]
    pub namespace: i64,
    #[prost(int64, tag = "2")]
    pub execution: i64,
    #[prost(string, tag = "3")]
    pub workflow_id: String,
    #[prost(string, tag = "4")]
    pub run_id: String,
    #[prost(int64, tag = "5")]
    pub scheduled_event_id: i64,
    #[prost(int64, tag = "6")]
    pub started_event_id: i64,
    #[prost(int32, tag = "7")]
    pub attempt: i32,
    /// When this attempt was started: two attempts with the same number (after a reset) differ in it.
    #[prost(int64, tag = "8")]
    pub started_time: i64,
    /// Set on query tasks only.
    #[prost(string, tag = "9")]
    pub query_id: String,
    /// The activity's id, for messages.
    #[prost(string, tag = "10")]
    pub activity_id: String,
    /// Set on Nexus tasks only: what the handler is asked.
    #[prost(int32, tag = "11")]
    pub nexus: i32,
    /// Set on Nexus tasks only that came in by HTTP: the call that waits. Such a task is no execution's.
    #[prost(uint64, tag = "12")]
    pub incoming: u64,
}

impl TaskToken {
    /// Reads a token that a client sent.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        if bytes.is_empty() {
            return Err(Error::invalid("Task token not set on request."));
        }
        match Self::decode(bytes) {
            Ok(token) if token.execution > 0 || token.incoming > 0 => Ok(token),
            _ => Err(Error::invalid(
                "Error deserializing task token: hand back the token of the poll response unchanged.",
            )),
        }
    }

    pub fn to_bytes(&self) -> Vec<u8> {
        self.encode_to_vec()
    }
}

typed_times!(TaskToken: Time started_time);
