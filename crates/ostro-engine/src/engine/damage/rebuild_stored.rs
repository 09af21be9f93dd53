//! `(set aside) --ostro doctor --repair--> rebuilt from its history`: offline, over a store that nobody serves.

use crate::base::time::Time;
use crate::engine::memory::unsettled::decode_all;
use crate::engine::{Engine, Output};
use crate::execution::rebuild::{Origin, rebuild};
use crate::invariants::Progress;
use crate::stored::persistence::{Damaged, ExecutionId, HistoryBatch, Listed, Loader, Write};

impl<L: Loader> Engine<L> {
    /// Replaces all rows of an execution by what its history says, and lets it go on from there: whoever had a task of it is
    /// not waited for. What no history holds (attempts under way, the sticky worker, request ids of signals) is forgotten.
    ///
    /// # Errors
    /// Where the row that lists it, or its history, is damaged too.
    pub fn rebuild_stored(&mut self, now: Time, id: ExecutionId) -> Result<Output, Damaged> {
        self.advance(now);
        let listed = self.loader.listed(id)?.ok_or_else(|| Damaged("no row lists it".to_owned()))?;
        let batches = self.loader.history(id, 1, i64::MAX)?;
        let events = decode_all(&batches)?;
        let mut progress = Progress::default();
        events.iter().try_for_each(|event| progress.push(event)).map_err(Damaged)?;
        let origin = self.origin_of(id, listed);
        let mut rebuilt = rebuild(&origin, &events, &mut self.ids).map_err(|error| Damaged(error.message))?;
        rebuilt.core.history_bytes = batches.iter().map(|batch| batch.events.len() as i64).sum();
        let newest = self.loader.newest_run(origin.namespace, &origin.workflow_id)? == Some(id);
        self.out.writes.push(Write::DeleteExecution(id));
        self.out.writes.extend(batches.into_iter().map(|batch| append(id, batch)));
        self.set_aside.forget(id);
        self.cache.remove(id);
        self.cache.insert(Box::new(rebuilt), newest);
        self.step(id, |t| {
            t.begin_imported(progress.has_news());
            t.exec.touch_visibility();
        });
        Ok(self.finish())
    }

    fn origin_of(&mut self, execution: ExecutionId, listed: Listed) -> Origin {
        let Listed { namespace, workflow_id, run_id, .. } = listed;
        Origin { execution, namespace, workflow_id, run_id, request_id: self.ids.uuid(), ..Default::default() }
    }
}

fn append(execution: ExecutionId, batch: HistoryBatch) -> Write {
    Write::AppendHistory { execution, first: batch.first, next: batch.next, events: batch.events }
}
