//! Nexus operations of a run: what their handlers are asked, and when they are over.
//!
//! ```text
//! a request:  Offered --a handler takes it--> Taken --answered--> Answered, Refused
//!             Offered, Taken --its time is over, it fails--> BackingOff --due--> Offered
//!             Offered --the process dies--> Lost --its time is over--> BackingOff
//! ```
//!
//! An operation has a request to start it, and one to cancel it, which is not made before it has started.

use ostro_engine::time::{SECOND, Span, Time};
use temporalio_protos::temporal::api::enums::v1::{TimeoutType, WorkflowTaskFailedCause as Cause};

use super::event::{Event, OperationEnd, What};
use super::run::{Now, Run};
use super::task::Decision;

/// How long a request may take, the wait for a handler included.
const REQUEST_TIMEOUT: Span = SECOND.times(10);
/// The longest wait between two requests.
const BACKOFF_MAX: Span = SECOND.times(3600);

/// What a workflow asks of an operation.
#[derive(Debug, Clone, Default)]
pub struct OperationPlan {
    pub name: String,
    /// Through an endpoint that is not there.
    pub to_nowhere: bool,
    pub schedule_to_close: Span,
    pub schedule_to_start: Span,
    pub start_to_close: Span,
}

#[derive(Debug, Clone)]
pub struct Operation {
    pub plan: OperationPlan,
    /// The run that has called it: one that a reset puts in its place goes on with it.
    pub called_by: i64,
    pub scheduled: Time,
    /// Since when its handler works on it; 0: nobody has said so.
    pub started: Time,
    /// What the handler knows it by.
    pub token: String,
    pub start: Request,
    pub cancel: Request,
    /// The event with which the workflow wanted it cancelled; 0: it did not.
    pub cancel_requested: i64,
}

/// What a handler is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asks {
    Start,
    Cancel,
}

#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Request {
    pub attempt: i32,
    pub stage: Stage,
    /// When its time is over, or its back-off.
    pub due: Time,
}

#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub enum Stage {
    #[default]
    NotMade,
    Offered,
    /// Nobody finds it any more.
    Lost,
    Taken {
        since: Time,
    },
    BackingOff,
    Answered,
    Refused,
}

impl OperationPlan {
    /// The whole takes no longer than the run, and no part longer than the whole.
    pub fn within(mut self, run_timeout: Span) -> Self {
        let shorter =
            |span: Span, limit: Span| if span > Span::ZERO && limit > Span::ZERO { span.min(limit) } else { span };
        let whole = if self.schedule_to_close > Span::ZERO { self.schedule_to_close } else { run_timeout };
        self.schedule_to_close = shorter(whole, run_timeout);
        self.schedule_to_start = shorter(self.schedule_to_start, self.schedule_to_close);
        self.start_to_close = shorter(self.start_to_close, self.schedule_to_close);
        self
    }
}

impl Request {
    fn make(&mut self, now: &Now) {
        *self = Self { attempt: self.attempt + 1, stage: Stage::Offered, due: now.time + REQUEST_TIMEOUT };
    }

    /// When something happens to it by itself; 0: never.
    fn next_due(&self) -> Time {
        match self.stage {
            Stage::NotMade | Stage::Answered | Stage::Refused => Time::UNSET,
            Stage::Offered | Stage::Lost | Stage::Taken { .. } | Stage::BackingOff => self.due,
        }
    }

    fn back_off(&mut self, now: &Now) {
        self.stage = Stage::BackingOff;
        self.due = now.time + (SECOND * (1 << (self.attempt - 1).min(20))).min(BACKOFF_MAX);
    }
}

impl Operation {
    pub fn new(plan: OperationPlan, called_by: i64, scheduled: Time) -> Self {
        let (start, cancel) = (Request::default(), Request::default());
        Self {
            plan,
            called_by,
            scheduled,
            started: Time::UNSET,
            token: String::new(),
            start,
            cancel,
            cancel_requested: 0,
        }
    }

