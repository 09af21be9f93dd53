//! One step of one execution, and how executions are found and brought into memory.

use super::Engine;
use crate::base::error::{Error, Result};
use crate::call::Answer;
use crate::call::Reply;
use crate::execution::{Counted, Execution, Transition};
use crate::stored::persistence::{Damaged, ExecutionId, Loader, NamespaceId};

impl<L: Loader> Engine<L> {
    /// Runs a transition; what it changed is written at the end of the call.
    pub(super) fn step<R>(&mut self, id: ExecutionId, transition: impl FnOnce(&mut Transition<'_>) -> R) -> R {
        self.run_step(id, true, transition)
    }

    /// Runs a transition that mostly changes only what lives in memory; it is written only if anything else changed.
    pub(super) fn view<R>(&mut self, id: ExecutionId, transition: impl FnOnce(&mut Transition<'_>) -> R) -> R {
        self.run_step(id, false, transition)
    }

    fn run_step<R>(&mut self, id: ExecutionId, always: bool, transition: impl FnOnce(&mut Transition<'_>) -> R) -> R {
        let mut execution = self.cache.take(id).expect("the caller loaded the execution");
        let namespace = self.namespaces.by_id(execution.core.namespace).expect("a namespace outlives its executions");
        let executions_left = self.tally.room(execution.core.namespace, &namespace.name);
        let result = transition(&mut Transition {
            exec: &mut execution,
            now: self.now,
            config: &self.config,
            namespace,
            endpoints: &self.endpoints,
            deployments: &self.deployments,
            ids: &mut self.ids,
            seals: &self.seals,
            effects: &mut self.effects,
            executions_left,
        });
        let written = (always || execution.has_changes()).then(|| {
            if !execution.is_unwritten() {
                self.unwritten.push(id);
            }
            self.out.writes.extend(execution.note_changes());
            self.sequence + 1
        });
        if written.is_none() {
            // What lives in memory only, a speculative workflow task, has a deadline too.
            execution.refresh_core_deadlines();
        }
        self.timers.set(id, execution.deadlines.next());
        self.wake_history_waiters(&mut execution);
        self.busy.note(&execution);
        if execution.workflow_task_keeps_failing(&self.config) {
            self.blocked.insert(id);
        } else if !self.blocked.is_empty() {
            self.blocked.remove(&id);
        }
        self.cache.put_back(execution, written);
        result
    }

    /// Collects the rows of what the steps of this call have changed: each once, however many steps there were.
    pub(super) fn write_changed(&mut self) {
        while let Some(id) = self.unwritten.pop() {
            // Whoever was deleted meanwhile has nothing to write.
            let Some(execution) = self.cache.get_mut(id) else { continue };
            let namespace =
                self.namespaces.by_id(execution.core.namespace).expect("a namespace outlives its executions");
            execution.take_writes(namespace.retention, &mut self.out.writes);
            self.tally.count(execution);
        }
    }

    /// Answers history polls that have something to show now.
    fn wake_history_waiters(&mut self, execution: &mut Execution) {
        if execution.live.history_waiters.is_empty() {
            return;
        }
        let position = execution.history_position();
        let waiters = std::mem::take(&mut execution.live.history_waiters);
        for waiter in waiters {
            let ready = !position.open || (!waiter.close_only && waiter.from < position.next_event_id);
            if ready {
                self.waits.remove(waiter.reply);
                let answer = Ok(Answer::ReadHistory(Box::new(position.clone())));
                self.out.replies.push(Reply { id: waiter.reply, answer });
            } else {
                execution.live.history_waiters.push(waiter);
            }
        }
    }

    /// Brings an execution into memory; false where there is none, or where it is set aside.
    pub(super) fn load(&mut self, id: ExecutionId) -> bool {
        if self.cache.contains(id) {
            return true;
        }
        if self.cache.is_deleted(id) || self.set_aside.has(id) {
            return false;
        }
        match self.read(id) {
            Ok(Some((execution, newest))) => self.cache.insert(execution, newest),
            Ok(None) => return false,
            Err(damaged) => {
                self.set_aside_execution(id, damaged);
                return false;
            }
        }
        true
    }

    /// Reads an execution, and whether it is the newest run of its workflow id. Changes nothing.
    fn read(&self, id: ExecutionId) -> std::result::Result<Option<(Box<Execution>, bool)>, Damaged> {
        let Some(stored) = self.loader.load(id)? else { return Ok(None) };
        let mut execution = Box::new(Execution::from_stored(stored)?);
        execution.seal_old_callbacks(&self.seals);
        execution.live.counted = Counted::of(&execution);
        let (namespace, workflow_id) = (execution.core.namespace, &execution.core.workflow_id);
        if self.namespaces.by_id(namespace).is_none() {
            return Err(Damaged("its namespace is not there, or is set aside".to_owned()));
        }
        let newest = self.loader.newest_run(namespace, workflow_id)? == Some(id);
        let newest = newest && self.cache.newest(namespace, workflow_id).is_none();
        Ok(Some((execution, newest)))
    }

    /// The newest run of a workflow id, in memory.
    ///
    /// # Errors
    /// DATA_LOSS where it is set aside.
    pub(super) fn newest(&mut self, namespace: NamespaceId, workflow_id: &str) -> Result<Option<ExecutionId>> {
        let found = match self.cache.newest(namespace, workflow_id) {
            Some(id) => Some(id),
            None => self.loader.newest_run(namespace, workflow_id).map_err(|damaged| lost(workflow_id, &damaged))?,
        };
        let Some(id) = found else { return Ok(None) };
        if self.load(id) {
            let core = &self.execution(id).core;
            if core.namespace != namespace || core.workflow_id != workflow_id {
                return Err(lost(workflow_id, &Damaged("an index names another run".to_owned())));
            }
            self.cache.set_newest(namespace, workflow_id, id);
            return Ok(Some(id));
        }
        self.refusal(id).map_or(Ok(None), Err)
    }

    /// The run that a client names: by run id, or the newest where that is empty.
    ///
    /// # Errors
    /// NOT_FOUND; DATA_LOSS where it is set aside.
    pub(super) fn find(&mut self, namespace: NamespaceId, workflow_id: &str, run_id: &str) -> Result<ExecutionId> {
        if run_id.is_empty() {
            return self
                .newest(namespace, workflow_id)?
                .ok_or_else(|| Error::not_found(format!("workflow not found for ID: {workflow_id}")));
        }
        let missing = || {
            Error::not_found(format!(
                "workflow execution not found for workflow ID \"{workflow_id}\" and run ID \"{run_id}\""
            ))
        };
        let id = match self.cache.run(run_id) {
            Some(id) => id,
            None => {
                let found = self.loader.run(namespace, workflow_id, run_id);
                found.map_err(|damaged| lost(workflow_id, &damaged))?.ok_or_else(missing)?
            }
        };
        self.load_or(id, missing)?;
        let core = &self.execution(id).core;
        if core.namespace == namespace && core.workflow_id == workflow_id { Ok(id) } else { Err(missing()) }
    }

    /// An execution that was loaded in this call.
    pub(super) fn execution(&self, id: ExecutionId) -> &Execution {
        self.cache.get(id).expect("the caller loaded the execution")
    }

    /// The run, if it is open.
    ///
    /// # Errors
    /// NOT_FOUND, in the reference server's words.
    pub(super) fn find_open(&mut self, namespace: NamespaceId, workflow_id: &str, run_id: &str) -> Result<ExecutionId> {
        let id = self.find(namespace, workflow_id, run_id)?;
        if self.execution(id).is_open() {
            Ok(id)
        } else {
            Err(Error::not_found("workflow execution already completed"))
        }
    }
}

fn lost(workflow_id: &str, damaged: &Damaged) -> Error {
    Error::set_aside(&format!("workflow {workflow_id:?}"), &damaged.0)
}
