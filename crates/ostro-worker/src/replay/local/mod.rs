//! Local activities from their scheduling to their end: attempts, waits between them, time-outs.
//!
//! `Waiting --start--> Running --end--> over | BackingOff --wake--> Waiting (attempt + 1)`; a time-out or a cancellation ends it in any state.
//! A wait longer than its workflow task should take ends it too, with the wait: the code goes on with a timer.

mod policy;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use temporalio_protos::temporal::api::{
    enums::v1::TimeoutType,
    failure::v1::{Failure, TimeoutFailureInfo, failure::FailureInfo},
};

use super::decision::LocalActivity;
use super::execution::{LocalEnd, NewLocal};
use super::machine::{LocalResult, empty_cancellation};

/// Waits longer than this become timers, unless the request says otherwise.
const RETRY_THRESHOLD: Duration = Duration::from_secs(60);

/// One attempt to run now.
#[derive(Debug, Clone, PartialEq)]
pub struct LocalTask {
    /// Type, input and time-outs.
    pub request: Arc<LocalActivity>,
    /// From 1.
    pub attempt: u32,
    /// When it was scheduled.
    pub scheduled: SystemTime,
    /// How long this attempt may take. None: as long as the whole may.
    pub start_to_close: Option<Duration>,
}

/// Why a running attempt is to be stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopReason {
    /// The workflow cancelled it.
    Cancelled,
    /// It took too long; its end will not be heard.
    TimedOut,
    /// Its run has ended or left the cache; its end will not be heard.
    RunGone,
}

/// What is to be done about local activities.
#[derive(Debug)]
pub(crate) enum Todo {
    /// Run it when there is a slot.
    Start(u32),
    Stop(u32, StopReason),
    /// Tell the run.
    Ended(Box<LocalEnd>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Waiting,
    Running(SystemTime),
    BackingOff(SystemTime),
}

#[derive(Debug)]
struct Attempt {
    request: Arc<LocalActivity>,
    scheduled: SystemTime,
    original_schedule_time: SystemTime,
    attempt: u32,
    state: State,
    /// It outlived the workflow task in which it began.
    outlived_task: bool,
    /// Within this workflow task.
    retries: u32,
}

#[derive(Debug, Default)]
pub(crate) struct Attempts {
    by_seq: BTreeMap<u32, Attempt>,
}

impl Attempts {
    /// One is scheduled. If its time was over before (after a back-off timer) it has ended.
    pub fn begin(&mut self, new: NewLocal, now: SystemTime) -> Todo {
        let seq = new.request.seq;
        let attempt = Attempt {
            attempt: new.request.attempt.max(1),
            request: new.request,
            scheduled: now,
            original_schedule_time: new.original_schedule_time,
            state: State::Waiting,
            outlived_task: false,
            retries: 0,
        };
        if attempt.closes().is_some_and(|closes| closes <= now) {
            let given = attempt.request.attempt;
            let end = attempt.end(timeout(TimeoutType::ScheduleToClose), Duration::ZERO);
            return Todo::Ended(Box::new(LocalEnd { attempt: given, ..end }));
        }
        self.by_seq.insert(seq, attempt);
        Todo::Start(seq)
    }

    /// There is a slot for it: the attempt to run, or its end if it has waited too long. None: it is wanted no more.
    pub fn start(&mut self, seq: u32, now: SystemTime) -> Option<Result<LocalTask, Box<LocalEnd>>> {
        let attempt = self.by_seq.get_mut(&seq).filter(|attempt| attempt.state == State::Waiting)?;
        let waited = since(attempt.scheduled, now);
        if attempt.schedule_to_start().is_some_and(|limit| waited > limit) {
            let attempt = self.by_seq.remove(&seq)?;
            return Some(Err(Box::new(attempt.end(timeout(TimeoutType::ScheduleToStart), waited))));
        }
        attempt.state = State::Running(now);
        Some(Ok(LocalTask {
            request: attempt.request.clone(),
            attempt: attempt.attempt,
            scheduled: attempt.scheduled,
            start_to_close: attempt.start_to_close(),
        }))
    }

    /// An attempt ended. None: it is tried again, or is wanted no more.
    pub fn end(&mut self, seq: u32, result: LocalResult, now: SystemTime) -> Option<LocalEnd> {
        let attempt = self.by_seq.get_mut(&seq)?;
        let State::Running(began) = attempt.state else { return None };
        let runtime = since(began, now);
        let backoff = attempt.backoff(&result);
        let threshold = attempt.request.local_retry_threshold.unwrap_or(RETRY_THRESHOLD);
        if let Some(wait) = backoff.filter(|wait| *wait <= threshold) {
            attempt.state = State::BackingOff(later(now, wait));
            attempt.retries += 1;
            return None;
        }
        let attempt = self.by_seq.remove(&seq)?;
        Some(LocalEnd { backoff, ..attempt.end(result, runtime) })
    }

    /// The workflow cancels one.
    pub fn cancel(&mut self, seq: u32) -> Option<Todo> {
        let attempt = self.by_seq.get(&seq)?;
        if let State::Running(_) = attempt.state {
            return Some(Todo::Stop(seq, StopReason::Cancelled));
        }
        // Nobody runs it, so nobody would say that it ended.
        self.by_seq.remove(&seq)?;
        Some(Todo::Ended(Box::new(LocalEnd {
            seq,
            result: LocalResult::Cancelled(empty_cancellation()),
            runtime: Duration::ZERO,
            attempt: 0,
            backoff: None,
            original_schedule_time: None,
        })))
    }

