//! `(rebuilt up to a workflow task) --reset--> Running`: a new run goes on from an earlier point of an old one.

use std::collections::BTreeSet;

use temporalio_protos::temporal::api::{
    common::v1::Payloads,
    enums::v1::{
        ResetReapplyExcludeType, ResetReapplyType, RetryState, UpdateAdmittedEventOrigin, WorkflowTaskFailedCause,
    },
    failure::v1::{Failure, ResetWorkflowFailureInfo, failure::FailureInfo},
    history::v1::{
        ActivityTaskFailedEventAttributes, HistoryEvent, WorkflowExecutionUpdateAdmittedEventAttributes,
        WorkflowTaskFailedEventAttributes, WorkflowTaskStartedEventAttributes, history_event::Attributes,
    },
    update::v1::Request,
    workflow::v1::WorkflowExecutionOptions,
};

use super::close::{RESETTER_IDENTITY, SERVER_IDENTITY};
use crate::execution::history::Extras;
use crate::execution::{Effect, Execution, Transition};

/// What a reset does beside going back.
#[derive(Debug, Clone, Default)]
pub(crate) struct Reset {
    pub base_run_id: String,
    pub reason: String,
    /// Events of the old run, and of those that it continued as, from the reset point on.
    pub later: Vec<HistoryEvent>,
    pub exclude: Exclude,
    /// Changes of options, each with its mask.
    pub options: Vec<(WorkflowExecutionOptions, Vec<String>)>,
}

/// Which later events do not happen again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Exclude(BTreeSet<ResetReapplyExcludeType>);

impl Exclude {
    /// From the two fields of a request.
    pub(crate) fn of(reapply: ResetReapplyType, types: impl IntoIterator<Item = ResetReapplyExcludeType>) -> Self {
        use ResetReapplyExcludeType::{Signal, Update};
        let mut exclude: BTreeSet<_> = types.into_iter().collect();
        #[allow(deprecated)]
        match reapply {
            ResetReapplyType::Signal => exclude.extend([Update]),
            ResetReapplyType::None => exclude.extend([Signal, Update]),
            _ => {}
        }
        Self(exclude)
    }

    fn has(&self, kind: ResetReapplyExcludeType) -> bool {
        self.0.contains(&kind)
    }

    /// Whether nothing at all happens again, children's events included.
    pub(crate) fn is_everything(&self) -> bool {
        use ResetReapplyExcludeType::{Nexus, Signal, Update};
        [Signal, Update, Nexus].iter().all(|kind| self.0.contains(kind))
    }
}

