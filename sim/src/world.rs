//! The simulated world: one clock, one queue of things to come, everybody's turn in order.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use ostro_engine::call::ReplyId;
use ostro_engine::call::{Answer, Call as EngineCall};
use ostro_engine::config::Config;
use ostro_engine::error::{Error, ErrorKind, Result};
use ostro_engine::time::{HOUR, MILLISECOND, SECOND, Span, Time};

use temporalio_protos::temporal::api::workflowservice::v1::PollNexusTaskQueueResponse;

use crate::activities::Activities;
use crate::check::Checker;
use crate::client::Client;
use crate::options::{Options, Report};
use crate::rng::Rng;
use crate::server::{After, Server, commit_delay};
use crate::versions::Versions;
use crate::vocabulary::{NAMESPACE, OTHER_NAMESPACE};
use crate::worker::{Task, Worker};

/// A request that can be sent again, the same each time.
pub type Request = Rc<dyn Fn() -> EngineCall>;

/// Why a call was made: who is to get its answer.
#[derive(Clone)]
pub enum Purpose {
    Nobody,
    Poll { worker: usize, generation: u64, sticky: bool },
    PollActivity { worker: usize },
    Decided { worker: usize, generation: u64, task: Rc<Task>, tries: u32 },
    Client { client: usize },
    Heartbeat { running: u64 },
    Report { running: u64, tries: u32 },
    PollNexus { worker: usize },
}

pub struct Call {
    pub purpose: Purpose,
    pub request: Request,
}

/// What will happen.
pub enum Event {
    Arrive { call: ReplyId, request: Request },
    Reply { call: ReplyId, answer: Result<Answer> },
    GiveUp { call: ReplyId },
    Abandon { call: ReplyId },
    Undelivered { life: u64, answer: Answer },
    Commit { life: u64 },
    Tick,
    ServerUp,
    Fault,
    Poll { worker: usize, generation: u64, sticky: bool },
    PollActivity { worker: usize },
    Decide { worker: usize, generation: u64, task: Rc<Task> },
    Activity { running: u64 },
    Client { client: usize },
    Route,
    PollNexus { worker: usize },
    AnswerNexus { task: Rc<PollNexusTaskQueueResponse> },
    Expire,
}

/// Trouble on the network, in percent.
#[derive(Debug, Default, Clone, Copy)]
pub struct Trouble {
    pub drops: u64,
    pub duplicates: u64,
    pub slow: bool,
}

/// Trouble with the disk.
#[derive(Debug, Default, Clone, Copy)]
pub struct Disk {
    /// It is full, or cannot be written, until then.
    pub full_until: Time,
    /// The next commit fails, for whatever reason.
    pub fails_once: bool,
}

impl Disk {
    /// Whether the commit under way fails.
    fn fails(&mut self, now: Time) -> bool {
        std::mem::take(&mut self.fails_once) || now < self.full_until
    }
}

pub struct World {
    pub options: Options,
    pub rng: Rng,
    pub now: Time,
    /// How far the server's clock is ahead of `now`, after jumps.
    pub skew: Span,
    queue: BTreeMap<(Time, u64), Event>,
    number: u64,
    pub server: Server,
    pub calls: BTreeMap<ReplyId, Call>,
    pub(crate) next_call: ReplyId,
    pub workers: Vec<Worker>,
    pub activities: Activities,
    pub clients: Vec<Client>,
    pub versions: Versions,
    pub checker: Checker,
    pub trouble: Trouble,
    pub disk: Disk,
    pub faulty: bool,
    /// When the last fault was over.
    pub healed: Time,
    pub report: Report,
    ticks: BTreeSet<Time>,
    ticks_at_once: (Time, u32),
    start: Time,
}

/// After the faults stop, everything must have ended within this time: a chain of retries and continuations may set a timer of two
/// hours in each of its runs.
const PATIENCE: Span = HOUR.times(72);

impl World {
    pub fn new(options: Options) -> std::result::Result<Self, String> {
        let mut rng = Rng::named(options.seed, "world");
        let now = Time::from_secs(1_800_000_000) + rng.within(Span::ZERO, SECOND);
        let mut config = Config::default();
        if rng.chance(50) {
            config.cache_bytes_max = rng.range(1, 20_000) as usize;
        }
        if rng.chance(10) {
            config.history_count_max = rng.range(60, 200);
        }
        let server = Server::new(config, options.plant, rng.next(), now);
        let mut world = Self {
            rng,
            now,
            skew: Span::ZERO,
            queue: BTreeMap::new(),
            number: 0,
            server,
            calls: BTreeMap::new(),
            next_call: 1,
            workers: Vec::new(),
            activities: Activities::default(),
            clients: Vec::new(),
            versions: Versions::new(options.seed),
            checker: Checker::default(),
            trouble: Trouble::default(),
            disk: Disk::default(),
            faulty: true,
            healed: Time::UNSET,
            report: Report::default(),
            ticks: BTreeSet::new(),
            ticks_at_once: (Time::UNSET, 0),
            start: now,
            options,
        };
        world.set_up()?;
        Ok(world)
    }

