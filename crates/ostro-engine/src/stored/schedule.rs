//! A schedule as it is stored. New fields get new numbers.

use bytes::Bytes;
use ostro_nesting::shapes::FAILURE_V1_FAILURE;
use prost::Message;
use temporalio_protos::temporal::api::{
    common::v1::{Memo, Payloads, SearchAttributes},
    failure::v1::Failure,
    schedule::v1 as protocol,
};

use crate::base::nesting::{Nested, nested};
use crate::base::time::typed_times;
use crate::stored::map_order::Ordered;
use crate::stored::persistence::{DamagedRow, NamespaceId, StoredRecord, Write};

/// The kind of the records of schedules.
pub const KIND: &str = "schedule";

/// Everything that is known of a schedule. Times are nanoseconds since 1970.
#[derive(Clone, PartialEq, Message)]
pub struct Record {
    #[prost(int64, tag = "1")]
    pub namespace: NamespaceId,
    #[prost(string, tag = "2")]
    pub schedule_id: String,
    /// In canonical form, defaults filled in.
    #[prost(message, optional, tag = "3")]
    pub schedule: Option<protocol::Schedule>,
    /// Without what is computed for each description.
    #[prost(message, optional, tag = "4")]
    pub info: Option<protocol::ScheduleInfo>,
    #[prost(message, optional, tag = "5")]
    pub memo: Option<Memo>,
    #[prost(message, optional, tag = "6")]
    pub search_attributes: Option<SearchAttributes>,
    /// Times of the specification up to here were dealt with.
    #[prost(int64, tag = "7")]
    pub last_processed: i64,
    #[prost(int64, tag = "8")]
    pub conflict_token: i64,
    #[prost(message, repeated, tag = "9")]
    pub buffered: Vec<BufferedStart>,
    #[prost(message, repeated, tag = "10")]
    pub backfills: Vec<Backfill>,
    /// What the last run returned; handed to the next.
    #[prost(message, optional, tag = "11")]
    pub last_completion_result: Option<Payloads>,
    /// Why the last run failed, if it did.
    #[prost(message, optional, tag = "12")]
    pub continued_failure: Option<Failure>,
    #[prost(string, tag = "13")]
    pub create_request_id: String,
    /// Of updates and patches, the newest last: a repeated request changes nothing.
    #[prost(string, repeated, tag = "14")]
    pub request_ids: Vec<String>,
    #[prost(int64, tag = "15")]
    pub created: i64,
    /// 0 until the first update.
    #[prost(int64, tag = "16")]
    pub updated: i64,
    /// Why the last action that was due was not taken; empty since one was.
    #[prost(string, tag = "17")]
    pub refusal: String,
}

/// An action to take as soon as the overlap policy allows.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub struct BufferedStart {
    /// As specified; names the run.
    #[prost(int64, tag = "1")]
    pub nominal: i64,
    /// With jitter.
    #[prost(int64, tag = "2")]
    pub actual: i64,
    /// `ScheduleOverlapPolicy`; unspecified: that of the schedule.
    #[prost(int32, tag = "3")]
    pub overlap_policy: i32,
    /// Asked for by a client: no limit of actions, no pause holds it back.
    #[prost(bool, tag = "4")]
    pub manual: bool,
}

/// A range of times to act for that lie elsewhere than now: after `from`, up to `to`.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub struct Backfill {
    #[prost(int64, tag = "1")]
    pub from: i64,
    #[prost(int64, tag = "2")]
    pub to: i64,
    #[prost(int32, tag = "3")]
    pub overlap_policy: i32,
}

/// The key of a schedule's record.
pub fn key(namespace: NamespaceId, schedule_id: &str) -> String {
    format!("{namespace}/{schedule_id}")
}

impl Record {
    /// The schedule that a record holds.
    ///
    /// # Errors
    /// Where it does not decode, or is another schedule's.
    pub fn from_stored(stored: &StoredRecord) -> Result<Self, DamagedRow> {
        let record = Self::decode_nested(&stored.value).map_err(|error| stored.damaged(error))?;
        if key(record.namespace, &record.schedule_id) == stored.key {
            Ok(record)
        } else {
            Err(stored.damaged("it is another schedule's"))
        }
    }

    pub fn put(&self) -> Write {
        let key = key(self.namespace, &self.schedule_id);
        Write::PutRecord { kind: KIND.to_owned(), key, value: Bytes::from(self.encode_in_order()) }
    }

    pub fn delete(&self) -> Write {
        Write::DeleteRecord { kind: KIND.to_owned(), key: key(self.namespace, &self.schedule_id) }
    }
}

typed_times!(Record: Time last_processed, Time created, Time updated);
typed_times!(BufferedStart: Time nominal, Time actual);
typed_times!(Backfill: Time from, Time to);

nested! {
    Record { 12: &FAILURE_V1_FAILURE }
}
