//! What simulated workflows do: programs drawn from a seed, the same at each replay.

use ostro_engine::time::{HOUR, MILLISECOND, MINUTE, SECOND, Span};
use temporalio_protos::temporal::api::enums::v1::ParentClosePolicy;

use crate::rng::Rng;
use crate::vocabulary::QUEUE;

/// Queues of activities: that of the workflows, one with a rate limit, and one that nobody polls.
pub const QUEUES: [&str; 3] = [QUEUE, "slow", "nobody"];
/// Tasks per second that the workers of the queue `slow` allow.
pub const SLOW_RATE: f64 = 5.0;
/// Names of the signals that clients send and programs wait for.
pub const SIGNALS: [&str; 2] = ["one", "two"];
/// Deepest nesting of children.
const DEPTH_MAX: u32 = 2;

#[derive(Debug, Clone)]
pub struct Program {
    pub steps: Vec<Step>,
    pub on_cancel: OnCancel,
    pub end: End,
    /// Whether it stays open until every accepted update is answered.
    pub drains_updates: bool,
    /// Runs (by the attempt of their retry policy) that fail before one succeeds.
    pub failing_attempts: i32,
}

#[derive(Debug, Clone)]
pub enum Step {
    /// All at once; goes on when all have ended.
    Activities(Vec<Activity>),
    /// Whichever ends first cancels the other; goes on when both are over.
    Race {
        timer: Span,
        activity: Activity,
    },
    Timer(Span),
    Child {
        seed: u64,
        policy: ParentClosePolicy,
        waits: bool,
        same_id: bool,
        /// 0: none.
        run_timeout: Span,
    },
    /// Waits for the `count`-th signal of this name, but no longer than `patience`.
    Signal {
        name: &'static str,
        count: u32,
        patience: Span,
    },
    SignalExternal {
        target: String,
    },
    CancelExternal {
        target: String,
    },
    Marker,
    Memo,
    /// Schedules an eager activity and cancels it in the same workflow task.
    ScheduleAndCancel(Activity),
    /// Calls a Nexus operation, but waits no longer than this.
    Nexus(Span),
}

#[derive(Debug, Clone)]
pub struct Activity {
    pub queue: &'static str,
    pub eager: bool,
    pub start_to_close: Span,
    pub schedule_to_close: Span,
    pub schedule_to_start: Span,
    pub heartbeat: Span,
    /// 0: without limit.
    pub attempts_max: i32,
    /// What its worker reads: see [`Behaviour`].
    pub behaviour: Behaviour,
}

