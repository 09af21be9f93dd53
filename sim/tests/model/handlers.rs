//! Nexus operations on both sides: what workflows call, and what their handlers do.

use ostro_engine::nexus::outgoing::CompleteNexusOperation;
use ostro_engine::stored::execution::Completion;
use ostro_engine::time::{MILLISECOND, SECOND, Span, Time};
use ostro_engine::token::TaskToken;
use ostro_sim::model::event::{Event, OperationEnd, What};
use ostro_sim::model::{Asked, Asks, Callback, GivenRequest, OperationPlan, Request, Run, Says, Stage, protocol};
use temporalio_protos::temporal::api::{
    command::v1::{Command, RequestCancelNexusOperationCommandAttributes, ScheduleNexusOperationCommandAttributes},
    common::v1::{self as common, Payload, callback},
    enums::v1::{
        CallbackState, CommandType as Kind, NexusOperationCancellationState as Cancellation,
        PendingNexusOperationState as Pending, WorkflowIdConflictPolicy as Conflict, WorkflowIdReusePolicy as Reuse,
        WorkflowTaskFailedCause,
    },
    failure::v1::{
        ApplicationFailureInfo, CanceledFailureInfo, Failure, NexusHandlerFailureInfo, failure::FailureInfo,
    },
    nexus::v1::{
        CancelOperationResponse, Response, StartOperationRequest, StartOperationResponse, request, response,
        start_operation_response as started,
    },
    workflow::v1::{CallbackInfo, OnConflictOptions, PendingNexusOperationInfo},
    workflowservice::v1::*,
};

use crate::calls;
use crate::pair::{BEHIND, Pair, WORKFLOWS, refusal};
use crate::real::{ENDPOINT, NAMESPACE};

/// The header with the address to which the end of an operation goes, and the one with the operation's token.
const CALLBACK_TOKEN: &str = "temporal-callback-token";
const OPERATION_TOKEN: &str = "nexus-operation-token";

/// A request that a handler has, or had.
#[derive(Debug, Clone)]
pub struct HeldRequest {
    asked: Asked,
    task_token: Vec<u8>,
    /// Of a request to start.
    operation: Option<StartOperationRequest>,
}

/// Where the end of an operation can be told, whoever does it.
#[derive(Debug, Clone)]
pub struct Behind {
    callback: Callback,
    callback_token: String,
}

pub fn operation(plan: &OperationPlan) -> Command {
    let attributes = ScheduleNexusOperationCommandAttributes {
        endpoint: if plan.to_nowhere { "nowhere" } else { ENDPOINT }.into(),
        service: "service".into(),
        operation: plan.name.clone(),
        schedule_to_close_timeout: protocol(plan.schedule_to_close),
        schedule_to_start_timeout: protocol(plan.schedule_to_start),
        start_to_close_timeout: protocol(plan.start_to_close),
        ..Default::default()
    };
    calls::command(Kind::ScheduleNexusOperation, attributes)
}

pub fn cancel_operation(scheduled_event_id: i64) -> Command {
    let attributes = RequestCancelNexusOperationCommandAttributes { scheduled_event_id };
    calls::command(Kind::RequestCancelNexusOperation, attributes)
}

impl Pair {
    pub(super) fn plan_of_operation(&mut self, name: String) -> OperationPlan {
        OperationPlan {
            name,
            to_nowhere: self.below(20) == 0,
            schedule_to_close: self.pick(&[Span::ZERO, Span::ZERO, 19 * SECOND, 83 * SECOND]),
            schedule_to_start: self.pick(&[Span::ZERO, Span::ZERO, 11 * SECOND]),
            start_to_close: self.pick(&[Span::ZERO, Span::ZERO, 29 * SECOND]),
        }
    }

    /// One that is under way, or one of which the workflow does not know yet that it is over; by mistake, any other.
    pub(super) fn operation_to_cancel(&mut self, run: i64) -> Option<i64> {
        if self.below(10) == 0 {
            let called: Vec<i64> = self.oracle.run(run).calls.keys().copied().collect();
            return (!called.is_empty()).then(|| self.pick(&called));
        }
        let run = self.oracle.run(run);
        let cancelled = |of: i64| {
            run.history
                .iter()
                .any(|event| matches!(event.what, What::OperationCancelRequested { scheduled } if scheduled == of))
        };
        let ended = run.waiting.iter().filter_map(|event| match event.what {
            What::OperationEnded { scheduled, .. } => Some(scheduled),
            _ => None,
        });
        run.operations.keys().copied().chain(ended).find(|scheduled| !cancelled(*scheduled))
    }