    fn set_up(&mut self) -> std::result::Result<(), String> {
        let days = if self.rng.chance(50) { 1 } else { 30 };
        self.at_once(crate::client::register_namespace(NAMESPACE, days))?;
        self.at_once(crate::client::register_namespace(OTHER_NAMESPACE, days))?;
        self.at_once(crate::nexus::create_endpoint())?;
        for quarter in 1..=4 {
            self.at(self.options.horizon / 4 * quarter, Event::Expire);
        }
        self.set_up_workers();
        self.set_up_clients();
        self.set_up_versions();
        if self.options.faults {
            self.at(SECOND, Event::Fault);
        }
        Ok(())
    }

    /// Before anything can go wrong.
    fn at_once(&mut self, call: EngineCall) -> std::result::Result<(), String> {
        let after = self.server.handle(self.now, 0, call);
        assert!(after.begin_commit);
        let (done, _) = self.server.commit();
        self.note_commit(&done.writes)
    }

    /// The server's clock.
    pub fn clock(&self) -> Time {
        self.now + self.skew
    }

    pub fn trace(&self, what: impl FnOnce() -> String) {
        if self.options.trace {
            eprintln!("{:>14.6} {}", (self.now - self.start).as_secs_f64(), what());
        }
    }

    pub fn at(&mut self, after: Span, event: Event) {
        self.number += 1;
        self.queue.insert((self.now + after, self.number), event);
    }

    /// Runs until everything has ended.
    ///
    /// # Errors
    /// What was wrong.
    pub fn run(mut self) -> std::result::Result<Report, String> {
        let horizon = self.now + self.options.horizon;
        loop {
            let Some(((time, _), event)) = self.queue.pop_first() else {
                return Err(format!("nothing is left to happen, but: {}", self.what_is_open()));
            };
            self.now = time;
            self.report.steps += 1;
            if self.faulty && self.now > horizon {
                self.heal();
            }
            self.happen(event)?;
            if !self.faulty && self.is_over() {
                break;
            }
            if self.now > horizon + PATIENCE {
                return Err(format!("still open {} h after the last fault: {}", PATIENCE / HOUR, self.what_is_open()));
            }
        }
        self.checker.end(&self.server.store)?;
        self.report.reached.append(&mut self.checker.reached);
        self.report.digest = self.server.store.digest();
        self.report.calls = self.server.calls;
        let rows = self.server.store.0.borrow();
        (self.report.commits, self.report.events) = (rows.commits, rows.events);
        self.report.executions = rows.visibility.len() as u64;
        self.report.virtual_time = self.now - self.start;
        drop(rows);
        Ok(self.report)
    }

    fn is_over(&self) -> bool {
        self.server.is_settled()
            && self.server.is_up()
            && self.clients.iter().all(|c| c.done)
            && !self.checker.any_open()
    }

    fn what_is_open(&self) -> String {
        self.trace(|| self.checker.open_histories(&self.server.store));
        let clients: Vec<_> = self.clients.iter().filter(|c| !c.done).map(|c| c.what.clone()).collect();
        format!("runs {:?}, calls {clients:?}", self.checker.open_runs(&self.server.store))
    }

    fn happen(&mut self, event: Event) -> std::result::Result<(), String> {
        match event {
            Event::Arrive { call, request } => self.arrive(call, &request)?,
            Event::Reply { call, answer } => {
                if let Some(open) = self.calls.remove(&call) {
                    self.answered(open, answer)?;
                } else if let Ok(answer) = answer {
                    self.undeliver(answer);
                }
            }
            Event::GiveUp { call } => {
                if let Some(open) = self.calls.remove(&call) {
                    self.trace(|| format!("call {call} given up"));
                    self.at(MILLISECOND, Event::Abandon { call });
                    self.answered(open, Err(Error::new(ErrorKind::DeadlineExceeded, "the caller gave up")))?;
                }
            }
            Event::Abandon { call } => {
                if self.server.is_up() && self.server.open.contains_key(&call) {
                    let after = self.server.abandon(self.clock(), call);
                    self.after(after)?;
                }
            }
            Event::Undelivered { life, answer } => {
                if self.server.is_up() && self.server.life == life {
                    self.checker.undelivered(&answer);
                    self.trace(|| format!("undelivered {}", crate::network::short(&answer)));
                    let after = self.server.undelivered(self.clock(), answer);
                    self.after(after)?;
                }
            }
            Event::Commit { life } => {
                if self.server.is_up() && self.server.life == life {
                    self.commit()?;
                }
            }
            Event::Tick => self.tick()?,
            Event::ServerUp => self.server_up()?,
            Event::Fault => self.fault()?,
            Event::Poll { worker, generation, sticky } => self.poll(worker, generation, sticky),
            Event::PollActivity { worker } => self.poll_activity(worker),
            Event::Decide { worker, generation, task } => self.decide(worker, generation, task)?,
            Event::Activity { running } => self.activity_step(running),
            Event::Route => self.route(),
            Event::PollNexus { worker } => self.poll_nexus(worker),
            Event::AnswerNexus { task } => self.answer_nexus(&task),
            Event::Expire => self.expire(),
            Event::Client { client } => self.client_step(client),
        }
        Ok(())
    }

