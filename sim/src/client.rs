//! Clients: calls with retries, each until it is answered for good.

use std::rc::Rc;

use ostro_engine::call::HistoryPosition;
use ostro_engine::call::{Answer, Call, ReadHistory, Request as _, WithDeadline};
use ostro_engine::error::Result;
use ostro_engine::execution::standalone::activity as standalone_activity;
use ostro_engine::time::{DAY, MILLISECOND, MINUTE, SECOND, Span, Time, duration};
use temporalio_protos::temporal::api::{
    common::v1::{Memo, RetryPolicy},
    enums::v1::{
        UpdateWorkflowExecutionLifecycleStage as Stage, WorkflowIdConflictPolicy as Conflict,
        WorkflowIdReusePolicy as Reuse,
    },
    history::v1::history_event::Attributes,
    query::v1::WorkflowQuery,
    update::v1::{Input, Meta, Request as UpdateRequest, WaitPolicy, outcome},
    workflowservice::v1::*,
};

use crate::program::{SIGNALS, type_name};
use crate::rng::Rng;
use crate::vocabulary::*;
use crate::worker::LONG;
use crate::world::{Event, Purpose, Request, World, is_transient};

/// One call that a client makes, again and again until it is answered.
pub struct Client {
    pub what: String,
    pub done: bool,
    /// When it was made first since the faults stopped.
    begun: Option<Time>,
    kind: Kind,
    request: Request,
    patience: Span,
}

impl Client {
    pub(crate) fn new(what: String, kind: Kind, patience: Span, request: Request) -> Self {
        Self { what, done: false, begun: None, kind, request, patience }
    }
}

#[derive(Debug, Clone)]
pub(crate) enum Kind {
    Start {
        workflow_id: String,
    },
    Signal {
        request_id: String,
    },
    Update {
        workflow_id: String,
        update_id: String,
    },
    Follow {
        workflow_id: String,
        run_id: String,
        seen: i64,
    },
    /// To what point is decided when it is first tried.
    Reset {
        workflow_id: String,
    },
    /// A cancellation or a termination of a child; of which one is decided when it is first tried.
    Child {
        terminate: bool,
    },
    /// A standalone activity.
    StartActivity {
        activity_id: String,
    },
    Other,
}

/// Longer than it takes to notice a lost poll, and any start delay and any workflow task's time-out with it.
const ANSWERED_WITHIN: Span = SECOND.times(110);

type Checked = std::result::Result<(), String>;

/// The call that makes a namespace which keeps closed runs for `days`.
pub fn register_namespace(namespace: &str, days: i64) -> Call {
    RegisterNamespaceRequest {
        namespace: namespace.to_owned(),
        workflow_execution_retention_period: duration(days * DAY),
        ..Default::default()
    }
    .into_call()
}

impl World {
    pub(crate) fn set_up_clients(&mut self) {
        for number in 0..self.options.calls {
            // A stream of its own each: leaving one out changes nothing about the others.
            let mut rng = Rng::named(self.options.seed, &format!("call {number}"));
            let begin = rng.within(Span::ZERO, self.options.horizon + self.options.horizon / 4);
            let workflow_id = format!("w{}", rng.below(self.options.workflows));
            // Some come right after the last fault.
            let begin = if rng.chance(20) { self.options.horizon + rng.within(Span::ZERO, 10 * SECOND) } else { begin };
            let starts = number < self.options.workflows;
            let workflow_id = if starts { format!("w{number}") } else { workflow_id };
            let begin = if starts { begin / 10 } else { begin };
            let client = match if starts { 0 } else { rng.below(150) } {
                what @ 0..100 => client(what, number, workflow_id, &mut rng),
                what => crate::calls::client(what - 100, number, workflow_id, &mut rng),
            };
            self.clients.push(client);
            self.at(begin, Event::Client { client: number as usize });
        }
    }

