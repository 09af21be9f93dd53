//! Handlers of Nexus operations: what they are given, what they answer, and what they leave behind.

use ostro_engine::time::{Span, Time};

use super::event::{End, OperationEnd, What};
use super::nexus::{Asks, Stage};
use super::oracle::Answer;
use super::run::{Now, Run};
use super::{Oracle, Refusal};

/// A request that a handler was given.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Asked {
    pub run: i64,
    pub scheduled: i64,
    pub asks: Asks,
    pub attempt: i32,
    pub since: Time,
}

/// What a handler is given.
#[derive(Debug, Clone, PartialEq)]
pub struct GivenRequest {
    pub attempt: i32,
    /// The name of the operation or, to cancel it, its token.
    pub known_by: String,
    /// For the answer, and for the operation; 0: it may take as long as it wants.
    pub time_left: Span,
    pub operation_time_left: Span,
}

/// What a handler answers.
#[derive(Debug, Clone, PartialEq)]
pub enum Says {
    /// The operation is over.
    Ended(OperationEnd),
    /// It goes on, under this token.
    Started(String),
    /// The handler was told to cancel it.
    Delivered,
    /// The handler itself has failed.
    Failed { for_good: bool },
}

/// Where the end of an operation is told that goes on without its handler.
#[derive(Debug, Clone, PartialEq)]
pub struct Callback {
    /// The run that made the request.
    pub run: i64,
    pub scheduled: i64,
    pub called_by: i64,
    pub token: String,
}

impl Oracle {
    /// A handler is given a request. Nothing where no such request waits.
    pub fn take_request(&mut self, number: i64, scheduled: i64, asks: Asks) -> Option<GivenRequest> {
        let since = self.time();
        let operation = self.run(number).operations.get_mut(&scheduled)?;
        if operation.request(asks).stage != Stage::Offered {
            return None;
        }
        operation.request(asks).stage = Stage::Taken { since };
        let known_by = match asks {
            Asks::Start => &operation.plan.name,
            Asks::Cancel => &operation.token,
        };
        let known_by = known_by.clone();
        let operation_time_left = if asks == Asks::Start { operation.time_left(since) } else { Span::ZERO };
        let request = operation.request(asks);
        Some(GivenRequest { attempt: request.attempt, known_by, time_left: request.due - since, operation_time_left })
    }

    /// Where the operation is to be answered to that a handler was asked to start.
    pub fn callback(&mut self, asked: Asked, token: &str) -> Option<Callback> {
        let called_by = self.run(asked.run).operations.get(&asked.scheduled)?.called_by;
        Some(Callback { run: asked.run, scheduled: asked.scheduled, called_by, token: token.to_owned() })
    }

    /// The answer to a request; to one that is over there is none.
    pub fn answer_request(&mut self, asked: Asked, says: Says) -> Answer<()> {
        let Asked { run, scheduled, asks, attempt, since } = asked;
        let operation = self.run(run).operations.get_mut(&scheduled).ok_or(Refusal::NotFound)?;
        let request = operation.request(asks);
        if (request.attempt, request.stage) != (attempt, Stage::Taken { since }) {
            return Err(Refusal::NotFound);
        }
        self.with(run, |run, now| match says {
            Says::Ended(how) => run.operation_ended(scheduled, how, now),
            Says::Started(token) => run.operation_started(scheduled, &token, now.time, now),
            Says::Delivered => run.cancel_delivered(scheduled, now),
            Says::Failed { for_good } => run.request_failed(scheduled, asks, for_good, now),
        });
        Ok(())
    }

    /// What an operation left behind has ended. `since`: when it began, 0 where that is not said.
    pub fn complete_operation(&mut self, callback: &Callback, since: Time, how: OperationEnd) -> Answer<()> {
        let run = self.waits_for(callback).ok_or(Refusal::NotFound)?;
        let (scheduled, token) = (callback.scheduled, callback.token.clone());
        self.with(run, |run, now| {
            let since = if since > Time::UNSET { since } else { now.time };
            run.called_back(scheduled, &token, since, how, now);
        });
        Ok(())
    }

    /// The run that waits for the operation: the caller, or the one that a reset put in its place.
    fn waits_for(&mut self, callback: &Callback) -> Option<i64> {
        let run = self.listener(callback.run)?;
        let operation = self.run(run).operations.get(&callback.scheduled)?;
        (operation.called_by == callback.called_by).then_some(run)
    }

    /// A chain of runs has ended: operations that it was behind hear of it.
    pub(super) fn call_back(&mut self, number: i64, end: End) {
        let run = self.run(number);
        let (callbacks, since) = (run.callbacks(), run.due - run.wait);
        let how = match end {
            End::Completed => OperationEnd::Completed(run.start.input.clone()),
            End::Canceled => OperationEnd::Canceled,
            _ => OperationEnd::Failed,
        };
        for callback in callbacks {
            let waits = self.waits_for(&callback);
            self.run(number).heard.push(waits.is_some());
            if let Some(waits) = waits {
                let (runs, now) = self.parts();
                runs[waits as usize - 1].called_back(callback.scheduled, &callback.token, since, how.clone(), now);
            }
        }
    }
}

impl Run {
    /// A start that found the run there leaves its callbacks with it.
    pub fn attach(&mut self, request: &str, callbacks: &[Callback], now: &Now) {
        self.record(What::Attached { request: request.to_owned() }, now);
        self.request_ids.insert(request.to_owned());
        self.attached.extend(callbacks.iter().map(|callback| (request.to_owned(), callback.clone())));
    }

    pub fn has_attached(&self, request: &str) -> bool {
        self.attached.iter().any(|(attached, _)| attached == request)
    }

    /// Who is told when its chain of runs has ended.
    pub fn callbacks(&self) -> Vec<Callback> {
        let attached = self.attached.iter().map(|(_, callback)| callback);
        self.start.callbacks.iter().chain(attached).cloned().collect()
    }
}
