//! What clients change: create, update, patch.

use temporalio_protos::temporal::api::{
    schedule::v1::{self as protocol, BackfillRequest, SchedulePatch, ScheduleSpec},
    workflowservice::v1::{CreateScheduleRequest, UpdateScheduleRequest},
};

use super::BUFFER_MAX;
use super::state::Schedule;
use crate::base::error::{Error, Result};
use crate::base::time::{MILLISECOND, Time, from_timestamp};
use crate::calendar::spec;
use crate::stored::persistence::NamespaceId;
use crate::stored::schedule::{Backfill, BufferedStart, Record};

/// The conflict token of a new schedule.
const FIRST_TOKEN: i64 = 1;
/// Request ids that are remembered.
const REQUEST_IDS_MAX: usize = 20;

impl Schedule {
    /// A new schedule, not yet patched by the request's own patch.
    ///
    /// # Errors
    /// INVALID_ARGUMENT for a faulty specification.
    pub fn create(
        namespace: NamespaceId,
        namespace_uuid: &str,
        request: CreateScheduleRequest,
        now: Time,
    ) -> Result<Self> {
        let record = Record {
            namespace,
            schedule_id: request.schedule_id,
            schedule: Some(with_canonical_spec(request.schedule)?),
            memo: request.memo,
            search_attributes: request.search_attributes,
            last_processed: now.nanos(),
            conflict_token: FIRST_TOKEN,
            create_request_id: request.request_id,
            created: now.nanos(),
            ..Default::default()
        };
        Ok(Self::new(record, namespace_uuid))
    }

    /// Checks an update and makes its specification canonical; nothing changes yet.
    ///
    /// # Errors
    /// FAILED_PRECONDITION where the schedule is not what the client saw, INVALID_ARGUMENT for a faulty specification.
    pub fn check_update(&self, request: &mut UpdateScheduleRequest) -> Result<()> {
        let token = conflict_token(&request.conflict_token);
        if token != 0 && token != self.record.conflict_token {
            return Err(Error::failed_precondition("mismatched conflict token"));
        }
        request.schedule = Some(with_canonical_spec(request.schedule.take())?);
        Ok(())
    }

    /// Replaces all but what was counted so far. The request was checked.
    pub fn update(&mut self, request: UpdateScheduleRequest, now: Time) {
        self.record.schedule = request.schedule;
        if request.search_attributes.is_some() {
            self.record.search_attributes = request.search_attributes;
        }
        if request.memo.is_some() {
            self.record.memo = request.memo;
        }
        self.compile();
        self.record.updated = now.nanos();
        self.changed();
    }

    /// Takes actions now, pauses, or unpauses.
    pub fn patch(&mut self, patch: SchedulePatch, now: Time) {
        if let Some(trigger) = patch.trigger_immediately {
            let at = match from_timestamp(&trigger.scheduled_time) {
                Time::UNSET => now,
                time => time,
            };
            let overlap_policy = trigger.overlap_policy;
            self.buffer(BufferedStart { nominal: at.nanos(), actual: at.nanos(), overlap_policy, manual: true });
        }
        for backfill in &patch.backfill_request {
            self.backfill(backfill);
        }
        if !patch.pause.is_empty() {
            self.set_paused(true, patch.pause);
        }
        if !patch.unpause.is_empty() {
            self.set_paused(false, patch.unpause);
        }
    }

    /// The start is part of the range.
    fn backfill(&mut self, request: &BackfillRequest) {
        if self.record.backfills.len() >= BUFFER_MAX {
            self.info_mut().buffer_dropped += 1;
            return;
        }
        self.record.backfills.push(Backfill {
            from: (from_timestamp(&request.start_time) - MILLISECOND).nanos(),
            to: from_timestamp(&request.end_time).nanos(),
            overlap_policy: request.overlap_policy,
        });
    }

    fn set_paused(&mut self, paused: bool, notes: String) {
        let state = self.state_mut();
        (state.paused, state.notes) = (paused, notes);
        self.changed();
    }

    /// Whether an update or patch was made before. Requests without an id are never the same.
    pub fn knows(&self, request_id: &str) -> bool {
        !request_id.is_empty() && self.record.request_ids.iter().any(|id| id == request_id)
    }

    /// Remembers an update or patch.
    pub(crate) fn remember(&mut self, request_id: &str) {
        if request_id.is_empty() {
            return;
        }
        let known = &mut self.record.request_ids;
        known.push(request_id.to_owned());
        let surplus = known.len().saturating_sub(REQUEST_IDS_MAX);
        known.drain(..surplus);
    }

    /// What [`check_update`](Self::check_update) compares with what the client saw.
    pub fn conflict_token(&self) -> Vec<u8> {
        self.record.conflict_token.to_be_bytes().into()
    }
}

fn with_canonical_spec(schedule: Option<protocol::Schedule>) -> Result<protocol::Schedule> {
    let mut schedule = schedule.unwrap_or_default();
    let given: ScheduleSpec = schedule.spec.take().unwrap_or_default();
    let canonical =
        spec::canonical(given).map_err(|fault| Error::invalid(format!("Invalid schedule spec: {fault}")))?;
    schedule.spec = Some(canonical);
    Ok(schedule)
}

/// 0 where the client sent none.
fn conflict_token(bytes: &[u8]) -> i64 {
    bytes.first_chunk().map_or(0, |bytes| i64::from_be_bytes(*bytes))
}