    /// Once nothing goes wrong, a client gets its answer soon; readers of histories wait for events.
    pub(crate) fn in_time(&self, number: usize) -> Checked {
        let client = &self.clients[number];
        let since = client.begun.unwrap_or(self.now);
        let reader = match &client.kind {
            Kind::Follow { .. } => true,
            // Run after run of a chain may close before it has answered.
            Kind::Update { workflow_id, .. } => self.has_cron(workflow_id),
            _ => false,
        };
        if self.faulty || !self.server.is_up() || reader || since < self.healed || self.now - since <= ANSWERED_WITHIN {
            return Ok(());
        }
        Err(format!("the call is not answered after {} s: {}", (self.now - since) / SECOND, client.what))
    }

    fn has_cron(&self, workflow_id: &str) -> bool {
        let rows = self.server.store.0.borrow();
        let mut starts = rows.runs_of(1, workflow_id).iter().filter_map(|run| rows.history.get(run)?.first());
        starts.any(|event| match &event.attributes {
            Some(Attributes::WorkflowExecutionStartedEventAttributes(a)) => !a.cron_schedule.is_empty(),
            _ => false,
        })
    }

    pub(crate) fn client_step(&mut self, number: usize) {
        let (now, healed) = (self.now, self.healed);
        let begun = &mut self.clients[number].begun;
        *begun = begun.filter(|begun| *begun >= healed).or(Some(now));
        let decided = match self.clients[number].kind.clone() {
            Kind::Reset { workflow_id } => Some(self.reset_request(number, &workflow_id)),
            Kind::Child { terminate } => Some(self.child_request(terminate)),
            _ => None,
        };
        if let Some(request) = decided {
            self.clients[number].request = request;
            self.clients[number].kind = Kind::Other;
        }
        let Client { request, patience, .. } = &self.clients[number];
        let (request, patience) = (request.clone(), *patience);
        self.send(Purpose::Client { client: number }, request, patience);
    }

    pub(crate) fn client_answered(&mut self, number: usize, answer: Result<Answer>) -> Checked {
        let again = match answer {
            Err(error) if is_transient(&error) => true,
            // A limit that passes: too many updates, or tasks that fail just now.
            Err(error) if error.message.contains("Task in failed state") => true,
            Err(_) => false,
            Ok(answer) => self.client_told(number, answer)?,
        };
        if !again {
            self.clients[number].done = true;
            return Ok(());
        }
        if matches!(self.clients[number].kind, Kind::Other) && !self.faulty {
            self.clients[number].done = true;
            return Ok(());
        }
        let wait = self.rng.span(50 * MILLISECOND, 5 * SECOND);
        self.at(wait, Event::Client { client: number });
        Ok(())
    }

    /// Checks an acknowledgement; true where the client must ask again.
    fn client_told(&mut self, number: usize, answer: Answer) -> std::result::Result<bool, String> {
        let kind = self.clients[number].kind.clone();
        match (kind, answer) {
            (Kind::Start { workflow_id }, Answer::StartWorkflow(answer)) => {
                self.checker.acknowledged_start(&self.server.store, &workflow_id, &answer.response.run_id)?;
                if let Some(task) = answer.workflow_task {
                    // An eager start: the client's process has a worker.
                    self.take_task(0, *task)?;
                }
            }
            (Kind::StartActivity { activity_id }, Answer::StartActivityExecution(answer)) => {
                let id = standalone_activity::execution_id(&activity_id);
                self.checker.acknowledged_start(&self.server.store, &id, &answer.run_id)?;
            }
            (Kind::Signal { request_id }, Answer::SignalWorkflow(_)) => {
                self.checker.acknowledged_signal(&request_id)?
            }
            (Kind::Signal { request_id }, Answer::SignalWithStart(_)) => {
                self.checker.acknowledged_signal(&request_id)?
            }
            (Kind::Update { update_id, .. }, Answer::UpdateWorkflow(answer)) => {
                let success =
                    answer.outcome.as_ref().is_some_and(|o| matches!(o.value, Some(outcome::Value::Success(_))));
                if success {
                    self.checker.acknowledged_update(&update_id, true)?;
                } else if answer.outcome.is_none() && answer.stage() == Stage::Accepted {
                    self.checker.acknowledged_update(&update_id, false)?;
                }
                return Ok(answer.outcome.is_none());
            }
            (Kind::Follow { workflow_id, run_id, seen }, Answer::ReadHistory(position)) => {
                return self.followed(number, workflow_id, run_id, seen, &position);
            }
            _ => {}
        }
        Ok(false)
    }

