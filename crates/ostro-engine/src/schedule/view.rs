//! How schedules are shown.

use std::collections::BTreeMap;

use temporalio_protos::temporal::api::{
    common::v1::{Memo, SearchAttributes},
    enums::v1::WorkflowExecutionStatus as Status,
    schedule::v1::{ScheduleListEntry, ScheduleListInfo, ScheduleSpec},
    workflowservice::v1::DescribeScheduleResponse,
};

use super::state::Schedule;
use super::{ACTIONS_LISTED, ACTIONS_SHOWN, SPECS_LISTED};
use crate::base::time::{Time, timestamp};
use crate::calendar::spec;
use crate::search;
use crate::stored::persistence::SearchValue;

/// What lists filter and order by.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    pub schedule_id: String,
    pub created: Time,
    /// Custom attributes, whether it is paused, and its id as `WorkflowId`.
    pub values: BTreeMap<String, SearchValue>,
}

impl Schedule {
    /// Up to `most` of the times to come; no more than there are actions left.
    pub(crate) fn future_times(&mut self, most: usize, now: Time) -> Vec<Time> {
        // Of a schedule that takes no actions nobody moves the time forward.
        if self.future.is_none() || !self.may_act(false) {
            self.future = Some(self.compute_future(now));
        }
        let times = self.future.iter().flatten();
        times.take(most).copied().collect()
    }

    fn compute_future(&self, now: Time) -> Vec<Time> {
        let processed = self.record.last_processed();
        let from = if self.may_act(false) { processed } else { processed.max(now) };
        let state = self.record.schedule.as_ref().and_then(|s| s.state.as_ref());
        let left = state.filter(|state| state.limited_actions).map(|state| state.remaining_actions);
        let most = left.map_or(ACTIONS_SHOWN, |left| usize::try_from(left).unwrap_or(0).min(ACTIONS_SHOWN));
        let Some(spec) = &self.spec else { return Vec::new() };
        let times = spec.times(from).map(|next| next.time);
        times.skip_while(|time| *time < self.record.updated()).take(most).collect()
    }

    pub fn describe(&mut self, now: Time) -> DescribeScheduleResponse {
        let mut schedule = self.record.schedule.clone().unwrap_or_default();
        if let Some(spec) = &mut schedule.spec {
            spec::clean(spec);
        }
        let mut info = self.info();
        info.future_action_times = self.future_times(ACTIONS_SHOWN, now).into_iter().filter_map(timestamp).collect();
        info.buffer_size = i64::try_from(self.record.buffered.len()).unwrap_or(i64::MAX);
        #[allow(deprecated, reason = "the one place of the protocol for what is wrong with a schedule")]
        if info.invalid_schedule_error.is_empty() {
            info.invalid_schedule_error.clone_from(&self.record.refusal);
        }
        info.create_time = timestamp(self.record.created());
        info.update_time = timestamp(self.record.updated());
        DescribeScheduleResponse {
            schedule: Some(schedule),
            info: Some(info),
            memo: self.shown_memo(),
            search_attributes: self.shown_search_attributes(),
            conflict_token: self.conflict_token(),
        }
    }

    fn shown_memo(&self) -> Option<Memo> {
        self.record.memo.clone().filter(|memo| !memo.fields.is_empty())
    }

    fn shown_search_attributes(&self) -> Option<SearchAttributes> {
        self.record.search_attributes.clone().filter(|attributes| !attributes.indexed_fields.is_empty())
    }

    pub fn row(&self) -> Row {
        let mut values = search::typed(&self.record.search_attributes.clone().unwrap_or_default());
        values.insert("TemporalSchedulePaused".to_owned(), SearchValue::Bool(self.is_paused()));
        values.insert("WorkflowId".to_owned(), SearchValue::String(self.record.schedule_id.clone()));
        Row { schedule_id: self.record.schedule_id.clone(), created: self.record.created(), values }
    }

    pub(crate) fn list_entry(&mut self, now: Time) -> ScheduleListEntry {
        let future_action_times = self.future_times(ACTIONS_LISTED, now).into_iter().filter_map(timestamp).collect();
        let schedule = self.record.schedule.clone().unwrap_or_default();
        let state = schedule.state.unwrap_or_default();
        let mut recent_actions = self.info().recent_actions;
        let older = recent_actions.len().saturating_sub(ACTIONS_LISTED);
        recent_actions.drain(..older);
        let info = ScheduleListInfo {
            spec: schedule.spec.map(listed_spec),
            workflow_type: self.action().and_then(|action| action.workflow_type.clone()),
            notes: state.notes,
            paused: state.paused,
            recent_actions,
            future_action_times,
            ..Default::default()
        };
        ScheduleListEntry {
            schedule_id: self.record.schedule_id.clone(),
            memo: self.shown_memo(),
            search_attributes: self.shown_search_attributes(),
            info: Some(info),
        }
    }
}

fn listed_spec(mut spec: ScheduleSpec) -> ScheduleSpec {
    spec.timezone_data.clear();
    spec.structured_calendar.truncate(SPECS_LISTED);
    spec.interval.truncate(SPECS_LISTED);
    spec.exclude_structured_calendar.truncate(SPECS_LISTED);
    spec::clean(&mut spec);
    spec
}

/// The attributes of a closing event, as a schedule reads them.
impl From<&temporalio_protos::temporal::api::history::v1::history_event::Attributes> for super::Outcome {
    fn from(outcome: &temporalio_protos::temporal::api::history::v1::history_event::Attributes) -> Self {
        use temporalio_protos::temporal::api::history::v1::history_event::Attributes::*;
        let (status, result, failure) = match outcome {
            WorkflowExecutionCompletedEventAttributes(a) => (Status::Completed, a.result.clone(), None),
            WorkflowExecutionFailedEventAttributes(a) => (Status::Failed, None, a.failure.clone()),
            WorkflowExecutionCanceledEventAttributes(_) => (Status::Canceled, None, None),
            WorkflowExecutionTimedOutEventAttributes(_) => (Status::TimedOut, None, None),
            WorkflowExecutionContinuedAsNewEventAttributes(_) => (Status::ContinuedAsNew, None, None),
            _ => (Status::Terminated, None, None),
        };
        Self { status, result, failure }
    }
}
