//! The server: the engine, its outputs on their way to the store, and the replies that wait for their commit.
//!
//! Commits are grouped as in the real store: while one group is being written the next one gathers. A crash loses what
//! is not written, with every reply that waits for it.

use std::collections::BTreeMap;

use ostro_engine::call::{Answer, Call};
use ostro_engine::call::{Reply, ReplyId};
use ostro_engine::config::Config;
use ostro_engine::engine::{Engine, Output, Secrets};
use ostro_engine::persistence::Write;
use ostro_engine::time::{MILLISECOND, Span, Time};

use crate::plant::{Plant, Planted};
use crate::rng::Rng;
use crate::store::Store;

pub struct Server {
    pub store: Store,
    pub config: Config,
    engine: Option<Engine<Store>>,
    /// Outputs in the commit under way, then those that wait for the next.
    writing: Vec<Output>,
    gathering: Vec<Output>,
    /// Counts the lives of the process: what was planned in an earlier one is void.
    pub life: u64,
    /// Calls that this life has taken in and not answered.
    pub open: BTreeMap<ReplyId, ()>,
    /// What they ask.
    names: BTreeMap<ReplyId, &'static str>,
    pub plant: Planted,
    pub calls: u64,
}

/// What the world must do after a call.
#[derive(Debug, Default)]
pub struct After {
    /// Begin to write now: the commit is there after the store's delay.
    pub begin_commit: bool,
}

/// A group of outputs that became durable.
#[derive(Debug, Default)]
pub struct Committed {
    pub writes: Vec<Vec<Write>>,
    pub replies: Vec<Reply>,
}

impl Server {
    pub fn new(config: Config, plant: Option<Plant>, seed: u64, now: Time) -> Self {
        let store = Store::default();
        let mut server = Self {
            store,
            config,
            engine: None,
            writing: Vec::new(),
            gathering: Vec::new(),
            life: 0,
            open: BTreeMap::new(),
            names: BTreeMap::new(),
            plant: Planted::new(plant),
            calls: 0,
        };
        server.start(seed, now);
        server
    }

    /// The process comes up, over what is committed.
    pub fn start(&mut self, seed: u64, now: Time) {
        self.life += 1;
        let engine =
            Engine::new(self.config.clone(), self.store.clone(), self.store.recover(), Secrets::predictable(seed), now);
        self.engine = Some(engine);
    }

    /// The process dies. Of the commit under way a prefix may have reached the disk. Returns it, and the calls that
    /// will never be answered.
    pub fn crash(&mut self, rng: &mut Rng) -> (Vec<Vec<Write>>, Vec<ReplyId>) {
        self.engine = None;
        self.life += 1;
        let reached = rng.below(self.writing.len() as u64 + 1) as usize;
        let writes = std::mem::take(&mut self.writing).into_iter().take(reached).map(|out| out.writes).collect();
        self.gathering.clear();
        self.names.clear();
        let open = std::mem::take(&mut self.open).into_keys().collect();
        (writes, open)
    }

    pub fn is_up(&self) -> bool {
        self.engine.is_some()
    }

    pub fn handle(&mut self, now: Time, id: ReplyId, mut call: Call) -> After {
        self.plant.freshen(&mut call, &self.store);
        self.open.insert(id, ());
        self.names.insert(id, call.name());
        self.with(|engine| engine.handle(now, id, call))
    }

    /// What the call asked that is answered now.
    pub fn name_of(&mut self, id: ReplyId) -> &'static str {
        self.names.remove(&id).unwrap_or("?")
    }

    pub fn abandon(&mut self, now: Time, id: ReplyId) -> After {
        self.open.remove(&id);
        self.with(|engine| engine.abandon(now, id))
    }

    pub fn undelivered(&mut self, now: Time, answer: Answer) -> After {
        self.with(|engine| engine.undelivered(now, answer))
    }

    pub fn tick(&mut self, now: Time) -> After {
        self.with(|engine| engine.tick(now))
    }

    pub fn next_wake_up(&self) -> Option<Time> {
        self.engine.as_ref().and_then(Engine::next_wake_up)
    }

    fn with(&mut self, call: impl FnOnce(&mut Engine<Store>) -> Output) -> After {
        let Some(engine) = self.engine.as_mut() else { return After::default() };
        self.calls += 1;
        let mut output = call(engine);
        self.plant.spoil(&mut output.writes);
        if output.writes.is_empty() && output.replies.is_empty() {
            return After::default();
        }
        self.gathering.push(output);
        let begin_commit = self.writing.is_empty();
        if begin_commit {
            self.writing = std::mem::take(&mut self.gathering);
        }
        After { begin_commit }
    }

    /// Replies that leave before their commit: none, unless that bug was planted.
    pub fn early_replies(&mut self) -> Vec<Reply> {
        let outputs = self.gathering.iter_mut().chain(&mut self.writing);
        if !self.plant.is(Plant::ReplyBeforeCommit) {
            return Vec::new();
        }
        let replies: Vec<_> = outputs.flat_map(|out| std::mem::take(&mut out.replies)).collect();
        self.closed(&replies);
        replies
    }

    /// The commit under way is durable. The next begins at once where outputs wait.
    pub fn commit(&mut self) -> (Committed, After) {
        let mut done = Committed::default();
        for output in std::mem::take(&mut self.writing) {
            if let Some(engine) = self.engine.as_mut() {
                engine.committed(output.sequence);
            }
            done.writes.push(output.writes);
            done.replies.extend(output.replies);
        }
        self.closed(&done.replies);
        self.writing = std::mem::take(&mut self.gathering);
        let begin_commit = !self.writing.is_empty();
        (done, After { begin_commit })
    }

    fn closed(&mut self, replies: &[Reply]) {
        for reply in replies {
            self.open.remove(&reply.id);
        }
    }

    /// Whether every output is durable.
    pub fn is_settled(&self) -> bool {
        self.writing.is_empty() && self.gathering.is_empty()
    }
}

/// How long a commit takes.
pub fn commit_delay(rng: &mut Rng, faulty: bool) -> Span {
    match rng.below(100) {
        0..2 if faulty => rng.range(100, 3_000) * MILLISECOND,
        _ => rng.within(Span::from_nanos(100_000), 3 * MILLISECOND),
    }
}
