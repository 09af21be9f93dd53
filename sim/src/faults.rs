//! What goes wrong, and when it stops.

use ostro_engine::call::ReplyId;
use ostro_engine::time::{DAY, HOUR, MILLISECOND, MINUTE, SECOND, Span};

use crate::world::{Disk, Event, Trouble, World, unavailable};

impl World {
    /// One more fault, and the time of the next.
    pub(crate) fn fault(&mut self) -> Result<(), String> {
        if !self.faulty {
            return Ok(());
        }
        match self.rng.below(100) {
            0..35 => self.crash()?,
            35..55 => self.kill_worker(),
            55..62 => self.jump(),
            62..80 => {
                self.trouble =
                    Trouble { drops: self.rng.below(20), duplicates: self.rng.below(20), slow: self.rng.chance(50) }
            }
            80..83 => self.disk.fails_once = true,
            83..86 => {
                let full = self.rng.span(100 * MILLISECOND, 30 * SECOND);
                self.trace(|| format!("!!! the disk is full for {} ms", full / MILLISECOND));
                self.disk.full_until = self.now + full;
            }
            _ => self.trouble = Trouble::default(),
        }
        let next = self.rng.span(10 * MILLISECOND, 2 * self.options.calm);
        self.at(next, Event::Fault);
        Ok(())
    }

    /// No fault from now on; everything that is broken comes back.
    pub(crate) fn heal(&mut self) {
        self.trace(|| "--- faults stop".to_owned());
        self.faulty = false;
        self.healed = self.now;
        self.trouble = Trouble::default();
        self.disk = Disk::default();
        if self.options.faults && self.rng.chance(50) {
            // The last thing that goes wrong.
            self.kill_worker();
        }
    }

    fn crash(&mut self) -> Result<(), String> {
        if !self.server.is_up() {
            return Ok(());
        }
        self.report.faults.crashes += 1;
        self.trace(|| "!!! crash".to_owned());
        let (reached, open) = self.server.crash(&mut self.rng);
        self.note_commit(&reached)?;
        self.stay_down(open);
        Ok(())
    }

    /// The process stops rather than go on beside what it could not write: nothing of the commit is there, and nobody is
    /// answered.
    pub(crate) fn fail_commit(&mut self) -> Result<(), String> {
        self.report.faults.failed_commits += 1;
        self.trace(|| "!!! a commit fails: the process stops".to_owned());
        let (_, open) = self.server.crash(&mut self.rng);
        self.stay_down(open);
        Ok(())
    }

    fn stay_down(&mut self, open: Vec<ReplyId>) {
        for call in open {
            let delay = self.rng.within(Span::ZERO, 5 * MILLISECOND);
            self.at(delay, Event::Reply { call, answer: Err(unavailable()) });
        }
        let down = match self.rng.below(10) {
            0 => self.rng.span(SECOND, 5 * MINUTE),
            _ => self.rng.span(MILLISECOND, 2 * SECOND),
        };
        self.at(down, Event::ServerUp);
    }

    pub(crate) fn server_up(&mut self) -> Result<(), String> {
        self.trace(|| "server up".to_owned());
        let seed = self.rng.next();
        let clock = self.clock();
        self.server.start(seed, clock);
        self.checker.restarted();
        self.healed = self.now;
        self.plan_tick();
        self.route_again();
        Ok(())
    }

    fn jump(&mut self) {
        self.report.faults.clock_jumps += 1;
        let by = match self.rng.below(10) {
            0 => self.rng.span(HOUR, 3 * DAY),
            _ => self.rng.span(SECOND, 10 * MINUTE),
        };
        self.trace(|| format!("!!! the clock jumps by {} s", by / SECOND));
        self.skew += by;
        self.plan_tick();
    }
}
