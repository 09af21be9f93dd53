//! Both sides of the comparison, and the calls that are made to both.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

use ostro_engine::call::ReplyId;
use ostro_engine::call::WithDeadline;
use ostro_engine::error::{Error, ErrorKind};
use ostro_engine::ids::Ids;
use ostro_engine::time::{MILLISECOND, MINUTE, SECOND, Span};
use ostro_sim::model::event::{OperationEnd, What};
use ostro_sim::model::times::Cron;
use ostro_sim::model::{Attempt, Oracle, Refusal, Start, Verdict};
use temporalio_protos::temporal::api::{update::v1::outcome, workflowservice::v1::*};

use crate::calls;
use crate::handlers::{Behind, HeldRequest};
use crate::real::{Real, start_of_time};
use crate::workers::Held;

pub const WORKFLOWS: [&str; 3] = ["a", "b", "c"];
/// One that only handlers of Nexus operations start.
pub const BEHIND: &str = "d";

pub struct Pair {
    pub(super) seed: u64,
    pub(super) real: Real,
    pub(super) oracle: Oracle,
    chance: Ids,
    prints: bool,
    pub(super) number: usize,
    pub(super) tasks: Vec<Held>,
    pub(super) activities: Vec<(Attempt, Vec<u8>)>,
    /// Requests that handlers of Nexus operations have, or had, and what they may have left behind.
    pub(super) requests: Vec<HeldRequest>,
    pub(super) behind: Vec<Behind>,
    /// Calls that wait for an update.
    pub(super) updates: BTreeSet<ReplyId>,
    pub reached: BTreeSet<String>,
}

impl Pair {
    pub fn new(seed: u64, prints: bool) -> Self {
        let now = start_of_time();
        Self {
            seed,
            real: Real::new(now),
            oracle: Oracle::new(now),
            // Drawn once before: the generator walks one cycle, on which seeds that differ by a few steps say nearly the same.
            chance: Ids::predictable(Ids::predictable(seed).next_u64()),
            prints,
            number: 0,
            tasks: Vec::new(),
            activities: Vec::new(),
            requests: Vec::new(),
            behind: Vec::new(),
            updates: BTreeSet::new(),
            reached: BTreeSet::new(),
        }
    }

    pub(super) fn below(&mut self, n: usize) -> usize {
        (self.chance.next_u64() % n as u64) as usize
    }