impl Transition<'_> {
    /// The run stops since another goes on from an earlier point of its history.
    pub(crate) fn terminate_for_reset(&mut self, reason: String) {
        self.terminate(reason, None, RESETTER_IDENTITY.to_owned(), Vec::new());
    }

    /// Begins the new run: the caller has rebuilt it up to a workflow task, which fails here.
    pub(crate) fn begin_reset_run(&mut self, reset: Reset) {
        self.renew_expiration();
        if self.exec.is_paused() {
            self.exec.apply_unpause();
        }
        self.fail_task_of_old_run(&reset);
        self.fail_activities_of_old_run(&reset.reason);
        for event in &reset.later {
            self.reapply(event, &reset.exclude);
        }
        for (options, mask) in &reset.options {
            self.update_options(options, mask, "").expect("the caller has checked the mask");
        }
        self.schedule_workflow_task();
        self.resume_parts();
    }

    /// Time-outs count from the reset on.
    fn renew_expiration(&mut self) {
        let now = self.now;
        self.exec.core.last_reset_time = now.nanos();
        let started = self.exec.started();
        let (chain, run) = super::start::expirations(started, now);
        self.exec.core.execution_expiration = chain.nanos();
        self.exec.core.run_expiration = run.nanos();
    }

    fn fail_task_of_old_run(&mut self, reset: &Reset) {
        let task = self.exec.core.workflow_task.take().expect("the caller found a workflow task at the reset point");
        let started_event_id = if task.is_started() {
            task.started_event_id
        } else {
            let request_id = self.ids.uuid();
            self.record(WorkflowTaskStartedEventAttributes {
                scheduled_event_id: task.scheduled_event_id,
                identity: SERVER_IDENTITY.to_owned(),
                request_id,
                history_size_bytes: self.exec.core.history_bytes,
                ..Default::default()
            })
        };
        self.record(WorkflowTaskFailedEventAttributes {
            scheduled_event_id: task.scheduled_event_id,
            started_event_id,
            cause: WorkflowTaskFailedCause::ResetWorkflow as i32,
            failure: Some(failure(&reset.reason, None)),
            identity: SERVER_IDENTITY.to_owned(),
            base_run_id: reset.base_run_id.clone(),
            new_run_id: self.exec.core.run_id.clone(),
            ..Default::default()
        });
        self.exec.core.workflow_task_attempt = 1;
    }

    /// Attempts that ran at the reset point belong to the old run; those that did not run yet wait anew.
    fn fail_activities_of_old_run(&mut self, reason: &str) {
        let now = self.now;
        let pending: Vec<i64> = self.exec.activities.keys().copied().collect();
        for id in pending {
            let Some(activity) = self.exec.activity_mut(id) else { continue };
            if activity.started_event_id == 0 {
                activity.attempt_scheduled_time = now.nanos();
                activity.first_scheduled_time = now.nanos();
                continue;
            }
            let Some(activity) = self.exec.remove_activity(id) else { continue };
            self.record(ActivityTaskFailedEventAttributes {
                failure: Some(failure(reason, activity.heartbeat_details)),
                scheduled_event_id: id,
                started_event_id: activity.started_event_id,
                identity: activity.identity,
                retry_state: RetryState::NonRetryableFailure as i32,
                ..Default::default()
            });
        }
    }

    /// What others did to the old run after the reset point happens to the new one too.
    fn reapply(&mut self, event: &HistoryEvent, exclude: &Exclude) {
        use Attributes::*;
        let Some(attributes) = &event.attributes else { return };
        let (signals, updates) =
            (!exclude.has(ResetReapplyExcludeType::Signal), !exclude.has(ResetReapplyExcludeType::Update));
        match attributes {
            WorkflowExecutionSignaledEventAttributes(a) if signals => {
                self.exec.core.signal_count += 1;
                self.exec.remember_signal(&a.request_id);
                self.record_with(a.clone(), Extras { links: event.links.clone(), ..Default::default() });
            }
            WorkflowExecutionUpdateAdmittedEventAttributes(a) if updates => self.readmit(a.request.clone()),
            // Without a request it was admitted by an event before, which is reapplied itself.
            WorkflowExecutionUpdateAcceptedEventAttributes(a) if updates && a.accepted_request.is_some() => {
                self.readmit(a.accepted_request.clone());
            }
            WorkflowExecutionOptionsUpdatedEventAttributes(a) => self.record_options(a.clone(), event.links.clone()),
            _ => {
                if !exclude.has(ResetReapplyExcludeType::Nexus) {
                    self.reapply_nexus(event, attributes);
                }
                self.reapply_child(attributes);
            }
        }
    }

    fn readmit(&mut self, request: Option<Request>) {
        let admitted_event_id = self.record(WorkflowExecutionUpdateAdmittedEventAttributes {
            request: request.clone(),
            origin: UpdateAdmittedEventOrigin::Reapply as i32,
        });
        self.exec.add_admitted_update(admitted_event_id, request);
    }

    /// Children that were started before the reset point stay: the new run hears of them what the old one heard.
    fn reapply_child(&mut self, attributes: &Attributes) {
        use Attributes::*;
        let Some(initiated) = initiated_event_id(attributes) else { return };
        let Some(child) = self.exec.children.get(&initiated) else { return };
        let started = child.started_event_id;
        let mut attributes = attributes.clone();
        match &mut attributes {
            ChildWorkflowExecutionStartedEventAttributes(a) => {
                if started == 0 {
                    let run_id = a.workflow_execution.as_ref().map(|run| run.run_id.clone()).unwrap_or_default();
                    self.child_started_before(initiated, &run_id, attributes);
                }
                return;
            }
            ChildWorkflowExecutionCompletedEventAttributes(a) => a.started_event_id = started,
            ChildWorkflowExecutionFailedEventAttributes(a) => a.started_event_id = started,
            ChildWorkflowExecutionCanceledEventAttributes(a) => a.started_event_id = started,
            ChildWorkflowExecutionTimedOutEventAttributes(a) => a.started_event_id = started,
            ChildWorkflowExecutionTerminatedEventAttributes(a) => a.started_event_id = started,
            _ => {}
        }
        self.exec.remove_child(initiated);
        self.record(attributes);
    }

    fn child_started_before(&mut self, initiated: i64, run_id: &str, attributes: Attributes) {
        let id = self.record(attributes);
        if let Some(child) = self.exec.child_mut(initiated) {
            run_id.clone_into(&mut child.run_id);
            child.started_event_id = id;
        }
    }

    /// Offers again what was under way when the history that the run was rebuilt from ended.
    pub(crate) fn resume_parts(&mut self) {
        let id = self.exec.id;
        let exec = &*self.exec;
        let activities = exec.activities.keys().map(|event| Effect::OfferActivity(id, *event));
        let unstarted = exec.children.iter().filter(|(_, child)| child.started_event_id == 0);
        let children = unstarted.map(|(event, _)| Effect::StartChild(id, *event));
        let signals = exec.signals.keys().map(|event| Effect::SignalExternal(id, *event));
        let cancels = exec.cancels.keys().map(|event| Effect::CancelExternal(id, *event));
        let effects: Vec<_> = activities.chain(children).chain(signals).chain(cancels).collect();
        self.effects.extend(effects);
        self.resume_nexus();
    }
}

impl Execution {
    /// Whether the run was made by a reset of another.
    pub(crate) fn is_reset_run(&self) -> bool {
        self.started().original_execution_run_id != self.core.run_id
    }
}

fn initiated_event_id(attributes: &Attributes) -> Option<i64> {
    use Attributes::*;
    Some(match attributes {
        StartChildWorkflowExecutionFailedEventAttributes(a) => a.initiated_event_id,
        ChildWorkflowExecutionStartedEventAttributes(a) => a.initiated_event_id,
        ChildWorkflowExecutionCompletedEventAttributes(a) => a.initiated_event_id,
        ChildWorkflowExecutionFailedEventAttributes(a) => a.initiated_event_id,
        ChildWorkflowExecutionCanceledEventAttributes(a) => a.initiated_event_id,
        ChildWorkflowExecutionTimedOutEventAttributes(a) => a.initiated_event_id,
        ChildWorkflowExecutionTerminatedEventAttributes(a) => a.initiated_event_id,
        _ => return None,
    })
}

fn failure(reason: &str, last_heartbeat_details: Option<Payloads>) -> Failure {
    Failure {
        message: reason.to_owned(),
        failure_info: Some(FailureInfo::ResetWorkflowFailureInfo(ResetWorkflowFailureInfo { last_heartbeat_details })),
        ..Default::default()
    }
}
