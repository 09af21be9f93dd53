//! What is set aside: executions and records whose stored form is damaged. Nothing moves them, and calls on them are refused
//! with DATA_LOSS; everything else goes on.
//!
//! ```text
//! served --its rows cannot be read: at the start, at a load, when a worker needs its history--> set aside
//! set aside --ostro doctor --repair, offline--> served
//! ```
//!
//! What others want to tell such an execution is held: they try again, a minute apart, until it is back.

use std::collections::{BTreeMap, BTreeSet};

use temporalio_protos::temporal::api::enums::v1::{WorkflowExecutionStatus, WorkflowIdReusePolicy as Reuse};

use crate::base::error::{Error, Result};
use crate::base::time::Time;
use crate::call::Call;
use crate::call::ReplyId;
use crate::engine::{Engine, Output};
use crate::execution::Effect;
use crate::stored::persistence::{Damaged, DamagedPart, DamagedRow, ExecutionId, Listed, Loader, NamespaceId};
use crate::{batch, deployment, nexus, schedule, settings};

/// Kept in memory only: each start finds it anew.
#[derive(Debug, Default)]
pub struct SetAside {
    executions: BTreeMap<ExecutionId, Run>,
    /// Executions that are served although some of their events are damaged.
    histories: BTreeSet<ExecutionId>,
    /// Why, by kind and key.
    records: BTreeMap<(String, String), String>,
    namespaces: usize,
}

#[derive(Debug)]
struct Run {
    why: String,
    listed: Option<Listed>,
}

impl SetAside {
    /// Those of which only the history is damaged among them.
    pub fn executions(&self) -> usize {
        self.executions.keys().chain(&self.histories).collect::<BTreeSet<_>>().len()
    }

    /// Schedules, deployments, settings, endpoints, batches and namespaces.
    pub fn records(&self) -> usize {
        self.records.len() + self.namespaces
    }

    pub fn has(&self, id: ExecutionId) -> bool {
        self.executions.contains_key(&id)
    }

    /// Whether lists say that the execution has closed.
    pub fn is_closed(&self, id: ExecutionId) -> bool {
        self.executions.get(&id).and_then(|run| run.listed.as_ref()).is_some_and(|listed| closed(listed).is_some())
    }

    pub fn forget(&mut self, id: ExecutionId) {
        self.executions.remove(&id);
        self.histories.remove(&id);
    }

    fn record(&self, kind: &str, key: String) -> Result<()> {
        let found = self.records.get_key_value(&(kind.to_owned(), key));
        found.map_or(Ok(()), |((kind, key), why)| Err(Error::set_aside(&format!("{kind} {key:?}"), why)))
    }
}

fn closed(listed: &Listed) -> Option<WorkflowExecutionStatus> {
    use WorkflowExecutionStatus::{Paused, Running, Unspecified};
    let status = WorkflowExecutionStatus::try_from(listed.status).unwrap_or_default();
    (!matches!(status, Unspecified | Running | Paused)).then_some(status)
}

impl<L: Loader> Engine<L> {
    /// An execution cannot be served because of what the caller has read of it: whoever waits on it is refused, and nothing
    /// moves it from now on.
    pub fn set_aside(&mut self, now: Time, id: ExecutionId, why: Damaged) -> Output {
        self.advance(now);
        if !self.cache.is_deleted(id) && !self.set_aside.has(id) {
            self.cache.remove(id);
            self.set_aside_execution(id, why);
            let refused: Vec<ReplyId> = self.waits.of_execution(id).collect();
            for reply in refused {
                let error = self.refusal(id).unwrap_or_else(|| Error::set_aside("the execution", "it is damaged"));
                self.reply(reply, Err(error));
            }
        }
        self.finish()
    }

    /// Sets aside what was found damaged before the first call.
    pub(crate) fn set_aside_row(&mut self, row: DamagedRow) {
        let DamagedRow { of, what } = row;
        match of {
            DamagedPart::Execution(id) => self.set_aside_execution(id, what),
            DamagedPart::History(id) => {
                let listed = self.loader.listed(id).ok().flatten();
                let name = name(id, &Run { why: String::new(), listed });
                self.out.set_aside.push(format!("the history of {name}: {what}"));
                self.set_aside.histories.insert(id);
            }
            DamagedPart::Namespace { id, name } => {
                self.namespaces.set_aside(id, &name, &what.0);
                self.set_aside.namespaces += 1;
                self.out.set_aside.push(format!("namespace {name:?} (number {id}): {what}"));
            }
            DamagedPart::Record { kind, key } => {
                self.out.set_aside.push(format!("{kind} {key:?}: {what}"));
                self.set_aside.records.insert((kind, key), what.0);
            }
        }
    }

