//! All schedules, in memory; when each must be looked at, and the runs that they started.

use std::collections::{BTreeSet, HashMap};

use temporalio_protos::temporal::api::{
    common::v1::{Payload, SearchAttributes, WorkflowExecution},
    enums::v1::{ScheduleOverlapPolicy, WorkflowIdReusePolicy},
    history::v1::WorkflowExecutionCancelRequestedEventAttributes,
    workflow::v1::NewWorkflowExecutionInfo,
    workflowservice::v1::StartWorkflowExecutionRequest,
};

use super::Engine;
use crate::base::error::ErrorKind;
use crate::base::time::Time;
use crate::execution::workflow::close::Closed;
use crate::schedule::{Outcome, Schedule, Started};
use crate::stored::persistence::{ExecutionId, Loader, NamespaceId, StoredRecord};
use crate::stored::schedule::{BufferedStart, KIND, Record};

/// Schedules looked at in one tick, so that other calls get their turn.
const SCHEDULES_PER_TICK: usize = 16;
const CANCELLED: &str = "cancelled by schedule overlap policy";
const TERMINATED: &str = "terminated by schedule overlap policy";

pub type Key = (NamespaceId, String);

#[derive(Debug, Default)]
pub struct Schedules {
    all: HashMap<Key, Schedule>,
    due: HashMap<Key, Time>,
    order: BTreeSet<(Time, Key)>,
    /// The schedule of each run that has not closed, by its first run id.
    runs: HashMap<String, Key>,
}

impl Schedules {
    pub fn get_mut(&mut self, key: &Key) -> Option<&mut Schedule> {
        self.all.get_mut(key)
    }

    pub fn contains(&self, key: &Key) -> bool {
        self.all.contains_key(key)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Those of a namespace, in no order.
    pub fn of_namespace(&self, namespace: NamespaceId) -> impl Iterator<Item = &Schedule> {
        self.all.iter().filter(move |((of, _), _)| *of == namespace).map(|(_, schedule)| schedule)
    }

    /// When a schedule must be looked at next.
    pub fn next_due(&self) -> Option<Time> {
        self.order.first().map(|(time, _)| *time)
    }

    fn due(&self, now: Time) -> Option<Key> {
        self.order.first().filter(|(time, _)| *time <= now).map(|(_, key)| key.clone())
    }

    fn set_due(&mut self, key: &Key, due: Option<Time>) {
        if let Some(old) = self.due.remove(key) {
            self.order.remove(&(old, key.clone()));
        }
        if let Some(due) = due {
            self.due.insert(key.clone(), due);
            self.order.insert((due, key.clone()));
        }
    }

    fn insert(&mut self, key: Key, schedule: Schedule, due: Option<Time>) {
        self.set_due(&key, due);
        for run in schedule.awaited_runs() {
            self.runs.insert(run.to_owned(), key.clone());
        }
        self.all.insert(key, schedule);
    }

    /// Takes a schedule out; it goes back, or is gone.
    fn remove(&mut self, key: &Key) -> Option<Schedule> {
        self.set_due(key, None);
        self.all.remove(key)
    }
}

impl<L: Loader> Engine<L> {
    pub(super) fn restore_schedules(&mut self, records: Vec<StoredRecord>) {
        for stored in records.into_iter().filter(|record| record.kind == KIND) {
            let record = match Record::from_stored(&stored) {
                Ok(record) => record,
                Err(damaged) => {
                    self.set_aside_row(damaged);
                    continue;
                }
            };
            let Some(namespace) = self.namespaces.by_id(record.namespace) else { continue };
            let schedule = Schedule::new(record, &namespace.uuid);
            let due = schedule.next_due(self.now, false);
            let key = (schedule.record.namespace, schedule.record.schedule_id.clone());
            self.schedules.insert(key, schedule, due);
        }
    }

    /// Does what schedules have to do by now.
    pub(super) fn run_schedules(&mut self) {
        for _ in 0..SCHEDULES_PER_TICK {
            let Some(key) = self.schedules.due(self.now) else { return };
            self.run_schedule(&key, |_, _| {});
            self.settle();
        }
    }

