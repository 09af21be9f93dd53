//! `ostro doctor --repair`: a damaged file is made whole again, offline. What can be rebuilt is rebuilt; what cannot is handed
//! out, so that it can be kept elsewhere, and leaves the file.
//!
//! ```text
//! the log: flipped bits are mended -> the structure: indexes anew, else all that can be read goes into a new file
//!   -> listing rows: from the executions -> executions: from their histories, else taken out -> records: taken out
//! ```

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use ostro_disk::Lock;
use ostro_engine::config::Config;
use ostro_engine::engine::{Engine, Secrets};
use ostro_engine::execution::Execution;
use ostro_engine::ids::{Ids, Seed};
use ostro_engine::namespace;
use ostro_engine::persistence::{DamagedPart, ExecutionId, Loader, Write};
use ostro_engine::time::Time;
use rusqlite::Connection;

use crate::check::{self, Found};
use crate::error::abort_on_fatal;
use crate::error::{Doing, Error, Result};
use crate::group::Group;
use crate::reader::Reader;
use crate::salvage::{self, SalvagedRow};
use crate::{apply, history, recovery, schema};

/// Something that is taken out of the file, with all that can be read of it.
#[derive(Debug, Default)]
pub struct TakenOut {
    /// What it is, in words.
    pub what: String,
    pub why: String,
    /// Encoded `temporal.api.history.v1.History` messages, as far as they are whole.
    pub history: Vec<bytes::Bytes>,
    /// Every row: its table, and its columns by name.
    pub rows: Vec<SalvagedRow>,
}

/// What a repair has done.
#[derive(Debug, Default)]
pub struct Repaired {
    /// Where the file is kept as it was.
    pub before: PathBuf,
    /// Bits of the write-ahead log that had flipped.
    pub log_bits: u64,
    /// Everything that could be read was moved into a new file; what is in here could not.
    pub salvaged: Option<Vec<String>>,
    /// Executions, in words, that were rebuilt from their histories.
    pub rebuilt: Vec<String>,
    /// What was taken out, in words, with the reason.
    pub taken_out: Vec<(String, String)>,
}

/// Repairs the store at `path`, which nobody serves. `take_out` gets whatever cannot stay, before it is deleted. `seed` is
/// entropy for identifiers.
///
/// # Errors
/// If a server serves it; if its log cannot be mended; if it is no store, of a newer release, or cannot be written.
pub fn repair(
    path: &Path,
    now: Time,
    seed: Seed,
    take_out: &mut dyn FnMut(TakenOut) -> Result<()>,
) -> Result<Repaired> {
    std::fs::metadata(path).map_err(|source| Error::Io { path: path.to_owned(), source })?;
    let _lock = Lock::take(path)?;
    let mut repaired = Repaired { before: keep(path)?, ..Default::default() };
    repaired.log_bits = ostro_disk::log::repair(path)?;
    ostro_disk::log::check(path, false)?;
    let found = match whole(path) {
        Ok(found) => found,
        Err(Error::Structure { .. } | Error::Damaged { .. } | Error::Corrupt { .. }) => {
            repaired.salvaged = Some(salvage::into_new(path)?);
            whole(path)?
        }
        Err(error) => return Err(error),
    };
    let mut work = Work { path, connection: schema::open_writer(path, true)?, take_out, repaired, seed };
    work.records(&found)?;
    work.executions(&found, now, seed)?;
    Ok(work.repaired)
}

/// A copy of the file and its log as they are.
fn keep(path: &Path) -> Result<PathBuf> {
    let kept = ostro_disk::free_beside(path, "before-repair");
    for companion in ["", "-wal"] {
        let (from, to) = (ostro_disk::beside(path, companion), ostro_disk::beside(&kept, companion));
        if from.exists() {
            std::fs::copy(&from, &to).map_err(|source| Error::Io { path: to.clone(), source })?;
            ostro_disk::private::tighten(&to);
        }
    }
    Ok(kept)
}

/// The damaged rows of a file whose structure is whole, or can be made so.
fn whole(path: &Path) -> Result<Found> {
    check::before_serving(&schema::open_writer(path, true)?, path, u64::MAX)
}

struct Work<'a> {
    path: &'a Path,
    connection: Connection,
    take_out: &'a mut dyn FnMut(TakenOut) -> Result<()>,
    repaired: Repaired,
    seed: Seed,
}