    fn arrive(&mut self, call: ReplyId, request: &Request) -> std::result::Result<(), String> {
        if !self.calls.contains_key(&call) {
            return Ok(()); // Given up before it got here.
        }
        if !self.server.is_up() {
            self.at(MILLISECOND, Event::Reply { call, answer: Err(unavailable()) });
            return Ok(());
        }
        let command = request();
        self.trace(|| format!("#{call} {}", command.name()));
        let after = self.server.handle(self.clock(), call, command);
        self.after(after)
    }

    fn after(&mut self, after: After) -> std::result::Result<(), String> {
        if after.begin_commit {
            let delay = commit_delay(&mut self.rng, self.faulty && self.options.faults);
            let life = self.server.life;
            self.at(delay, Event::Commit { life });
        }
        let early = self.server.early_replies();
        for reply in early {
            self.release(reply.id, reply.answer)?;
        }
        self.plan_tick();
        Ok(())
    }

    pub(crate) fn plan_tick(&mut self) {
        let Some(wake) = self.server.next_wake_up() else { return };
        let at = (wake - self.skew).max(self.now);
        if self.ticks.first().is_none_or(|first| at < *first) {
            self.ticks.insert(at);
            self.at(at - self.now, Event::Tick);
        }
    }

    fn tick(&mut self) -> std::result::Result<(), String> {
        self.ticks.remove(&self.now);
        let due = self.server.next_wake_up().is_some_and(|wake| wake <= self.clock());
        if due {
            let after = self.server.tick(self.clock());
            let (at, count) = self.ticks_at_once;
            self.ticks_at_once = if at == self.now { (at, count + 1) } else { (self.now, 1) };
            if self.ticks_at_once.1 > 10_000 {
                return Err("the engine wants to be woken again and again at the same moment".to_owned());
            }
            self.after(after)?;
        }
        self.plan_tick();
        Ok(())
    }

    fn commit(&mut self) -> std::result::Result<(), String> {
        if self.disk.fails(self.now) {
            return self.fail_commit();
        }
        let (done, after) = self.server.commit();
        self.note_commit(&done.writes)?;
        for reply in done.replies {
            self.release(reply.id, reply.answer)?;
        }
        self.after(after)
    }

    /// Applies durable writes and checks what the store holds after each output.
    pub fn note_commit(
        &mut self,
        outputs: &[Vec<ostro_engine::persistence::Write>],
    ) -> std::result::Result<(), String> {
        for writes in outputs {
            self.server.store.commit(writes)?;
            self.checker.committed(&self.server.store, writes)?;
        }
        Ok(())
    }

    fn answered(&mut self, call: Call, answer: Result<Answer>) -> std::result::Result<(), String> {
        let Call { purpose, request } = call;
        match purpose {
            Purpose::Nobody => Ok(()),
            Purpose::Poll { worker, generation, sticky } => self.polled(worker, generation, sticky, answer),
            Purpose::PollActivity { worker } => self.polled_activity(worker, answer),
            Purpose::PollNexus { worker } => self.polled_nexus(worker, answer),
            Purpose::Decided { worker, generation, task, tries } => {
                self.decided(worker, generation, task, tries, request, answer)
            }
            Purpose::Client { client } => {
                self.in_time(client)?;
                self.client_answered(client, answer)
            }
            Purpose::Heartbeat { running } => self.heartbeat_answered(running, answer),
            Purpose::Report { running, tries } => self.report_answered(running, tries, request, answer),
        }
    }
}

pub fn unavailable() -> Error {
    Error::new(ErrorKind::Unavailable, "the server is not there")
}

/// Whether the call is to be tried again.
pub fn is_transient(error: &Error) -> bool {
    matches!(error.kind, ErrorKind::Unavailable | ErrorKind::DeadlineExceeded)
}