/// What an activity's worker does, told by its type's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Behaviour {
    /// Attempts that go wrong before one goes well.
    pub wrong: i32,
    pub how: Wrong,
    pub takes_ms: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wrong {
    Fails = 0,
    FailsForGood = 1,
    NeverAnswers = 2,
    StopsHeartbeating = 3,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnCancel {
    Ignores,
    /// Ends at once.
    Leaves,
    /// Cancels what is under way, waits for it, ends.
    CleansUp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    Completes,
    Fails,
    /// As often as its input says, then completes.
    ContinuesAsNew,
}

impl Activity {
    /// What its worker does, and on which queue: `wrong-how-takes_ms-queue`.
    pub fn type_name(&self) -> String {
        let Behaviour { wrong, how, takes_ms } = self.behaviour;
        format!("{wrong}-{}-{takes_ms}-{}", how as u8, self.queue)
    }
}

impl Behaviour {
    /// Reads the name of an activity's type.
    pub fn parse(name: &str) -> Option<Self> {
        let mut parts = name.split('-').map(|part| part.parse::<u32>());
        let mut next = || parts.next()?.ok();
        let (wrong, how, takes_ms) = (next()?, next()?, next()?);
        let how = [Wrong::Fails, Wrong::FailsForGood, Wrong::NeverAnswers, Wrong::StopsHeartbeating]
            .into_iter()
            .find(|w| *w as u32 == how)?;
        Some(Self { wrong: wrong as i32, how, takes_ms })
    }
}

/// The workflow type's name for a program.
pub fn type_name(seed: u64, depth: u32) -> String {
    format!("{seed:x}.{depth}")
}

/// The program of a workflow type.
pub fn of_type(name: &str, workflows: u64) -> Option<Program> {
    let (seed, depth) = name.split_once('.')?;
    Some(draw(u64::from_str_radix(seed, 16).ok()?, depth.parse().ok()?, workflows))
}

fn draw(seed: u64, depth: u32, workflows: u64) -> Program {
    let mut rng = Rng::named(seed, "program");
    let length = if depth == 0 { rng.range(1, 6) } else { rng.range(1, 3) };
    let steps = (0..length).map(|_| step(&mut rng, depth, workflows)).collect();
    Program {
        steps,
        on_cancel: rng.pick(&[OnCancel::Ignores, OnCancel::Leaves, OnCancel::CleansUp, OnCancel::CleansUp]),
        end: rng.pick(&[End::Completes, End::Completes, End::Completes, End::Fails, End::ContinuesAsNew]),
        drains_updates: rng.chance(70),
        failing_attempts: if rng.chance(20) { rng.range(1, 2) as i32 } else { 0 },
    }
}

fn step(rng: &mut Rng, depth: u32, workflows: u64) -> Step {
    let other = format!("w{}", rng.below(workflows));
    match rng.below(100) {
        0..30 => {
            let many = rng.range(1, 4);
            Step::Activities((0..many).map(|_| activity(rng)).collect())
        }
        30..42 => Step::Race { timer: rng.span(10 * MILLISECOND, MINUTE), activity: activity(rng) },
        42..50 => Step::Timer(if rng.chance(15) { 2 * HOUR } else { rng.span(MILLISECOND, 2 * MINUTE) }),
        50..54 if depth < DEPTH_MAX => Step::Nexus(rng.span(SECOND, 2 * MINUTE)),
        54..66 if depth < DEPTH_MAX => Step::Child {
            seed: rng.next(),
            policy: rng.pick(&[
                ParentClosePolicy::Terminate,
                ParentClosePolicy::Abandon,
                ParentClosePolicy::RequestCancel,
                ParentClosePolicy::Unspecified,
            ]),
            waits: rng.chance(60),
            same_id: rng.chance(10),
            run_timeout: if rng.chance(20) { rng.span(SECOND, 30 * SECOND) } else { Span::ZERO },
        },
        66..80 => Step::Signal {
            name: rng.pick(&SIGNALS),
            count: rng.range(1, 3) as u32,
            patience: rng.span(SECOND, 5 * MINUTE),
        },
        80..86 => Step::SignalExternal { target: other },
        86..89 => Step::CancelExternal { target: other },
        89..94 => Step::Marker,
        94..97 => Step::Memo,
        97..99 => Step::ScheduleAndCancel(Activity { eager: true, queue: "", ..activity(rng) }),
        _ => Step::Timer(rng.span(MILLISECOND, SECOND)),
    }
}

pub fn activity(rng: &mut Rng) -> Activity {
    let how =
        rng.pick(&[Wrong::Fails, Wrong::Fails, Wrong::FailsForGood, Wrong::NeverAnswers, Wrong::StopsHeartbeating]);
    let wrong = if rng.chance(40) { rng.range(1, 4) as i32 } else { 0 };
    let queue = match rng.below(100) {
        0..70 => QUEUES[0],
        70..95 => QUEUES[1],
        _ => QUEUES[2],
    };
    let start_to_close = rng.span(SECOND, 30 * SECOND);
    // Attempts that go well end in time, so that every program ends.
    let takes_ms = rng.span(Span::from_nanos(1), Span::from_nanos(start_to_close / 2 / MILLISECOND)).nanos() as u32;
    Activity {
        queue,
        eager: rng.chance(30),
        start_to_close,
        schedule_to_close: if rng.chance(30) { rng.span(SECOND, 2 * MINUTE) } else { Span::ZERO },
        schedule_to_start: if queue == "nobody" || rng.chance(10) { rng.span(SECOND, 20 * SECOND) } else { Span::ZERO },
        heartbeat: if how == Wrong::StopsHeartbeating || rng.chance(20) {
            rng.span(SECOND, 5 * SECOND)
        } else {
            Span::ZERO
        },
        attempts_max: if rng.chance(50) { rng.range(1, 4) as i32 } else { 0 },
        behaviour: Behaviour { wrong, how, takes_ms },
    }
}
