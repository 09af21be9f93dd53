//! Task tokens: what a worker hands back to say which task it speaks of.

use prost::Message;

use crate::base::error::{Error, Result};
use crate::base::seal;
use crate::base::seal::{Kind, Seals};
use crate::base::time::typed_times;

/// Opaque to clients, and sealed: nobody but this server makes one. The fields suffice to find the task and to tell a stale token from a live one.
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
    ///
    /// # Errors
    /// INVALID_ARGUMENT for bytes that this server did not give out as the token of a task.
    pub fn parse(seals: &Seals, bytes: &[u8]) -> Result<Self> {
        present(bytes)?;
        seals.open(Kind::Task, &[], bytes).and_then(Self::decode_whole).ok_or_else(not_genuine)
    }

    /// What a token says, whether it is genuine or not: for what only shows tokens, or counts them.
    ///
    /// # Errors
    /// INVALID_ARGUMENT for bytes that can be no token.
    pub fn peek(bytes: &[u8]) -> Result<Self> {
        present(bytes)?;
        seal::body(bytes).and_then(Self::decode_whole).ok_or_else(not_genuine)
    }

    fn decode_whole(body: &[u8]) -> Option<Self> {
        Self::decode(body).ok().filter(|token| token.execution > 0 || token.incoming > 0)
    }

    /// The token as workers are given it.
    pub fn to_bytes(&self, seals: &Seals) -> Vec<u8> {
        seals.seal(Kind::Task, &[], &self.encode_to_vec())
    }
}

typed_times!(TaskToken: Time started_time);

fn present(bytes: &[u8]) -> Result<()> {
    if bytes.is_empty() { Err(Error::invalid("Task token not set on request.")) } else { Ok(()) }
}

fn not_genuine() -> Error {
    Error::invalid("Error deserializing task token: hand back the token of the poll response unchanged.")
}
