//! `(none) --start--> Running`.

use temporalio_protos::temporal::api::{
    enums::v1::{EventType, TaskQueueKind, WorkflowExecutionStatus},
    history::v1::WorkflowExecutionStartedEventAttributes,
    taskqueue::v1::TaskQueue,
    workflow::v1::RequestIdInfo,
};

use super::new_run::NewRun;
use crate::base::time::{Span, Time, duration, from_duration, from_timestamp, timestamp};
use crate::config::{Config, FOREVER};
use crate::execution::history::Extras;
use crate::execution::{Execution, Transition};
use crate::stored::execution::{Core, Properties, Start};
use crate::stored::persistence::ExecutionId;

impl Execution {
    /// A run without events; [`Transition::start`] gives it its first.
    pub(crate) fn new(id: ExecutionId) -> Self {
        let mut execution = Self { id, ..Default::default() };
        execution.core.next_event_id = 1;
        execution
    }
}

impl Transition<'_> {
    /// Writes the first events of the run.
    pub(crate) fn start(&mut self, run: NewRun) {
        let NewRun { started, user_metadata, links, signal, backoff, .. } = run.clone();
        let times = Times::of(&started, self.now, backoff);
        let started = complete(started, &run, &times, self.config);
        self.exec.core = new_core(&run, &started, self.now);
        self.exec.properties =
            Properties { memo: started.memo.clone(), search_attributes: started.search_attributes.clone() };
        let extras = Extras { user_metadata, links: links.clone(), ..Default::default() };
        self.record_with(started.clone(), extras);
        let request_id = self.exec.core.start_request_id.clone();
        self.exec.add_callbacks(&started.completion_callbacks, &request_id, self.now);
        self.exec.start_versioning(&started);
        self.exec.start = Start { event: Some(started), links };
        self.exec.touch_start();
        if let Some((signal, links)) = signal {
            self.signal(signal, links);
        }
        self.schedule_workflow_task();
    }

    /// The back-off of the first workflow task is over.
    pub(crate) fn first_task_due(&mut self) {
        self.end_first_wait();
        self.schedule_workflow_task();
    }

    /// Start delay, cron and retry wait no longer: a cancellation, an update or a signal-with-start has come. A plain signal
    /// does not end the wait.
    pub(crate) fn end_first_wait(&mut self) {
        self.exec.core.first_task_due = 0;
    }
}

/// When a run begins to work and when it runs out of time.
struct Times {
    execution: Time,
    run_expiration: Time,
    execution_expiration: Time,
}

impl Times {
    fn of(started: &WorkflowExecutionStartedEventAttributes, now: Time, backoff: Span) -> Self {
        let execution = now + backoff;
        let after = |span: Span| if span > Span::ZERO { execution + span.min(FOREVER) } else { Time::UNSET };
        let execution_expiration = match from_timestamp(&started.workflow_execution_expiration_time) {
            Time::UNSET => after(from_duration(&started.workflow_execution_timeout)),
            time => time,
        };
        let run = match (after(run_timeout(started)), execution_expiration) {
            (Time::UNSET, chain) => chain,
            (run, Time::UNSET) => run,
            (run, chain) => run.min(chain),
        };
        Self { execution, run_expiration: run, execution_expiration }
    }
}

/// The run's time-out: never longer than that of its chain.
fn run_timeout(started: &WorkflowExecutionStartedEventAttributes) -> Span {
    let run = from_duration(&started.workflow_run_timeout);
    match from_duration(&started.workflow_execution_timeout) {
        Span::ZERO => run,
        chain if run == Span::ZERO => chain,
        chain => run.min(chain),
    }
}

/// When the chain of runs and the run itself run out of time, counted from `now`; 0: never.
pub(crate) fn expirations(started: &WorkflowExecutionStartedEventAttributes, now: Time) -> (Time, Time) {
    let after = |span: Span| if span > Span::ZERO { now + span.min(FOREVER) } else { Time::UNSET };
    let chain = after(from_duration(&started.workflow_execution_timeout));
    match after(run_timeout(started)) {
        run if chain > Time::UNSET => (chain, run.min(chain)),
        run => (Time::UNSET, run),
    }
}

fn complete(
    mut started: WorkflowExecutionStartedEventAttributes,
    run: &NewRun,
    times: &Times,
    config: &Config,
) -> WorkflowExecutionStartedEventAttributes {
    started.search_attributes = started.search_attributes.map(crate::search::without_unset);
    started.workflow_id.clone_from(&run.workflow_id);
    started.original_execution_run_id.clone_from(&run.run_id);
    if started.first_execution_run_id.is_empty() {
        started.first_execution_run_id.clone_from(&run.run_id);
    }
    if started.attempt == 0 {
        started.attempt = 1;
    }
    let task_timeout = match from_duration(&started.workflow_task_timeout) {
        Span::ZERO => config.workflow_task_timeout,
        span => span.min(config.workflow_task_timeout_max),
    };
    let task_timeout = match run_timeout(&started) {
        Span::ZERO => task_timeout,
        run => task_timeout.min(run),
    };
    started.workflow_task_timeout = duration(task_timeout);
    started.workflow_run_timeout = set_duration(run_timeout(&started));
    started.workflow_execution_timeout = set_duration(from_duration(&started.workflow_execution_timeout));
    started.first_workflow_task_backoff = duration(run.backoff);
    started.workflow_execution_expiration_time = timestamp(times.execution_expiration);
    if let Some(queue) = started.task_queue.as_mut() {
        *queue = TaskQueue { name: queue.name.clone(), kind: TaskQueueKind::Normal as i32, ..Default::default() };
    }
    if let Some(policy) = &started.retry_policy {
        started.retry_policy = Some(super::backoff::with_defaults(policy, config));
    }
    started
}

/// The protocol's form of a time-out; absent where it is not set.
fn set_duration(span: Span) -> Option<prost_wkt_types::Duration> {
    if span == Span::ZERO { None } else { duration(span) }
}

/// The core of a run before its first event; `started` is complete, `run` says the rest.
pub(crate) fn new_core(run: &NewRun, started: &WorkflowExecutionStartedEventAttributes, now: Time) -> Core {
    let times = Times::of(started, now, run.backoff);
    let info = RequestIdInfo { event_type: EventType::WorkflowExecutionStarted as i32, event_id: 1, buffered: false };
    Core {
        namespace: run.namespace,
        workflow_id: run.workflow_id.clone(),
        run_id: run.run_id.clone(),
        first_run_id: started.first_execution_run_id.clone(),
        workflow_type: started.workflow_type.as_ref().map(|t| t.name.clone()).unwrap_or_default(),
        task_queue: started.task_queue.as_ref().map(|q| q.name.clone()).unwrap_or_default(),
        status: WorkflowExecutionStatus::Running as i32,
        next_event_id: 1,
        start_time: now.nanos(),
        execution_time: times.execution.nanos(),
        run_expiration: times.run_expiration.nanos(),
        execution_expiration: times.execution_expiration.nanos(),
        workflow_task_timeout: from_duration(&started.workflow_task_timeout).nanos(),
        workflow_task_attempt: 1,
        request_ids: [(run.request_id.clone(), info)].into(),
        start_request_id: run.request_id.clone(),
        first_task_due: if run.backoff > Span::ZERO { times.execution.nanos() } else { 0 },
        user_metadata: run.user_metadata.clone(),
        priority: started.priority.clone(),
        parent_execution: run.parent_execution,
        parent_waits: started.parent_workflow_execution.is_some(),
        original_start_time: now.nanos(),
        ..Default::default()
    }
}