    fn followed(
        &mut self,
        number: usize,
        workflow_id: String,
        run_id: String,
        seen: i64,
        position: &HistoryPosition,
    ) -> std::result::Result<bool, String> {
        if !run_id.is_empty() && position.run_id != run_id {
            return Err(format!("a reader of run {run_id} was told of {}", position.run_id));
        }
        if position.next_event_id <= seen {
            return Err(format!(
                "a reader had seen event {seen} of {run_id}, and the next is {}",
                position.next_event_id
            ));
        }
        let there = self.server.store.events(position.execution, 1, i64::MAX).len() as i64;
        if there + 1 < position.next_event_id && !self.checker.is_deleted(position.execution) {
            return Err(format!("a reader was shown event {} and {there} are stored", position.next_event_id - 1));
        }
        let (run_id, seen) = (position.run_id.clone(), position.next_event_id - 1);
        self.clients[number].request = follow(&workflow_id, &run_id, seen);
        self.clients[number].kind = Kind::Follow { workflow_id, run_id, seen };
        Ok(position.open)
    }
}

fn client(what: u64, number: u64, workflow_id: String, rng: &mut Rng) -> Client {
    let request_id = format!("request-{number}");
    let named = |what: &str| format!("{what} {workflow_id} (call {number})");
    let make =
        |what: &str, kind: Kind, patience: Span, request: Request| Client::new(named(what), kind, patience, request);
    match what {
        0..15 => {
            let request = start(&workflow_id, request_id, rng);
            make("start", Kind::Start { workflow_id: workflow_id.clone() }, 10 * SECOND, again(request))
        }
        15..45 => {
            let request = SignalWorkflowExecutionRequest {
                namespace: NAMESPACE.to_owned(),
                workflow_execution: execution(&workflow_id, ""),
                signal_name: rng.pick(&SIGNALS).to_owned(),
                request_id: request_id.clone(),
                ..Default::default()
            };
            make("signal", Kind::Signal { request_id }, 10 * SECOND, again(request))
        }
        45..55 => {
            let request = signal_with_start(start(&workflow_id, request_id.clone(), rng), rng);
            make("signal-with-start", Kind::Signal { request_id }, 10 * SECOND, again(request))
        }
        55..72 => {
            let (update_id, request) = update(&workflow_id, number, rng);
            make("update", Kind::Update { workflow_id: workflow_id.clone(), update_id }, LONG, request)
        }
        72..80 => {
            let request = QueryWorkflowRequest {
                namespace: NAMESPACE.to_owned(),
                execution: execution(&workflow_id, ""),
                query: Some(WorkflowQuery { query_type: "state".to_owned(), ..Default::default() }),
                ..Default::default()
            };
            make("query", Kind::Other, 20 * SECOND, again(request))
        }
        80..86 => {
            let request = RequestCancelWorkflowExecutionRequest {
                namespace: NAMESPACE.to_owned(),
                workflow_execution: execution(&workflow_id, ""),
                request_id,
                ..Default::default()
            };
            make("cancel", Kind::Other, 10 * SECOND, again(request))
        }
        86..89 => {
            let request = TerminateWorkflowExecutionRequest {
                namespace: NAMESPACE.to_owned(),
                workflow_execution: execution(&workflow_id, ""),
                reason: "the client wants it".to_owned(),
                ..Default::default()
            };
            make("terminate", Kind::Other, 10 * SECOND, again(request))
        }
        89..92 => {
            let execution = execution(&workflow_id, "");
            let request = ResetStickyTaskQueueRequest { namespace: NAMESPACE.to_owned(), execution };
            make("reset-sticky", Kind::Other, 10 * SECOND, again(request))
        }
        92..95 => {
            let execution = execution(&workflow_id, "");
            let request = DescribeWorkflowExecutionRequest { namespace: NAMESPACE.to_owned(), execution };
            make("describe", Kind::Other, 10 * SECOND, again(request))
        }
        _ => {
            let kind = Kind::Follow { workflow_id: workflow_id.clone(), run_id: String::new(), seen: 0 };
            make("follow", kind, LONG, follow(&workflow_id, "", 0))
        }
    }
}