    /// Brings a schedule to the present, changes it, and takes the actions that follow; all in this commit.
    pub(super) fn run_schedule(&mut self, key: &Key, change: impl FnOnce(&mut Schedule, Time)) {
        let Some(mut schedule) = self.schedules.remove(key) else { return };
        let more = schedule.advance(self.now);
        change(&mut schedule, self.now);
        self.keep_schedule(key.clone(), schedule, more);
    }

    /// Takes the actions that a schedule has come to, and stores it. `more`: there are times yet to be looked at.
    pub(super) fn keep_schedule(&mut self, key: Key, mut schedule: Schedule, more: bool) {
        schedule.process_backfills();
        while self.act(&mut schedule) {}
        if schedule.is_expired(self.now) {
            self.out.writes.push(schedule.record.delete());
            return;
        }
        self.out.writes.push(schedule.record.put());
        let due = schedule.next_due(self.now, more);
        self.schedules.insert(key, schedule, due);
    }

    /// Deletes a schedule; what it started runs on.
    pub(super) fn drop_schedule(&mut self, key: &Key) {
        if let Some(schedule) = self.schedules.remove(key) {
            self.out.writes.push(schedule.record.delete());
        }
    }

    /// Deletes the schedules of a namespace.
    pub(super) fn drop_schedules(&mut self, namespace: NamespaceId) {
        let ids: Vec<String> =
            self.schedules.of_namespace(namespace).map(|schedule| schedule.record.schedule_id.clone()).collect();
        for id in ids {
            self.drop_schedule(&(namespace, id));
        }
    }

    /// One round of actions; true where another may follow, since some could not be taken.
    fn act(&mut self, schedule: &mut Schedule) -> bool {
        let round = schedule.take_round();
        let overlapping = round.overlapping.into_iter().map(|start| (start, true));
        let starts: Vec<_> = overlapping.chain(round.single.map(|start| (start, false))).collect();
        let mut again = false;
        for (start, overlapping) in starts {
            let started = schedule.take_action(start.manual) && self.start_scheduled(schedule, start, overlapping);
            again |= !started;
        }
        if round.terminate || round.cancel {
            self.stop_scheduled(schedule, round.terminate);
        }
        again
    }

    /// Starts the workflow of an action. One that cannot be started is passed over.
    fn start_scheduled(&mut self, schedule: &mut Schedule, start: BufferedStart, overlapping: bool) -> bool {
        let Some(request) = self.scheduled_request(schedule, start) else { return false };
        let workflow_id = request.workflow_id.clone();
        let answer = match self.start_workflow(request) {
            Ok(answer) => answer,
            Err(refusal) => {
                if refusal.kind == ErrorKind::ResourceExhausted {
                    // Who describes the schedule sees it.
                    let time = rfc3339(start.actual().floor_secs());
                    schedule.record.refusal = format!("the action of {time} was not taken: {refusal}");
                }
                return false;
            }
        };
        let workflow = WorkflowExecution { workflow_id, run_id: answer.response.run_id };
        schedule.started(Started { start, at: self.now, workflow, overlapping });
        true
    }

    fn scheduled_request(
        &mut self,
        schedule: &Schedule,
        start: BufferedStart,
    ) -> Option<StartWorkflowExecutionRequest> {
        let namespace = self.namespaces.by_id(schedule.record.namespace)?.name.clone();
        let action = schedule.action()?.clone();
        let nominal = start.nominal().floor_secs();
        let keeps_id = schedule.policies().keep_original_workflow_id;
        let workflow_id =
            if keeps_id { action.workflow_id } else { format!("{}-{}", action.workflow_id, rfc3339(nominal)) };
        // A run of a time of the specification is started once; whoever asks for one more gets it.
        let once = !start.manual && !keeps_id;
        let reuse = if once { WorkflowIdReusePolicy::RejectDuplicate } else { WorkflowIdReusePolicy::AllowDuplicate };
        let beside = schedule.resolve(start.overlap_policy()) == ScheduleOverlapPolicy::AllowAll;
        let NewWorkflowExecutionInfo {
            workflow_type,
            task_queue,
            input,
            workflow_execution_timeout,
            workflow_run_timeout,
            workflow_task_timeout,
            retry_policy,
            memo,
            search_attributes,
            header,
            user_metadata,
            versioning_override,
            priority,
            ..
        } = action;
        Some(StartWorkflowExecutionRequest {
            identity: identity(&namespace, schedule),
            namespace,
            workflow_id,
            workflow_type,
            task_queue,
            input,
            workflow_execution_timeout,
            workflow_run_timeout,
            workflow_task_timeout,
            request_id: self.ids.uuid(),
            workflow_id_reuse_policy: reuse as i32,
            retry_policy,
            memo,
            search_attributes: Some(search_attributes_of(schedule, search_attributes, nominal)),
            header,
            last_completion_result: schedule.record.last_completion_result.clone().filter(|_| !beside),
            continued_failure: schedule.record.continued_failure.clone().filter(|_| !beside),
            user_metadata,
            versioning_override,
            priority,
            ..Default::default()
        })
    }

