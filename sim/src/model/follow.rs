//! What follows from one run in others: children and next runs begin, parents and callers hear of an end.

use temporalio_protos::temporal::api::enums::v1::ParentClosePolicy;

use super::event::End;
use super::oracle::{CHILD_INPUT, Oracle, Start};
use super::run::{Child, Effect, Run};

impl Oracle {
    pub(super) fn follow_up(&mut self) {
        while let Some(effect) = self.now.effects.pop_front() {
            match effect {
                Effect::StartChild { parent, initiated } => self.start_child(parent, initiated),
                Effect::StartRun(run, after) => {
                    let next = self.begin(*run, None);
                    self.run(after).next = next;
                }
                Effect::Closed { run, end, goes_on, children } => self.closed(run, end, goes_on, children),
            }
        }
    }

    fn start_child(&mut self, parent: i64, initiated: i64) {
        let is_open = self.run(parent).end.is_none();
        let Some(child) = self.run(parent).children.get(&initiated).cloned() else { return };
        if !is_open && child.policy != ParentClosePolicy::Abandon {
            self.run(parent).children.remove(&initiated);
            return;
        }
        let existing = self.newest(&child.workflow).filter(|existing| self.run(*existing).end.is_none());
        let started = match existing {
            Some(existing) => Some(existing).filter(|_| self.was_started_before_reset(parent, existing, initiated)),
            None => {
                let mut run = Run::new(child.workflow, Start { input: CHILD_INPUT.to_owned(), ..Start::default() });
                run.parent = Some((parent, initiated));
                Some(self.begin(run, None))
            }
        };
        let run = &mut self.runs[parent as usize - 1];
        match started {
            _ if !is_open => drop(run.children.remove(&initiated)),
            Some(number) => run.child_started(initiated, number, &self.now),
            None => run.child_not_started(initiated, &self.now),
        }
    }

    fn closed(&mut self, number: i64, end: End, goes_on: bool, children: Vec<Child>) {
        if !goes_on {
            self.chain_ended(number, end);
            self.call_back(number, end);
        }
        for child in children {
            self.apply_close_policy(&child);
        }
        let Some((parent, initiated)) = self.run(number).parent.filter(|_| !goes_on) else { return };
        let Some(parent) = self.listener(parent) else { return };
        let workflow = self.run(number).workflow.clone();
        let waits = self.run(parent).children.get(&initiated).is_some_and(|child| child.workflow == workflow);
        if waits {
            self.runs[parent as usize - 1].child_ended(initiated, end, &self.now);
        }
    }

    /// What becomes of a child whose parent is gone.
    fn apply_close_policy(&mut self, child: &Child) {
        let Some(number) = self.newest(&child.workflow) else { return };
        let run = &mut self.runs[number as usize - 1];
        if run.end.is_some() || (run.first != child.run && run.number != child.run) {
            return;
        }
        match child.policy {
            ParentClosePolicy::Abandon => {}
            ParentClosePolicy::RequestCancel => run.request_cancel(&mut self.now),
            _ => run.close(End::Terminated, None, &mut self.now),
        }
    }
}
