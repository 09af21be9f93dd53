//! Batch operations: one thing done to many executions. The engine keeps what each is and how far it has come; the
//! server does the work, so that a long batch never holds up anything else.
//!
//! ```text
//! (none)  --start--> Running --progress--> Running | Completed | Failed
//! Running --stop---> Failed
//! ```

mod calls;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use prost::Message;
use temporalio_protos::temporal::api::enums::v1::BatchOperationState as State;

pub use crate::stored::batch::Batch;
pub(crate) use crate::stored::batch::RECORD_KIND;
use crate::stored::persistence::{DamagedRow, NamespaceId, StoredRecord, Write};

/// Batches that may run at once in one namespace.
pub(crate) const RUNNING_MAX: usize = 1;

/// How far a batch has come since it last said so.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Progress {
    pub namespace: NamespaceId,
    pub job_id: String,
    /// Executions that the batch is about, once that is known.
    pub total: Option<i64>,
    pub succeeded: i64,
    pub failed: i64,
    /// Where a server that comes back goes on.
    pub cursor: Vec<u8>,
    /// `Some` when there is nothing left to do: whether it went well.
    pub finished: Option<bool>,
}

/// Asks for the batches that have work left.
#[derive(Debug, Clone, Default)]
pub struct RunningBatches;

/// All batches, running and ended.
#[derive(Debug, Default)]
pub struct Batches {
    by_job: BTreeMap<(NamespaceId, String), Batch>,
}

impl Batches {
    /// The batches among stored records, and those records that are no batches.
    pub fn restore<'a>(records: impl IntoIterator<Item = &'a StoredRecord>) -> (Self, Vec<DamagedRow>) {
        let (mut batches, mut damaged) = (Self::default(), Vec::new());
        for record in records.into_iter().filter(|record| record.kind == RECORD_KIND) {
            match Batch::decode(&record.value[..]) {
                Ok(batch) if batch.key() == record.key => {
                    batches.by_job.insert((batch.namespace, batch.job_id.clone()), batch);
                }
                Ok(_) => damaged.push(record.damaged("it is another batch's")),
                Err(error) => damaged.push(record.damaged(error)),
            }
        }
        (batches, damaged)
    }

    /// The batches that have work left, the oldest first.
    pub fn running(&self) -> Vec<Batch> {
        let mut running: Vec<Batch> = self.by_job.values().filter(|batch| batch.is_running()).cloned().collect();
        running.sort_by_key(|batch| batch.start_time);
        running
    }

    fn of(&self, namespace: NamespaceId) -> impl Iterator<Item = &Batch> {
        self.by_job.range((namespace, String::new())..(namespace + 1, String::new())).map(|(_, batch)| batch)
    }

    fn put(&mut self, batch: Batch) -> Vec<Write> {
        let write = batch.write();
        self.by_job.insert((batch.namespace, batch.job_id.clone()), batch);
        vec![write]
    }
}

impl Batch {
    /// Whether there is work left.
    pub(crate) fn is_running(&self) -> bool {
        self.state == State::Running as i32
    }
}