    pub(crate) fn set_aside_execution(&mut self, id: ExecutionId, what: Damaged) {
        if self.set_aside.has(id) {
            return;
        }
        self.timers.set(id, None);
        self.busy.forget(id);
        self.blocked.remove(&id);
        let run = Run { why: what.0, listed: self.loader.listed(id).ok().flatten() };
        self.out.set_aside.push(format!("{}: {}", name(id, &run), run.why));
        self.set_aside.executions.insert(id, run);
    }

    /// Why nothing can be done with an execution that is set aside.
    pub(crate) fn refusal(&self, id: ExecutionId) -> Option<Error> {
        let run = self.set_aside.executions.get(&id)?;
        Some(Error::set_aside(&name(id, run), &run.why))
    }

    /// Brings an execution into memory.
    ///
    /// # Errors
    /// DATA_LOSS for one that is set aside, `missing` where there is none.
    pub(crate) fn load_or(&mut self, id: ExecutionId, missing: impl FnOnce() -> Error) -> Result<()> {
        if self.load(id) { Ok(()) } else { Err(self.refusal(id).unwrap_or_else(missing)) }
    }

    /// Whether the newest run of a workflow id is set aside, has closed as lists say, and leaves its workflow id to another.
    pub(crate) fn may_start_beside(&self, namespace: NamespaceId, workflow_id: &str, reuse: Reuse) -> bool {
        let newest = self.cache.newest(namespace, workflow_id);
        let newest = newest.or_else(|| self.loader.newest_run(namespace, workflow_id).ok().flatten());
        let listed = newest.and_then(|id| self.set_aside.executions.get(&id)).and_then(|run| run.listed.as_ref());
        listed.and_then(closed).is_some_and(|status| !crate::engine::calls::refuses(status, reuse))
    }

    /// Refuses calls on records that are set aside: to answer that there is none would be wrong, and to make a new one would
    /// take away what is left of it.
    ///
    /// # Errors
    /// DATA_LOSS.
    pub(crate) fn refuse_set_aside(&self, call: &Call) -> Result<()> {
        if self.set_aside.records.is_empty() {
            return Ok(());
        }
        match record_of(call) {
            Some(Asked::InNamespace { namespace, kind, key }) => match self.namespaces.by_name(namespace) {
                Some(namespace) => self.set_aside.record(kind, format!("{}/{key}", namespace.id)),
                None => Ok(()),
            },
            Some(Asked::Endpoint(id)) => self.set_aside.record(nexus::endpoints::KIND, id.to_owned()),
            None => Ok(()),
        }
    }

    /// # Errors
    /// DATA_LOSS where the deployment's record is set aside.
    pub(crate) fn refuse_set_aside_deployment(&self, namespace: NamespaceId, name: &str) -> Result<()> {
        self.set_aside.record(deployment::RECORD_KIND, deployment::record_key(namespace, name))
    }

    /// Whether the endpoint's record is set aside: what goes there waits.
    pub(crate) fn is_endpoint_set_aside(&self, id: &str) -> bool {
        self.set_aside.record(nexus::endpoints::KIND, id.to_owned()).is_err()
    }

    /// Tries again what an execution could not tell others.
    pub(crate) fn try_held(&mut self, id: ExecutionId) {
        let Some(execution) = self.cache.get(id) else { return };
        let unstarted = execution.children.iter().filter(|(_, child)| child.started_event_id == 0);
        let again = (unstarted.map(|(event, _)| Effect::StartChild(id, *event)))
            .chain(execution.signals.keys().map(|event| Effect::SignalExternal(id, *event)))
            .chain(execution.cancels.keys().map(|event| Effect::CancelExternal(id, *event)));
        self.effects.extend(again);
        if !execution.is_open() {
            self.tell_end_again(id);
        }
    }