    pub(super) fn poll_nexus(&mut self) {
        let Some(task) = self.real.nexus_task() else {
            let waits = |run: &Run| run.offered_operation().map(|id| (run.number, id));
            let waiting = self.oracle.runs.iter().find_map(waits);
            return self.same("no Nexus request waits", None, waiting);
        };
        let token = TaskToken::peek(&task.task_token).unwrap();
        let request = task.request.unwrap();
        let (asks, operation, known_by) = match request.variant.unwrap() {
            request::Variant::StartOperation(start) => (Asks::Start, Some(start.clone()), start.operation),
            request::Variant::CancelOperation(cancel) => (Asks::Cancel, None, cancel.operation_token),
        };
        let (run, scheduled, since) = (token.execution, token.scheduled_event_id, token.started_time());
        let left = |name: &str| milliseconds(request.header.get(name).map_or("0ms", String::as_str));
        let (time_left, operation_time_left) = (left("request-timeout"), left("operation-timeout"));
        let real = GivenRequest { attempt: token.attempt, known_by, time_left, operation_time_left };
        let model = self.oracle.take_request(run, scheduled, asks).map(to_the_millisecond);
        let what = format!("request to {asks:?} operation {scheduled} of run {run}");
        self.same(&what, Some(real), model);
        let asked = Asked { run, scheduled, asks, attempt: token.attempt, since };
        self.note_reached(token.attempt > 1, &format!("{asks:?} asked again"));
        let called_by = self.oracle.run(run).operations.get(&scheduled).map(|operation| operation.called_by);
        self.note_reached(called_by != Some(run), "request asked by the run of a reset");
        self.requests.push(HeldRequest { asked, task_token: task.task_token, operation });
    }

    pub(super) fn answer_nexus(&mut self) {
        if self.requests.is_empty() {
            return;
        }
        let at = self.below(self.requests.len());
        let held = self.requests[at].clone();
        match (self.below(12), &held.operation) {
            // Not at all.
            (0, _) => {}
            (1..4, Some(operation)) => {
                self.leave_behind(held.asked, operation);
                // Mostly it says so; what it has left behind may be done before.
                if self.below(3) == 0 {
                    return;
                }
                self.start_later(&held, operation);
            }
            (1..5, _) => self.fail_request(&held, false),
            (5, _) => self.fail_request(&held, true),
            (6, Some(_)) => self.respond(&held, started::Variant::Failure(failed("sold out")), OperationEnd::Failed),
            (7, Some(_)) => self.respond(&held, started::Variant::Failure(canceled()), OperationEnd::Canceled),
            (8, Some(_)) => {
                let result = format!("result {}", self.number);
                let sync = started::Sync { payload: payload(&result), ..Default::default() };
                self.respond(&held, started::Variant::SyncSuccess(sync), OperationEnd::Completed(result));
            }
            (_, Some(operation)) => self.start_later(&held, operation),
            (_, None) => {
                let response = response::Variant::CancelOperation(CancelOperationResponse {});
                self.answer(&held, response, Says::Delivered);
            }
        }
        // Some say it twice.
        if self.below(4) != 0 {
            self.requests.retain(|other| other.asked != held.asked);
        }
    }

    fn start_later(&mut self, held: &HeldRequest, operation: &StartOperationRequest) {
        let operation_token = token_of(operation);
        let says = Says::Started(operation_token.clone());
        let later = started::Variant::AsyncSuccess(started::Async { operation_token, ..Default::default() });
        self.answer_start(held, later, says);
    }

    fn respond(&mut self, held: &HeldRequest, variant: started::Variant, how: OperationEnd) {
        self.answer_start(held, variant, Says::Ended(how));
    }

    fn answer_start(&mut self, held: &HeldRequest, variant: started::Variant, says: Says) {
        let response = StartOperationResponse { variant: Some(variant) };
        self.answer(held, response::Variant::StartOperation(response), says);
    }

    fn answer(&mut self, held: &HeldRequest, variant: response::Variant, says: Says) {
        let request = RespondNexusTaskCompletedRequest {
            namespace: NAMESPACE.into(),
            task_token: held.task_token.clone(),
            response: Some(Response { variant: Some(variant) }),
            ..Default::default()
        };
        let real = refusal(self.real.ask(request).map(drop));
        let what = format!("answer to {:?}: {says:?}", held.asked);
        let model = self.oracle.answer_request(held.asked, says);
        self.note_reached(model.is_err(), "answer to a request that is over");
        let waits = |event: &Event| matches!(event.what, What::OperationStarted { .. } | What::OperationEnded { .. });
        let waits = self.oracle.run(held.asked.run).waiting.iter().any(waits);
        self.note_reached(waits, "operation told of during a workflow task");
        self.same(&what, real, model);
    }