    pub fn request(&mut self, asks: Asks) -> &mut Request {
        match asks {
            Asks::Start => &mut self.start,
            Asks::Cancel => &mut self.cancel,
        }
    }

    pub fn has_started(&mut self, token: &str, since: Time) {
        (self.started, self.token) = (since, token.to_owned());
        self.start.stage = Stage::Answered;
    }

    /// Of two at the same moment the first counts.
    fn time_outs(&self) -> impl Iterator<Item = (Time, TimeoutType)> {
        let after =
            |from: Time, span: Span| if from > Time::UNSET && span > Span::ZERO { from + span } else { Time::UNSET };
        let to_start =
            if self.started > Time::UNSET { Time::UNSET } else { after(self.scheduled, self.plan.schedule_to_start) };
        [
            (to_start, TimeoutType::ScheduleToStart),
            (after(self.started, self.plan.start_to_close), TimeoutType::StartToClose),
            (after(self.scheduled, self.plan.schedule_to_close), TimeoutType::ScheduleToClose),
        ]
        .into_iter()
        .filter(|(time, _)| *time != Time::UNSET)
    }

    /// How much time its handler has; 0: as much as it wants.
    pub fn time_left(&self, now: Time) -> Span {
        let whole = if self.plan.schedule_to_close > Span::ZERO {
            self.scheduled + self.plan.schedule_to_close - now
        } else {
            Span::ZERO
        };
        [whole, self.plan.start_to_close].into_iter().filter(|span| *span > Span::ZERO).min().unwrap_or(Span::ZERO)
    }

    pub fn dues(&self) -> impl Iterator<Item = Time> {
        let requests = [self.start.next_due(), self.cancel.next_due()];
        self.time_outs().map(|(time, _)| time).chain(requests.into_iter().filter(|time| *time != Time::UNSET))
    }
}

impl Run {
    /// Why a decision about an operation cannot be; `earlier` are those of the same task that come before it.
    pub fn refuses_operation(&self, decision: &Decision, earlier: &[Decision]) -> Option<Cause> {
        match decision {
            Decision::Operation(plan) if plan.to_nowhere => Some(Cause::BadScheduleNexusOperationAttributes),
            Decision::CancelOperation(scheduled) => {
                let cancelled =
                    earlier.iter().any(|other| matches!(other, Decision::CancelOperation(of) if of == scheduled));
                let is_good = match self.operations.get(scheduled) {
                    Some(operation) => operation.cancel_requested == 0 && !cancelled,
                    None => self.operation_end_waits(*scheduled),
                };
                (!is_good).then_some(Cause::BadRequestCancelNexusOperationAttributes)
            }
            _ => None,
        }
    }

    /// Whether it is over and the workflow cannot know it yet.
    fn operation_end_waits(&self, of: i64) -> bool {
        let ends = |event: &Event| matches!(event.what, What::OperationEnded { scheduled, .. } if scheduled == of);
        self.waiting.iter().any(ends)
    }

    /// An operation of which a request waits for a handler.
    pub fn offered_operation(&self) -> Option<i64> {
        let offers = |operation: &Operation| {
            [operation.start, operation.cancel].iter().any(|request| request.stage == Stage::Offered)
        };
        self.operations.iter().find(|(_, operation)| offers(operation)).map(|(id, _)| *id)
    }

    pub fn schedule_operation(&mut self, plan: OperationPlan, now: &Now) {
        let plan = plan.within(self.start.run_timeout);
        let id = self.record(What::OperationScheduled { name: plan.name.clone() }, now);
        let mut operation = Operation::new(plan, self.number, now.time);
        self.calls.insert(id, operation.clone());
        operation.start.make(now);
        self.operations.insert(id, operation);
    }

    /// The workflow wants it cancelled: its handler is told once it has started. One whose end waits is over.
    pub fn cancel_operation(&mut self, scheduled: i64, now: &Now) {
        let requested = self.record(What::OperationCancelRequested { scheduled }, now);
        let Some(operation) = self.operations.get_mut(&scheduled) else { return };
        operation.cancel_requested = requested;
        if operation.started > Time::UNSET {
            operation.cancel.make(now);
        }
    }