    fn tell_end_again(&mut self, id: ExecutionId) {
        let execution = self.execution(id);
        let last = execution.core.close_event_id;
        if execution.is_standalone() {
            return self.view(id, |t| t.call_back_of_standalone());
        }
        let outcome = match self.history_events(id, last, last.saturating_add(1)) {
            Ok(mut events) => events.pop().and_then(|event| event.attributes),
            Err(damaged) => return self.set_aside_execution(id, damaged),
        };
        if let Some(outcome) = outcome {
            self.view(id, |t| t.tell_end_again(outcome));
        }
    }
}

fn name(id: ExecutionId, run: &Run) -> String {
    match &run.listed {
        Some(listed) => format!("workflow {:?}, run {} (execution {id})", listed.workflow_id, listed.run_id),
        None => format!("execution {id}"),
    }
}

/// The record that a call is about.
enum Asked<'a> {
    InNamespace { namespace: &'a str, kind: &'static str, key: String },
    Endpoint(&'a str),
}

fn record_of(call: &Call) -> Option<Asked<'_>> {
    let of = |kind, namespace, key: &str| Some(Asked::InNamespace { namespace, kind, key: key.to_owned() });
    match call {
        Call::CreateSchedule(r) => of(schedule::KIND, &r.namespace, &r.schedule_id),
        Call::DescribeSchedule(r) => of(schedule::KIND, &r.namespace, &r.schedule_id),
        Call::UpdateSchedule(r) => of(schedule::KIND, &r.namespace, &r.schedule_id),
        Call::PatchSchedule(r) => of(schedule::KIND, &r.namespace, &r.schedule_id),
        Call::DeleteSchedule(r) => of(schedule::KIND, &r.namespace, &r.schedule_id),
        Call::ListScheduleMatchingTimes(r) => of(schedule::KIND, &r.namespace, &r.schedule_id),
        Call::StartBatch(r) => of(batch::RECORD_KIND, &r.namespace, &r.job_id),
        Call::StopBatch(r) => of(batch::RECORD_KIND, &r.namespace, &r.job_id),
        Call::DescribeBatch(r) => of(batch::RECORD_KIND, &r.namespace, &r.job_id),
        Call::UpdateTaskQueueConfig(r) => {
            let kind = crate::engine::dispatch::describe_queue::queue_kind(r.task_queue_type());
            of(settings::CONFIG_KIND, &r.namespace, &format!("{}/{}", kind as u8, r.task_queue))
        }
        Call::UpdateBuildIds(r) => of(settings::BUILD_IDS_KIND, &r.namespace, &r.task_queue),
        Call::GetBuildIds(r) => of(settings::BUILD_IDS_KIND, &r.namespace, &r.task_queue),
        Call::UpdateNexusEndpoint(r) => Some(Asked::Endpoint(&r.id)),
        Call::DeleteNexusEndpoint(r) => Some(Asked::Endpoint(&r.id)),
        Call::GetNexusEndpoint(r) => Some(Asked::Endpoint(&r.id)),
        call => deployment_of(call).and_then(|(namespace, name)| of(deployment::RECORD_KIND, namespace, name)),
    }
}

/// Namespace and name of the worker deployment that a call is about.
fn deployment_of(call: &Call) -> Option<(&str, &str)> {
    match call {
        Call::CreateDeployment(r) => Some((&r.namespace, &r.deployment_name)),
        Call::DescribeDeployment(r) => Some((&r.namespace, &r.deployment_name)),
        Call::SetCurrentVersion(r) => Some((&r.namespace, &r.deployment_name)),
        Call::SetRampingVersion(r) => Some((&r.namespace, &r.deployment_name)),
        Call::SetDeploymentManager(r) => Some((&r.namespace, &r.deployment_name)),
        Call::DeleteDeployment(r) => Some((&r.namespace, &r.deployment_name)),
        Call::CreateDeploymentVersion(r) => Some((&r.namespace, named(&r.deployment_version))),
        Call::DescribeDeploymentVersion(r) => Some((&r.namespace, named(&r.deployment_version))),
        Call::UpdateVersionMetadata(r) => Some((&r.namespace, named(&r.deployment_version))),
        Call::DeleteDeploymentVersion(r) => Some((&r.namespace, named(&r.deployment_version))),
        _ => None,
    }
}

fn named(version: &Option<temporalio_protos::temporal::api::deployment::v1::WorkerDeploymentVersion>) -> &str {
    version.as_ref().map_or("", |version| &version.deployment_name)
}
