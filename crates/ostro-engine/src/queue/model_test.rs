//! The queues against a naive model: one plain list of tasks and one of pollers, the same random calls, equal matches.

use std::collections::BTreeMap;

use super::*;
use crate::base::ids::Ids;
use crate::base::time::{MILLISECOND, SECOND, Span};
use crate::config::Config;

/// One queue, by scanning.
#[derive(Default)]
struct Model {
    tasks: Vec<(i64, Task)>,
    pollers: Vec<Poller>,
    counter: i64,
    /// Per priority: the virtual time, and that of each key that went ahead of it.
    now: BTreeMap<i32, u64>,
    passes: BTreeMap<(i32, String), u64>,
    rate: Option<f64>,
    last: Option<Time>,
}

fn stride(weight: f32) -> u64 {
    ((1 << 20) as f32 / weight) as u64
}

impl Model {
    fn pass(&self, priority: i32, key: &str) -> u64 {
        let now = self.now.get(&priority).copied().unwrap_or(0);
        let waits = self.tasks.iter().any(|(_, t)| t.priority == priority && t.fairness_key == key);
        let own = self.passes.get(&(priority, key.to_owned())).copied().unwrap_or(now);
        if waits { own } else { own.max(now) }
    }

    fn add(&mut self, task: Task) {
        if self.tasks.iter().any(|(_, t)| (t.execution, t.work) == (task.execution, task.work)) {
            return;
        }
        let (priority, key) = (task.priority, task.fairness_key.clone());
        let pass = self.pass(priority, &key);
        self.passes.insert((priority, key), pass);
        self.counter += 1;
        self.tasks.push((self.counter, task));
    }

    fn forget_empty_priorities(&mut self) {
        let tasks = &self.tasks;
        let has = |priority: i32| tasks.iter().any(|(_, t)| t.priority == priority);
        self.now.retain(|priority, _| has(*priority));
        self.passes.retain(|(priority, _), _| has(*priority));
    }

    fn withdraw(&mut self, execution: ExecutionId, work: Work) -> bool {
        let before = self.tasks.len();
        self.tasks.retain(|(_, t)| (t.execution, t.work) != (execution, work));
        self.forget_empty_priorities();
        self.tasks.len() < before
    }

    fn may_dispatch(&self, now: Time) -> bool {
        match (self.rate, self.last) {
            (Some(0.0), _) => false,
            (Some(rate), Some(last)) => now >= last + Span::from_nanos((SECOND.nanos() as f64 / rate).ceil() as i64),
            _ => true,
        }
    }

    fn next_match(&mut self, now: Time) -> Option<(Task, Poller)> {
        if !self.may_dispatch(now) {
            return None;
        }
        let poller = self.pollers.iter().position(|poller| poller.deadline > now)?;
        let rank = |(sequence, task): &(i64, Task)| {
            (task.priority, self.pass(task.priority, &task.fairness_key), self.head(task), *sequence)
        };
        let best = (0..self.tasks.len()).min_by_key(|i| rank(&self.tasks[*i]))?;
        let (_, task) = self.tasks[best].clone();
        let pass = self.pass(task.priority, &task.fairness_key);
        self.tasks.remove(best);
        let virtual_now = self.now.entry(task.priority).or_insert(0);
        *virtual_now = pass.max(*virtual_now);
        self.passes.insert((task.priority, task.fairness_key.clone()), pass + stride(task.fairness_weight));
        self.forget_empty_priorities();
        self.last = Some(now);
        Some((task, self.pollers.remove(poller)))
    }

    /// The first task of the key of `task`.
    fn head(&self, task: &Task) -> i64 {
        let same = |t: &Task| t.priority == task.priority && t.fairness_key == task.fairness_key;
        self.tasks.iter().filter(|(_, t)| same(t)).map(|(sequence, _)| *sequence).min().unwrap_or(0)
    }
}

struct Run {
    ids: Ids,
    queues: TaskQueues,
    models: Vec<Model>,
    now: Time,
    next_reply: ReplyId,
}

impl Run {
    fn below(&mut self, end: u64) -> u64 {
        self.ids.next_u64() % end
    }

