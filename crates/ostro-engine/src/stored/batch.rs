//! How a batch is stored.

use bytes::Bytes;
use prost::Message;
use temporalio_protos::temporal::api::workflowservice::v1::StartBatchOperationRequest;

use crate::base::time::typed_times;
use crate::stored::map_order::Ordered;
use crate::stored::persistence::Write;

/// The kind of the records in which batches are stored.
pub(crate) const RECORD_KIND: &str = "batch";

/// A batch operation, as it stands and as it is stored.
#[derive(Clone, PartialEq, Message)]
pub struct Batch {
    #[prost(int64, tag = "1")]
    pub namespace: i64,
    #[prost(string, tag = "2")]
    pub job_id: String,
    #[prost(message, optional, tag = "3")]
    pub request: Option<StartBatchOperationRequest>,
    /// `BatchOperationType`.
    #[prost(int32, tag = "4")]
    pub kind: i32,
    /// `BatchOperationState`.
    #[prost(int32, tag = "5")]
    pub state: i32,
    #[prost(string, tag = "6")]
    pub identity: String,
    #[prost(int64, tag = "7")]
    pub start_time: i64,
    /// 0 while it runs.
    #[prost(int64, tag = "8")]
    pub close_time: i64,
    #[prost(int64, tag = "9")]
    pub total: i64,
    #[prost(int64, tag = "10")]
    pub succeeded: i64,
    #[prost(int64, tag = "11")]
    pub failed: i64,
    /// Where the server goes on; what it means is the server's business.
    #[prost(bytes = "vec", tag = "12")]
    pub cursor: Vec<u8>,
}

impl Batch {
    /// The key of its record.
    pub fn key(&self) -> String {
        format!("{}/{}", self.namespace, self.job_id)
    }

    pub fn write(&self) -> Write {
        let (kind, key) = (RECORD_KIND.to_owned(), self.key());
        Write::PutRecord { kind, key, value: Bytes::from(self.encode_in_order()) }
    }

    pub fn delete(&self) -> Write {
        Write::DeleteRecord { kind: RECORD_KIND.to_owned(), key: self.key() }
    }
}

typed_times!(Batch: Time start_time, Time close_time);