pub(crate) fn again<R: ostro_engine::call::Request + Clone>(request: R) -> Request {
    Rc::new(move || request.clone().into_call())
}

pub(crate) fn start(workflow_id: &str, request_id: String, rng: &mut Rng) -> StartWorkflowExecutionRequest {
    let maximum_attempts = rng.range(1, 3) as i32;
    let cron = rng.chance(8);
    let cron_schedule = if cron { rng.pick(&["@every 5s", "@every 1m", "* * * * *"]) } else { "" };
    StartWorkflowExecutionRequest {
        cron_schedule: cron_schedule.to_owned(),
        request_eager_execution: rng.chance(25),
        namespace: NAMESPACE.to_owned(),
        workflow_id: workflow_id.to_owned(),
        workflow_type: workflow_type(&type_name(rng.next(), 0)),
        task_queue: queue(QUEUE),
        input: payloads(&rng.below(3).to_string()),
        request_id,
        workflow_task_timeout: if rng.chance(30) { duration(rng.span(SECOND, 10 * SECOND)) } else { None },
        workflow_run_timeout: if rng.chance(10) { duration(rng.span(SECOND, 5 * MINUTE)) } else { None },
        // A chain of cron runs ends by this alone.
        workflow_execution_timeout: if cron || rng.chance(10) { duration(rng.span(SECOND, 10 * MINUTE)) } else { None },
        workflow_start_delay: if !cron && rng.chance(10) { duration(rng.span(MILLISECOND, 20 * SECOND)) } else { None },
        retry_policy: rng.chance(30).then(|| RetryPolicy { maximum_attempts, ..Default::default() }),
        workflow_id_reuse_policy: rng.pick(&[
            Reuse::Unspecified,
            Reuse::AllowDuplicate,
            Reuse::AllowDuplicateFailedOnly,
            Reuse::RejectDuplicate,
        ]) as i32,
        workflow_id_conflict_policy: rng.pick(&[
            Conflict::Unspecified,
            Conflict::Fail,
            Conflict::UseExisting,
            Conflict::TerminateExisting,
        ]) as i32,
        memo: Some(Memo { fields: fields("memo of the start") }),
        header: header("header of the start"),
        ..Default::default()
    }
}

fn signal_with_start(start: StartWorkflowExecutionRequest, rng: &mut Rng) -> SignalWithStartWorkflowExecutionRequest {
    SignalWithStartWorkflowExecutionRequest {
        namespace: start.namespace,
        workflow_id: start.workflow_id,
        workflow_type: start.workflow_type,
        task_queue: start.task_queue,
        input: start.input,
        memo: start.memo,
        header: start.header,
        request_id: start.request_id,
        workflow_run_timeout: start.workflow_run_timeout,
        retry_policy: start.retry_policy,
        workflow_start_delay: start.workflow_start_delay,
        signal_name: rng.pick(&SIGNALS).to_owned(),
        ..Default::default()
    }
}

fn update(workflow_id: &str, number: u64, rng: &mut Rng) -> (String, Request) {
    let update_id = format!("update-{number}");
    let name = rng.pick(&["now", "now", "later", "reject"]);
    let stage = rng.pick(&[Stage::Accepted, Stage::Completed, Stage::Completed]);
    let request = UpdateWorkflowExecutionRequest {
        namespace: NAMESPACE.to_owned(),
        workflow_execution: execution(workflow_id, ""),
        wait_policy: Some(WaitPolicy { lifecycle_stage: stage as i32 }),
        request: Some(UpdateRequest {
            meta: Some(Meta { update_id: update_id.clone(), ..Default::default() }),
            input: Some(Input { name: name.to_owned(), ..Default::default() }),
            ..Default::default()
        }),
        ..Default::default()
    };
    (update_id, Rc::new(move || WithDeadline { request: request.clone(), deadline: Time::MAX }.into_call()))
}

fn follow(workflow_id: &str, run_id: &str, seen: i64) -> Request {
    let request = ReadHistory {
        namespace: NAMESPACE.to_owned(),
        workflow_id: workflow_id.to_owned(),
        run_id: run_id.to_owned(),
        from: seen + 1,
        wait: true,
        close_only: false,
        deadline: Time::MAX,
    };
    Rc::new(move || request.clone().into_call())
}