    fn note_reached(&mut self, is_reached: bool, what: &str) {
        if is_reached {
            self.reached.insert(what.to_owned());
        }
    }

    /// What a history tells of operations beside the kinds of its events.
    pub(super) fn note_operations(&mut self, history: &[Event]) {
        let by_workflow = |event: &Event| match &event.what {
            What::OperationEnded { how: OperationEnd::Completed(result), .. } => result.starts_with("input"),
            _ => false,
        };
        self.note_reached(history.iter().any(by_workflow), "operation ended by a workflow");
        let again = |pair: &[Event]| {
            matches!(pair[0].what, What::TaskFailed { cause: WorkflowTaskFailedCause::ResetWorkflow, .. })
                && matches!(pair[1].what, What::OperationStarted { .. } | What::OperationEnded { .. })
        };
        self.note_reached(history.windows(2).any(again), "operation told of again after a reset");
        for refused in [
            WorkflowTaskFailedCause::BadScheduleNexusOperationAttributes,
            WorkflowTaskFailedCause::BadRequestCancelNexusOperationAttributes,
        ] {
            let is_refused = |event: &Event| matches!(event.what, What::TaskFailed { cause, .. } if cause == refused);
            self.note_reached(history.iter().any(is_refused), &format!("TaskFailed by {refused:?}"));
        }
    }