    /// Its handler works on it since then.
    pub fn operation_started(&mut self, scheduled: i64, token: &str, since: Time, now: &mut Now) {
        self.note_operation_started(scheduled, token, since, now);
        self.schedule_task(now);
    }

    fn note_operation_started(&mut self, scheduled: i64, token: &str, since: Time, now: &Now) {
        self.record_at(What::OperationStarted { scheduled, token: token.to_owned() }, since);
        let Some(operation) = self.operations.get_mut(&scheduled) else { return };
        operation.has_started(token, since);
        if operation.cancel_requested != 0 {
            operation.cancel.make(now);
        }
    }

    pub fn operation_ended(&mut self, scheduled: i64, how: OperationEnd, now: &mut Now) {
        if self.operations.remove(&scheduled).is_some() {
            self.record(What::OperationEnded { scheduled, how }, now);
            self.schedule_task(now);
        }
    }

    /// What the handler left behind has ended; perhaps before the handler said that it had started.
    pub fn called_back(&mut self, scheduled: i64, token: &str, since: Time, how: OperationEnd, now: &mut Now) {
        if self.operations.get(&scheduled).is_some_and(|operation| operation.started == Time::UNSET) {
            self.note_operation_started(scheduled, token, since, now);
        }
        self.operation_ended(scheduled, how, now);
    }

    /// The request has failed: it is made again, or that was the last word.
    pub fn request_failed(&mut self, scheduled: i64, asks: Asks, for_good: bool, now: &mut Now) {
        let Some(operation) = self.operations.get_mut(&scheduled) else { return };
        match (asks, for_good) {
            (_, false) => operation.request(asks).back_off(now),
            (Asks::Start, true) => self.operation_ended(scheduled, OperationEnd::Failed, now),
            (Asks::Cancel, true) => {
                operation.cancel.stage = Stage::Refused;
                let requested = operation.cancel_requested;
                self.record(What::OperationCancelFailed { scheduled, requested }, now);
                self.schedule_task(now);
            }
        }
    }

    /// Its handler knows that it is to be cancelled. It may go on all the same.
    pub fn cancel_delivered(&mut self, scheduled: i64, now: &mut Now) {
        let Some(operation) = self.operations.get_mut(&scheduled) else { return };
        operation.cancel.stage = Stage::Answered;
        let requested = operation.cancel_requested;
        self.record(What::OperationCancelDelivered { scheduled, requested }, now);
        self.schedule_task(now);
    }

    pub(super) fn operation_due(&mut self, scheduled: i64, now: &mut Now) {
        let Some(operation) = self.operations.get_mut(&scheduled) else { return };
        let time_out = operation.time_outs().filter(|(time, _)| *time <= now.time).min_by_key(|(time, _)| *time);
        if let Some((_, kind)) = time_out {
            return self.operation_ended(scheduled, OperationEnd::TimedOut(kind), now);
        }
        for request in [&mut operation.start, &mut operation.cancel] {
            match request.next_due() {
                due if due == Time::UNSET || due > now.time => {}
                _ if request.stage == Stage::BackingOff => request.make(now),
                _ => request.back_off(now),
            }
        }
    }

    /// The process died: what it had offered nobody finds before it is offered again.
    pub fn lose_requests(&mut self) {
        for operation in self.operations.values_mut() {
            for request in [&mut operation.start, &mut operation.cancel] {
                if request.stage == Stage::Offered {
                    request.stage = Stage::Lost;
                }
            }
        }
    }

    /// Asks what the run before a reset has asked, where there is no answer.
    pub fn ask_again(&mut self, now: &Now) {
        for operation in self.operations.values_mut() {
            if operation.started == Time::UNSET {
                operation.start.make(now);
            } else if operation.cancel_requested != 0 && operation.cancel.stage == Stage::NotMade {
                operation.cancel.make(now);
            }
        }
    }
}
