//! What an Ostro server adds to messages of the protocol, in fields that others pass over.

use prost::Message;

/// Fields of `DescribeTaskQueueResponse` that only an Ostro server sets. Encoded behind the response they are part of it.
#[derive(Clone, PartialEq, Message)]
pub struct QueueExtension {
    /// Of the pollers, the identities that have gone: they said goodbye, or their connection is closed. Their last access is
    /// when they went.
    #[prost(string, repeated, tag = "10001")]
    pub left: Vec<String>,
}