    fn fail_request(&mut self, held: &HeldRequest, for_good: bool) {
        let kind = if for_good { "BAD_REQUEST" } else { "INTERNAL" };
        let info = NexusHandlerFailureInfo { r#type: kind.into(), ..Default::default() };
        let failure_info = Some(FailureInfo::NexusHandlerFailureInfo(info));
        let request = RespondNexusTaskFailedRequest {
            namespace: NAMESPACE.into(),
            task_token: held.task_token.clone(),
            failure: Some(Failure { failure_info, ..Default::default() }),
            ..Default::default()
        };
        let real = refusal(self.real.ask(request).map(drop));
        let model = self.oracle.answer_request(held.asked, Says::Failed { for_good });
        self.same(&format!("failure of {:?}, for good {for_good}", held.asked), real, model);
    }

    /// The handler starts a workflow that calls back, or notes where the end can be told.
    fn leave_behind(&mut self, asked: Asked, operation: &StartOperationRequest) {
        let Some(callback) = self.oracle.callback(asked, &token_of(operation)) else { return };
        if self.below(3) == 0 {
            let callback_token = operation.callback_header[CALLBACK_TOKEN].clone();
            return self.behind.push(Behind { callback, callback_token });
        }
        let workflow = if self.below(2) == 0 { BEHIND } else { self.pick(&WORKFLOWS) };
        let mut start = self.plan_of_start();
        let conflict = self.pick(&[Conflict::Fail, Conflict::TerminateExisting, Conflict::UseExisting]);
        let policies = (Reuse::AllowDuplicate, conflict);
        let mut request = calls::start(workflow, &operation.request_id, &start, policies);
        request.completion_callbacks = vec![callback_of(operation)];
        (start.callbacks, start.attaches) = (vec![callback], self.below(4) != 0);
        request.on_conflict_options = start.attaches.then_some(OnConflictOptions {
            attach_request_id: true,
            attach_completion_callbacks: true,
            attach_links: true,
        });
        let real = refusal(self.real.ask(request).map(|answer| answer.response.started));
        let model = self.oracle.start(workflow, &operation.request_id, start, policies).map(|answer| answer.started);
        self.same(&format!("start {workflow} behind {asked:?}"), real, model);
    }

    /// The end of an operation, by somebody outside.
    pub(super) fn complete_operation(&mut self) {
        if self.behind.is_empty() {
            return;
        }
        let at = self.below(self.behind.len());
        let Behind { callback, callback_token } = self.behind[at].clone();
        let result = format!("result {}", self.number);
        let (result, failure, how) = match self.below(4) {
            0 => (None, Some(failed("no")), OperationEnd::Failed),
            1 => (None, Some(canceled()), OperationEnd::Canceled),
            _ => (payload(&result), None, OperationEnd::Completed(result)),
        };
        let start_time = self.pick(&[Time::UNSET, self.real.now - SECOND]);
        let what = format!("end of {callback:?}: {how:?}");
        let request = CompleteNexusOperation {
            namespace: Some(NAMESPACE.into()),
            callback_token,
            operation_token: callback.token.clone(),
            completion: Completion { result, failure, start_time: start_time.nanos(), ..Default::default() },
        };
        let real = refusal(self.real.ask(request));
        let caller = self.oracle.run(callback.run);
        let unstarted =
            caller.operations.get(&callback.scheduled).is_some_and(|operation| operation.started == Time::UNSET);
        let model = self.oracle.complete_operation(&callback, start_time, how);
        self.note_reached(unstarted && model.is_ok(), "operation ended before its start");
        self.same(&what, real, model);
    }

    /// What those see who ask about a workflow.
    pub(super) fn compare_operations(&mut self) {
        let workflow = self.workflow();
        let Some(newest) = self.oracle.newest(&workflow) else { return };
        let request =
            DescribeWorkflowExecutionRequest { namespace: NAMESPACE.into(), execution: calls::execution(&workflow) };
        let described = self.real.ask(request).unwrap();
        let mut real: Vec<_> = described.pending_nexus_operations.iter().map(seen).collect();
        real.sort_unstable();
        let operations = &self.oracle.run(newest).operations;
        let model: Vec<_> = operations
            .iter()
            .map(|(id, operation)| {
                let pending = match operation.start.stage {
                    _ if operation.started > Time::UNSET => Pending::Started,
                    Stage::BackingOff => Pending::BackingOff,
                    _ => Pending::Scheduled,
                };
                let cancel = (operation.cancel_requested != 0).then(|| cancellation(&operation.cancel));
                (*id, pending as i32, operation.start.attempt, cancel)
            })
            .collect();
        if !real.is_empty() || !model.is_empty() {
            self.same(&format!("pending operations of {workflow}"), real, model);
        }
        let real: Vec<_> = described.callbacks.iter().map(CallbackInfo::state).collect();
        let run = self.oracle.run(newest);
        let state = |at: usize| match run.heard.get(at) {
            None => CallbackState::Standby,
            Some(true) => CallbackState::Succeeded,
            Some(false) => CallbackState::Failed,
        };
        let model: Vec<_> = (0..run.callbacks().len()).map(state).collect();
        for (state, what) in [(CallbackState::Succeeded, "callback heard"), (CallbackState::Failed, "callback unheard")]
        {
            self.note_reached(model.contains(&state), what);
        }
        if !real.is_empty() || !model.is_empty() {
            self.same(&format!("callbacks of {workflow}"), real, model);
        }
    }
}

/// As headers say it.
fn milliseconds(text: &str) -> Span {
    text.strip_suffix("ms").and_then(|number| number.parse::<i64>().ok()).expect("milliseconds") * MILLISECOND
}

fn to_the_millisecond(mut given: GivenRequest) -> GivenRequest {
    for span in [&mut given.time_left, &mut given.operation_time_left] {
        *span = *span - *span % MILLISECOND;
    }
    given
}

type Seen = (i64, i32, i32, Option<(i32, i32)>);

fn seen(info: &PendingNexusOperationInfo) -> Seen {
    let cancel = info.cancellation_info.as_ref().map(|cancel| (cancel.state, cancel.attempt));
    (info.scheduled_event_id, info.state, info.attempt, cancel)
}

fn cancellation(request: &Request) -> (i32, i32) {
    let state = match request.stage {
        Stage::NotMade => Cancellation::Unspecified,
        Stage::Offered | Stage::Lost | Stage::Taken { .. } => Cancellation::Scheduled,
        Stage::BackingOff => Cancellation::BackingOff,
        Stage::Answered => Cancellation::Succeeded,
        Stage::Refused => Cancellation::Failed,
    };
    (state as i32, request.attempt)
}

/// The same for each attempt.
fn token_of(operation: &StartOperationRequest) -> String {
    format!("token of {}", operation.operation)
}

fn callback_of(operation: &StartOperationRequest) -> common::Callback {
    let mut header = operation.callback_header.clone();
    header.insert(OPERATION_TOKEN.to_owned(), token_of(operation));
    let nexus = callback::Nexus { url: operation.callback.clone(), header };
    common::Callback { variant: Some(callback::Variant::Nexus(nexus)), ..Default::default() }
}

fn payload(text: &str) -> Option<Payload> {
    calls::payloads(text).and_then(|mut payloads| payloads.payloads.pop())
}

fn failed(message: &str) -> Failure {
    let info = FailureInfo::ApplicationFailureInfo(ApplicationFailureInfo::default());
    Failure { message: message.into(), failure_info: Some(info), ..Default::default() }
}

fn canceled() -> Failure {
    let info = FailureInfo::CanceledFailureInfo(CanceledFailureInfo::default());
    Failure { failure_info: Some(info), ..Default::default() }
}