impl Work<'_> {
    fn records(&mut self, found: &Found) -> Result<()> {
        for row in &found.damaged {
            match &row.of {
                DamagedPart::Namespace { id, name } => self.namespace(*id, name, &row.what.0)?,
                DamagedPart::Record { kind, key } => {
                    let rows = self.rows("record", "kind = ?1 AND key = ?2", (kind, key))?;
                    self.hand_out(format!("{kind} {key}"), &row.what.0, Vec::new(), rows)?;
                    let delete = Write::DeleteRecord { kind: kind.clone(), key: key.clone() };
                    self.write(vec![delete])?;
                }
                DamagedPart::Execution(_) | DamagedPart::History(_) => {}
            }
        }
        Ok(())
    }

    /// Its executions need it: it stays, with nothing but its name and the default retention.
    fn namespace(&mut self, id: i64, name: &str, why: &str) -> Result<()> {
        let rows = self.rows("namespace", "id = ?1", [id])?;
        self.hand_out(format!("namespace {name}"), why, Vec::new(), rows)?;
        let name = if name.is_empty() { format!("repaired-{id}") } else { name.to_owned() };
        let mut seed = self.seed;
        seed.iter_mut().zip(id.to_le_bytes()).for_each(|(byte, of_id)| *byte ^= of_id);
        let uuid = Ids::new(seed).uuid();
        self.write(vec![namespace::bare(id, name, uuid)])
    }

    fn executions(&mut self, found: &Found, now: Time, seed: Seed) -> Result<()> {
        let reader = Reader::new(schema::open_reader(self.path)?, abort_on_fatal());
        let recovered = recovery::recover(&self.connection).doing("read the open executions")?;
        let histories = found.damaged.iter().filter_map(|row| match row.of {
            DamagedPart::History(id) => Some(id),
            _ => None,
        });
        let histories: BTreeSet<ExecutionId> = histories.collect();
        let damaged: Vec<(ExecutionId, String)> = self
            .ids()?
            .into_iter()
            .filter_map(|id| Some((id, damage(&reader, id, histories.contains(&id))?)))
            .collect();
        // No token is made or read here.
        let secrets = Secrets { seed, seals: Secrets::predictable(0).seals };
        let mut engine = Engine::new(Config::default(), reader, recovered, secrets, now);
        for (id, why) in damaged {
            match engine.rebuild_stored(now, id) {
                Ok(output) => {
                    let name = self.name(id);
                    self.write(output.writes)?;
                    engine.committed(output.sequence);
                    self.repaired.rebuilt.push(name);
                }
                Err(also) => self.take_execution(id, &format!("{why}; {also}"))?,
            }
        }
        Ok(())
    }

    /// Every execution of which there is a row.
    fn ids(&self) -> Result<BTreeSet<ExecutionId>> {
        let read = || -> rusqlite::Result<BTreeSet<ExecutionId>> {
            let sql = "SELECT id FROM exec UNION SELECT exec FROM state UNION SELECT exec FROM item UNION SELECT exec FROM history";
            self.connection.prepare(sql)?.query_map([], |row| row.get(0))?.collect()
        };
        read().doing("list the executions")
    }

    fn name(&self, id: ExecutionId) -> String {
        let sql = "SELECT workflow_id, run_id FROM exec WHERE id = ?1";
        let name = |row: &rusqlite::Row<'_>| {
            Ok(format!("workflow {}, run {}", recovery::readable(row, 0), recovery::readable(row, 1)))
        };
        self.connection.query_row(sql, [id], name).unwrap_or_else(|_| format!("execution {id}"))
    }

    fn take_execution(&mut self, id: ExecutionId, why: &str) -> Result<()> {
        let mut rows = self.rows("exec", "id = ?1", [id])?;
        for table in ["state", "wake", "item", "history"] {
            rows.extend(self.rows(table, "exec = ?1", [id])?);
        }
        let history = history::readable(&self.connection, id).doing("read what is left of a history")?;
        self.hand_out(self.name(id), why, history, rows)?;
        self.write(vec![Write::DeleteExecution(id)])
    }

    fn rows(&self, table: &'static str, of: &str, values: impl rusqlite::Params) -> Result<Vec<SalvagedRow>> {
        salvage::rows(&self.connection, table, of, values).doing("read what is left of it")
    }

    fn hand_out(&mut self, what: String, why: &str, history: Vec<bytes::Bytes>, rows: Vec<SalvagedRow>) -> Result<()> {
        (self.take_out)(TakenOut { what: what.clone(), why: why.to_owned(), history, rows })?;
        self.repaired.taken_out.push((what, why.to_owned()));
        Ok(())
    }

    fn write(&self, writes: Vec<Write>) -> Result<()> {
        let mut group = Group::default();
        writes.into_iter().for_each(|write| group.add(write));
        apply::apply(&self.connection, &group).doing("write what was repaired")
    }
}

/// What is wrong with an execution; `history`: with its events for one.
fn damage(reader: &Reader, id: ExecutionId, history: bool) -> Option<String> {
    let loaded = match reader.load(id) {
        Ok(Some(stored)) => Execution::from_stored(stored).map(drop),
        Ok(None) => return Some("no row lists it".to_owned()),
        Err(damaged) => Err(damaged),
    };
    match (loaded, history) {
        (Err(damaged), _) => Some(damaged.0),
        (Ok(()), true) => Some("its history is not as it was written".to_owned()),
        (Ok(()), false) => None,
    }
}