    /// Cancels or terminates what runs. Its end is what lets the next start.
    fn stop_scheduled(&mut self, schedule: &Schedule, terminate: bool) {
        let name = self.namespaces.by_id(schedule.record.namespace).map_or("", |namespace| &namespace.name);
        let identity = identity(name, schedule);
        for workflow in schedule.running() {
            let Some(id) = self.open_run_of_chain(schedule.record.namespace, workflow) else { continue };
            if terminate {
                self.step(id, |t| t.terminate(TERMINATED.to_owned(), None, identity.clone(), Vec::new()));
            } else if !self.execution(id).core.cancel_requested {
                let request_id = self.ids.uuid();
                let event = WorkflowExecutionCancelRequestedEventAttributes {
                    cause: CANCELLED.to_owned(),
                    identity: identity.clone(),
                    ..Default::default()
                };
                self.step(id, |t| t.request_cancel(event, &request_id, Vec::new()));
            }
        }
    }

    fn open_run_of_chain(&mut self, namespace: NamespaceId, first: &WorkflowExecution) -> Option<ExecutionId> {
        let id = self.newest(namespace, &first.workflow_id).ok().flatten()?;
        let execution = self.execution(id);
        (execution.is_open() && execution.core.first_run_id == first.run_id).then_some(id)
    }

    /// A run closed: if a schedule waits for it, what waits in its buffer may start.
    pub(super) fn scheduled_run_closed(&mut self, closed: &Closed) {
        if closed.goes_on {
            return;
        }
        let Some(key) = self.schedules.runs.get(&closed.first_run_id).cloned() else { return };
        let first =
            WorkflowExecution { workflow_id: closed.workflow.workflow_id.clone(), run_id: closed.first_run_id.clone() };
        // A chain may go on after its end: a reset closes one run and begins another.
        if self.open_run_of_chain(closed.namespace, &first).is_some() {
            return;
        }
        self.schedules.runs.remove(&closed.first_run_id);
        let outcome = Outcome::from(&closed.outcome);
        self.run_schedule(&key, |schedule, _| schedule.closed(&first.run_id, outcome));
    }
}

fn identity(namespace: &str, schedule: &Schedule) -> String {
    format!("temporal-scheduler-{namespace}-{}", schedule.record.schedule_id)
}

fn search_attributes_of(schedule: &Schedule, own: Option<SearchAttributes>, nominal: Time) -> SearchAttributes {
    let mut attributes = own.unwrap_or_default();
    for (name, text) in [
        ("TemporalScheduledStartTime", rfc3339(nominal)),
        ("TemporalScheduledById", schedule.record.schedule_id.clone()),
    ] {
        attributes.indexed_fields.insert(name.to_owned(), json(text));
    }
    attributes
}

fn json(text: String) -> Payload {
    Payload {
        metadata: [("encoding".to_owned(), b"json/plain".to_vec())].into(),
        data: serde_json::Value::String(text).to_string().into_bytes(),
        ..Default::default()
    }
}

/// A whole second as `2006-01-02T15:04:05Z`.
fn rfc3339(time: Time) -> String {
    jiff::Timestamp::from_nanosecond(time.nanos().into()).unwrap_or_default().to_string()
}
