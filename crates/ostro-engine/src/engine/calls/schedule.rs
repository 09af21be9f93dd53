//! The calls on schedules.

use temporalio_protos::temporal::api::{
    common::v1::SearchAttributes,
    errordetails::v1::QueryFailedFailure,
    schedule::v1::{self as protocol, ScheduleListEntry, schedule_action::Action},
    workflowservice::v1::{
        CreateScheduleRequest, CreateScheduleResponse, DeleteScheduleRequest, DeleteScheduleResponse,
        DescribeScheduleRequest, DescribeScheduleResponse, ListScheduleMatchingTimesRequest,
        ListScheduleMatchingTimesResponse, PatchScheduleRequest, PatchScheduleResponse, UpdateScheduleRequest,
        UpdateScheduleResponse,
    },
};

use super::super::Engine;
use super::super::schedules::Key;
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::time::{from_timestamp, timestamp};
use crate::call::{ScheduleEntries, ScheduleRows};
use crate::engine::calls::handle::answers;
use crate::namespace::Namespace;
use crate::schedule::{Row, Schedule};
use crate::search;
use crate::stored::persistence::Loader;

/// Times in one answer of ListScheduleMatchingTimes.
const MATCHING_TIMES_MAX: usize = 1000;
/// Schedules of a namespace: all are in memory.
const SCHEDULES_MAX: usize = 100_000;

answers! {
    CreateScheduleRequest: |engine, request| engine.create_schedule(request);
    DescribeScheduleRequest: |engine, request| engine.describe_schedule(&request);
    UpdateScheduleRequest: |engine, request| engine.update_schedule(request);
    PatchScheduleRequest: |engine, request| engine.patch_schedule(request);
    DeleteScheduleRequest: |engine, request| engine.delete_schedule(&request);
    ListScheduleMatchingTimesRequest: |engine, request| engine.schedule_matching_times(&request);
    ScheduleRows: |engine, request| engine.schedule_rows(&request);
    ScheduleEntries: |engine, request| engine.schedule_entries(request);
}

impl<L: Loader> Engine<L> {
    fn create_schedule(&mut self, mut request: CreateScheduleRequest) -> Result<CreateScheduleResponse> {
        let namespace = self.namespaces.get(&request.namespace)?;
        let key = (namespace.id, request.schedule_id.clone());
        if let Some(existing) = self.schedules.get_mut(&key) {
            return existing_schedule(existing, &request);
        }
        let full =
            self.schedules.len() >= SCHEDULES_MAX && self.schedules.of_namespace(namespace.id).count() >= SCHEDULES_MAX;
        if full {
            let message = format!(
                "namespace {} has {SCHEDULES_MAX} schedules, and no more may be made: delete some first",
                namespace.name
            );
            return Err(Error::new(ErrorKind::ResourceExhausted, message));
        }
        request.search_attributes = checked(namespace, request.search_attributes)?;
        check_action(namespace, &mut request.schedule)?;
        let patch = request.initial_patch.take();
        let mut schedule = Schedule::create(namespace.id, &namespace.uuid, request, self.now)?;
        if let Some(patch) = patch {
            schedule.patch(patch, self.now);
        }
        let conflict_token = schedule.conflict_token();
        self.keep_schedule(key, schedule, false);
        Ok(CreateScheduleResponse { conflict_token })
    }

    fn describe_schedule(&mut self, request: &DescribeScheduleRequest) -> Result<DescribeScheduleResponse> {
        let now = self.now;
        Ok(self.schedule_mut(&request.namespace, &request.schedule_id)?.describe(now))
    }

    fn update_schedule(&mut self, mut request: UpdateScheduleRequest) -> Result<UpdateScheduleResponse> {
        let namespace = self.namespaces.get(&request.namespace)?;
        request.search_attributes = checked(namespace, request.search_attributes)?;
        check_action(namespace, &mut request.schedule)?;
        let key = self.schedule_key(&request.namespace, &request.schedule_id)?;
        let schedule = self.schedule_mut(&request.namespace, &request.schedule_id)?;
        if !schedule.knows(&request.request_id) {
            schedule.check_update(&mut request)?;
            self.run_schedule(&key, |schedule, now| {
                schedule.remember(&request.request_id);
                schedule.update(request, now);
            });
        }
        Ok(UpdateScheduleResponse::default())
    }