    pub(super) fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }

    pub(super) fn note(&self, what: impl FnOnce() -> String) {
        if self.prints {
            eprintln!("{:>5} {:>14.3} {}", self.number, (self.real.now - start_of_time()).as_secs_f64(), what());
        }
    }

    /// Both must say the same.
    #[track_caller]
    pub(super) fn same<T: Debug + PartialEq>(&mut self, what: &str, real: T, model: T) {
        self.note(|| format!("{what}: {real:?}"));
        assert_eq!(real, model, "seed {}, call {}: {what} (engine, model)", self.seed, self.number);
        let told = format!("{real:?}");
        for refusal in ["NotFound", "AlreadyExists", "InvalidArgument", "FailedPrecondition"] {
            if told.contains(&format!("Err({refusal})")) {
                self.reached.insert(refusal.to_owned());
            }
        }
    }

    /// Mostly one that clients start, sometimes one that a schedule has started.
    pub(super) fn workflow(&mut self) -> String {
        let scheduled: Vec<String> =
            self.oracle.schedules.values().flat_map(|s| &s.recent).map(|taken| taken.workflow.clone()).collect();
        match self.below(9) {
            0 => BEHIND.to_owned(),
            1..3 if !scheduled.is_empty() => scheduled[self.below(scheduled.len())].clone(),
            _ => self.pick(&WORKFLOWS).to_owned(),
        }
    }

    pub(super) fn request(&mut self) -> String {
        // Sometimes one that was used before.
        let newest = self.number;
        format!("r{}", if self.below(8) == 0 { self.below(newest) } else { newest })
    }

    pub(super) fn plan_of_start(&mut self) -> Start {
        let cron = match self.below(8) {
            0 => Some(self.pick(&[Cron::Every(9 * SECOND), Cron::Every(40 * SECOND), Cron::Minutes(2)])),
            _ => None,
        };
        Start {
            input: format!("input {}", self.number),
            attempts_max: self.pick(&[None, None, Some(0), Some(2), Some(3)]),
            run_timeout: self.pick(&[Span::ZERO, Span::ZERO, Span::ZERO, 37 * SECOND, 311 * SECOND]),
            delay: if cron.is_some() {
                Span::ZERO
            } else {
                self.pick(&[Span::ZERO, Span::ZERO, Span::ZERO, Span::ZERO, 7 * SECOND])
            },
            cron,
            ..Start::default()
        }
    }

    pub(super) fn span(&mut self) -> Span {
        let longest = if self.is_calm() { 4 } else { 5 };
        let low = self.pick(&[MILLISECOND, 50 * MILLISECOND, SECOND, 10 * SECOND, MINUTE][..longest]);
        low + Span::from_nanos(self.below(low.nanos() as usize) as i64)
    }

    pub(super) fn advance(&mut self) {
        let until = self.real.now + self.span();
        self.note(|| "time passes".to_owned());
        self.real.advance(until);
        self.oracle.advance(until);
    }

    pub(super) fn restart(&mut self) {
        let away = self.pick(&[Span::ZERO, Span::ZERO, 7 * SECOND, 50 * SECOND, 3 * MINUTE]);
        self.note(|| format!("the process dies and comes back after {} s", away / SECOND));
        self.real.now += away;
        let now = self.real.now;
        self.real.restart();
        self.oracle.restart();
        self.oracle.sleep(now);
        self.updates.clear();
        // Before anything else it does what has come meanwhile.
        self.real.advance(now);
        self.oracle.advance(now);
    }

    /// Answers to updates that came with the last call.
    pub(super) fn compare_told(&mut self) {
        let mut model: BTreeMap<ReplyId, Verdict> = self.oracle.told().into_iter().collect();
        model.retain(|call, _| self.updates.contains(call));
        let mut real = BTreeMap::new();
        for call in self.updates.clone() {
            let Some(answer) = self.real.answer::<WithDeadline<UpdateWorkflowExecutionRequest>>(call) else { continue };
            self.updates.remove(&call);
            match verdict(answer) {
                Some(verdict) => drop(real.insert(call, verdict)),
                // The engine's patience with a waiting call is over, which the model does not know; the update goes on.
                None => drop(model.remove(&call)),
            }
        }
        if !real.is_empty() || !model.is_empty() {
            self.same("updates answered", real, model);
        }
    }

    pub fn compare_histories(&mut self) {
        let runs = self.oracle.runs.len() as i64;
        let stored = self.real.runs();
        self.same("runs", stored, runs);
        for number in 1..=runs {
            let (real, model) = (self.real.history(number), self.oracle.run(number).history.clone());
            self.note_operations(&model);
            for event in &model {
                if matches!(event.what, What::Started { .. }) && self.oracle.run(number).start.cron.is_some() {
                    self.reached.insert("run by cron".to_owned());
                }
                self.reached.insert(name(&event.what));
            }
            let differs = real.iter().zip(&model).position(|(real, model)| real != model);
            let at = differs.or((real.len() != model.len()).then_some(real.len().min(model.len())));
            if let Some(at) = at {
                let (real, model) = (&real[at.saturating_sub(3)..], &model[at.saturating_sub(3)..]);
                panic!("seed {}: run {number}, event {}\nengine {real:#?}\nmodel {model:#?}", self.seed, at + 1);
            }
        }
    }
}

/// What an event is, with what tells the ends of operations apart.
fn name(what: &What) -> String {
    let first = |text: String| text.split([' ', '(']).next().unwrap_or_default().to_owned();
    match what {
        What::OperationEnded { how: OperationEnd::TimedOut(kind), .. } => format!("OperationEnded by {kind:?}"),
        What::OperationEnded { how, .. } => format!("OperationEnded {}", first(format!("{how:?}"))),
        what => first(format!("{what:?}")),
    }
}

/// An answer in the model's words.
pub(super) fn refusal<T>(answer: Result<T, Error>) -> Result<T, Refusal> {
    answer.map_err(|error| match error.kind {
        ErrorKind::NotFound => Refusal::NotFound,
        ErrorKind::AlreadyExists => Refusal::AlreadyExists,
        ErrorKind::FailedPrecondition => Refusal::FailedPrecondition,
        ErrorKind::ResourceExhausted => Refusal::ResourceExhausted,
        ErrorKind::InvalidArgument => Refusal::InvalidArgument,
        kind => panic!("the engine refuses with {kind:?}: {error}"),
    })
}

fn verdict(answer: Result<UpdateWorkflowExecutionResponse, Error>) -> Option<Verdict> {
    let Ok(answer) = answer else { return Some(Verdict::Aborted) };
    Some(match answer.outcome?.value? {
        outcome::Value::Success(_) => Verdict::Completed,
        outcome::Value::Failure(failure) if failure.message == calls::REJECTED => Verdict::Rejected,
        outcome::Value::Failure(failure) if failure.message.contains("rejected because") => Verdict::Rejected,
        outcome::Value::Failure(_) => Verdict::Aborted,
    })
}