    fn task(&mut self) -> Task {
        let key = self.below(4) as usize;
        Task {
            execution: self.below(40) as i64,
            work: if self.below(2) == 0 { Work::WorkflowTask } else { Work::Activity(5 + self.below(3) as i64) },
            added: self.now,
            priority: 1 + self.below(3) as i32,
            fairness_key: ["", "a", "b", "c"][key].to_owned(),
            fairness_weight: [1.0, 1.0, 2.0, 0.5][key],
            follows: None,
        }
    }

    fn add_poller(&mut self, queue: usize) {
        self.next_reply += 1;
        let rate = [None, Some(20.0), Some(2.0), Some(0.0)][self.below(40).min(3) as usize].filter(|_| queue > 0);
        let poller = Poller {
            reply: self.next_reply,
            deadline: self.now + Span::from_nanos(1) + self.below(2_000) as i64 * MILLISECOND,
            max_tasks_per_second: rate,
            since: self.now,
            ..Default::default()
        };
        self.models[queue].rate = rate.or(self.models[queue].rate);
        self.models[queue].pollers.push(poller.clone());
        self.queues.add_poller(&key(queue), poller, self.now);
    }

    fn matches(&mut self) {
        while let Some(found) = self.queues.next_match(self.now) {
            let queue: usize = found.key.name.parse().unwrap();
            let before = self.models[queue].last;
            let expected = self.models[queue].next_match(self.now);
            assert_eq!(expected, Some((found.task.clone(), found.poller.clone())));
            if self.below(8) == 0 {
                self.models[queue].last = before;
                self.models[queue].pollers.insert(0, found.poller.clone());
                self.queues.return_poller(&found.key, found.poller);
            }
        }
        let now = self.now;
        assert!(self.models.iter_mut().all(|model| model.next_match(now).is_none()), "a match was missed");
    }

    fn expire(&mut self) {
        let now = self.now;
        let mut expired: Vec<_> = self.queues.expired_pollers(now).into_iter().map(|(_, p)| p.reply).collect();
        let mut expected: Vec<_> = Vec::new();
        for model in &mut self.models {
            expected.extend(model.pollers.iter().filter(|p| p.deadline <= now).map(|p| p.reply));
            model.pollers.retain(|p| p.deadline > now);
        }
        expired.sort_unstable();
        expected.sort_unstable();
        assert_eq!(expired, expected);
    }

    fn step(&mut self) {
        let queue = self.below(3) as usize;
        match self.below(10) {
            0..=3 => {
                let task = self.task();
                self.models[queue].add(task.clone());
                self.queues.add_task(&key(queue), task);
            }
            4..=6 => self.add_poller(queue),
            7 => {
                let task = self.task();
                let expected = self.models[queue].withdraw(task.execution, task.work);
                assert_eq!(self.queues.withdraw(&key(queue), task.execution, task.work), expected);
            }
            8 => {
                let reply = 1 + self.below(self.next_reply + 1);
                let removed = self.queues.remove_poller(reply, self.now).map(|(_, poller)| poller.reply);
                let before: usize = self.models.iter().map(|m| m.pollers.len()).sum();
                self.models.iter_mut().for_each(|model| model.pollers.retain(|p| p.reply != reply));
                let after: usize = self.models.iter().map(|m| m.pollers.len()).sum();
                assert_eq!(removed.is_some(), after < before);
            }
            _ => {
                let later = self.below(200) as i64 * MILLISECOND;
                self.now += later;
            }
        }
        self.matches();
        self.expire();
    }
}

fn key(queue: usize) -> QueueKey {
    QueueKey::new(1, QueueKind::Workflow, queue.to_string())
}

#[test]
fn the_queues_do_what_a_naive_model_does() {
    for seed in 0..60 {
        let mut run = Run {
            ids: Ids::predictable(seed),
            queues: TaskQueues::new(&Config::default()),
            models: (0..3).map(|_| Model::default()).collect(),
            now: SECOND.since_epoch(),
            next_reply: 0,
        };
        println!("seed {seed}");
        (0..2_000).for_each(|_| run.step());
    }
}