    fn patch_schedule(&mut self, request: PatchScheduleRequest) -> Result<PatchScheduleResponse> {
        let key = self.schedule_key(&request.namespace, &request.schedule_id)?;
        let schedule = self.schedule_mut(&request.namespace, &request.schedule_id)?;
        if !schedule.knows(&request.request_id) {
            self.run_schedule(&key, |schedule, now| {
                schedule.remember(&request.request_id);
                schedule.patch(request.patch.unwrap_or_default(), now);
            });
        }
        Ok(PatchScheduleResponse::default())
    }

    fn delete_schedule(&mut self, request: &DeleteScheduleRequest) -> Result<DeleteScheduleResponse> {
        let key = self.schedule_key(&request.namespace, &request.schedule_id)?;
        self.drop_schedule(&key);
        Ok(DeleteScheduleResponse::default())
    }

    fn schedule_matching_times(
        &mut self,
        request: &ListScheduleMatchingTimesRequest,
    ) -> Result<ListScheduleMatchingTimesResponse> {
        let schedule = self.schedule_mut(&request.namespace, &request.schedule_id)?;
        if request.start_time.is_none() || request.end_time.is_none() {
            return Err(Error::invalid("missing or invalid query")
                .with("temporal.api.errordetails.v1.QueryFailedFailure", &QueryFailedFailure::default()));
        }
        let (from, to) = (from_timestamp(&request.start_time), from_timestamp(&request.end_time));
        let times = schedule.matching_times(from, to, MATCHING_TIMES_MAX).unwrap_or_default();
        Ok(ListScheduleMatchingTimesResponse { start_time: times.into_iter().filter_map(timestamp).collect() })
    }

    fn schedule_rows(&mut self, request: &ScheduleRows) -> Result<Vec<Row>> {
        let namespace = self.namespaces.get(&request.namespace)?.id;
        Ok(self.schedules.of_namespace(namespace).map(Schedule::row).collect())
    }

    fn schedule_entries(&mut self, request: ScheduleEntries) -> Result<Vec<ScheduleListEntry>> {
        let namespace = self.namespaces.get(&request.namespace)?.id;
        let mut entries = Vec::with_capacity(request.schedule_ids.len());
        for id in request.schedule_ids {
            let schedule = self.schedules.get_mut(&(namespace, id));
            entries.extend(schedule.map(|schedule| schedule.list_entry(self.now)));
        }
        Ok(entries)
    }

    fn schedule_key(&self, namespace: &str, schedule_id: &str) -> Result<Key> {
        let key = (self.namespaces.get(namespace)?.id, schedule_id.to_owned());
        if self.schedules.contains(&key) { Ok(key) } else { Err(missing(schedule_id)) }
    }

    fn schedule_mut(&mut self, namespace: &str, schedule_id: &str) -> Result<&mut Schedule> {
        let key = self.schedule_key(namespace, schedule_id)?;
        self.schedules.get_mut(&key).ok_or_else(|| missing(schedule_id))
    }
}

/// Where the reference server keeps schedules as workflows it names the workflow; SDKs look at the code only.
fn missing(schedule_id: &str) -> Error {
    Error::not_found(format!("schedule not found: there is no schedule \"{schedule_id}\" in this namespace"))
}

/// The same request again gets the same answer.
fn existing_schedule(existing: &Schedule, request: &CreateScheduleRequest) -> Result<CreateScheduleResponse> {
    if existing.record.create_request_id == request.request_id && !request.request_id.is_empty() {
        return Ok(CreateScheduleResponse { conflict_token: existing.conflict_token() });
    }
    let message = format!("schedule {:?} is already registered", request.schedule_id);
    Err(Error::already_started(message, "", "", ""))
}

fn checked(namespace: &Namespace, attributes: Option<SearchAttributes>) -> Result<Option<SearchAttributes>> {
    let attributes = attributes.map(|attributes| namespace.check_attributes(&attributes)).transpose()?;
    Ok(attributes.map(search::without_unset))
}

/// Checks what the runs to come will carry, rather than fail each of them.
fn check_action(namespace: &Namespace, schedule: &mut Option<protocol::Schedule>) -> Result<()> {
    let action = schedule.as_mut().and_then(|schedule| schedule.action.as_mut());
    let Some(Action::StartWorkflow(workflow)) = action.and_then(|action| action.action.as_mut()) else { return Ok(()) };
    workflow.search_attributes = checked(namespace, workflow.search_attributes.take())?;
    Ok(())
}