    /// The run is gone: what runs is stopped.
    pub fn stop_all(&mut self) -> Vec<Todo> {
        let all = std::mem::take(&mut self.by_seq);
        all.into_iter()
            .filter(|(_, attempt)| matches!(attempt.state, State::Running(_)))
            .map(|(seq, _)| Todo::Stop(seq, StopReason::RunGone))
            .collect()
    }

    /// The workflow task was answered.
    pub fn task_over(&mut self) {
        for attempt in self.by_seq.values_mut() {
            attempt.outlived_task = true;
            attempt.retries = 0;
        }
    }

    /// Retries within this task of those that began in an earlier one: servers count them.
    pub fn retries_of_earlier(&self) -> u32 {
        self.by_seq.values().filter(|attempt| attempt.outlived_task).map(|attempt| attempt.retries).sum()
    }

    /// When something is due.
    pub fn next_due(&self) -> Option<SystemTime> {
        self.by_seq.values().filter_map(Attempt::due).min()
    }

    /// Does what is due.
    pub fn wake(&mut self, now: SystemTime) -> Vec<Todo> {
        let due = |attempt: &Attempt| attempt.due().is_some_and(|due| due <= now);
        let seqs: Vec<u32> = self.by_seq.iter().filter(|(_, it)| due(it)).map(|(seq, _)| *seq).collect();
        seqs.into_iter().flat_map(|seq| self.wake_one(seq, now)).collect()
    }

    fn wake_one(&mut self, seq: u32, now: SystemTime) -> Vec<Todo> {
        let Some(attempt) = self.by_seq.get_mut(&seq) else { return Vec::new() };
        let closed = attempt.closes().is_some_and(|closes| closes <= now);
        match attempt.state {
            State::BackingOff(_) if !closed => {
                attempt.state = State::Waiting;
                attempt.attempt = attempt.attempt.saturating_add(1);
                vec![Todo::Start(seq)]
            }
            State::Running(_) => {
                let kind = if closed { TimeoutType::ScheduleToClose } else { TimeoutType::StartToClose };
                let end = self.end(seq, timeout(kind), now);
                let stop = Todo::Stop(seq, StopReason::TimedOut);
                [stop].into_iter().chain(end.map(|end| Todo::Ended(Box::new(end)))).collect()
            }
            State::BackingOff(_) | State::Waiting => {
                let ended = self.by_seq.remove(&seq);
                let end = ended.map(|it| it.end(timeout(TimeoutType::ScheduleToClose), Duration::ZERO));
                end.map(|end| Todo::Ended(Box::new(end))).into_iter().collect()
            }
        }
    }
}

impl Attempt {
    fn end(self, result: LocalResult, runtime: Duration) -> LocalEnd {
        LocalEnd {
            seq: self.request.seq,
            result,
            runtime,
            attempt: self.attempt,
            backoff: None,
            original_schedule_time: Some(self.original_schedule_time),
        }
    }

    /// When the whole must be over.
    fn closes(&self) -> Option<SystemTime> {
        self.request.schedule_to_close.map(|span| later(self.original_schedule_time, span))
    }

    /// Not longer than the whole.
    fn start_to_close(&self) -> Option<Duration> {
        let whole = self.request.schedule_to_close.unwrap_or(Duration::MAX);
        self.request.start_to_close.map(|span| span.min(whole))
    }

    fn schedule_to_start(&self) -> Option<Duration> {
        let whole = self.request.schedule_to_close.unwrap_or(Duration::MAX);
        self.request.schedule_to_start.map(|span| span.min(whole))
    }

    fn due(&self) -> Option<SystemTime> {
        let own = match self.state {
            State::Waiting => None,
            State::Running(began) => self.start_to_close().map(|span| later(began, span)),
            State::BackingOff(until) => Some(until),
        };
        own.into_iter().chain(self.closes()).min()
    }

    /// The wait before the next attempt, if there is one.
    fn backoff(&self, result: &LocalResult) -> Option<Duration> {
        match result {
            LocalResult::Failed(failure) => policy::backoff(&self.request.retry_policy, self.attempt, failure),
            LocalResult::TimedOut(failure) if is_start_to_close(failure) => {
                policy::backoff(&self.request.retry_policy, self.attempt, failure)
            }
            LocalResult::TimedOut(_) | LocalResult::Completed(_) | LocalResult::Cancelled(_) => None,
        }
    }
}

fn timeout(kind: TimeoutType) -> LocalResult {
    let info = TimeoutFailureInfo { timeout_type: kind as i32, last_heartbeat_details: None };
    LocalResult::TimedOut(Failure {
        message: "Activity timed out".to_owned(),
        failure_info: Some(FailureInfo::TimeoutFailureInfo(info)),
        ..Failure::default()
    })
}

fn is_start_to_close(failure: &Failure) -> bool {
    matches!(&failure.failure_info, Some(FailureInfo::TimeoutFailureInfo(info))
        if info.timeout_type() == TimeoutType::StartToClose)
}

/// Out-of-range times are clamped.
fn later(time: SystemTime, span: Duration) -> SystemTime {
    const FAR: Duration = Duration::from_secs(1_000 * 365 * 24 * 3600);
    time.checked_add(span.min(FAR)).unwrap_or(time)
}

fn since(earlier: SystemTime, now: SystemTime) -> Duration {
    now.duration_since(earlier).unwrap_or_default()
}

#[cfg(test)]
mod tests;
