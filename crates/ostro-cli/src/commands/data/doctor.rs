//! What `ostro doctor` finds: damage of the file, and runs that nothing would ever wake.

mod schedules;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use ostro_engine::invariants::{self, WakeUp};
use ostro_engine::persistence::{DamagedPart, DamagedRow};
use ostro_engine::time::Time;
use ostro_explain::duration;
use ostro_store::{Found, FoundSchedule, Inspector, Result};
use serde::Serialize;
use serde_json::{Value, json};

use schedules::{Schedule, Schedules};

use crate::printable;

/// Faults that are printed; all are counted.
const FAULTS_SHOWN: usize = 50;

/// Something that is wrong with one run, or with one schedule.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Fault {
    namespace: String,
    #[serde(flatten)]
    of: Of,
    what: String,
}

#[derive(Debug, Serialize)]
#[serde(untagged, rename_all_fields = "camelCase")]
enum Of {
    Run { workflow_id: String, run_id: String },
    Schedule { schedule_id: String },
    Record { kind: String, key: String },
    Itself {},
}

/// What was found in one file.
#[derive(Debug, Default)]
pub struct Report {
    store: PathBuf,
    bytes: u64,
    schema: i64,
    damage: Vec<String>,
    faults: Vec<Fault>,
    closed: u64,
    worker: u64,
    other_execution: u64,
    message: u64,
    /// When the runs that the engine itself will look at fall due.
    due: u64,
    next_due: Option<Time>,
    schedules: Schedules,
}

/// Reads all of the store at `path`, as of one moment.
pub fn examine(path: &Path) -> Result<Report> {
    let inspector = Inspector::current(path)?;
    let mut report = Report {
        store: path.to_owned(),
        bytes: std::fs::metadata(path).map_or(0, |file| file.len()),
        schema: inspector.schema_version()?,
        damage: inspector.integrity()?,
        ..Default::default()
    };
    let namespaces: BTreeMap<_, _> = inspector.namespaces()?.into_iter().collect();
    for row in inspector.damaged()? {
        report.add_damaged(row, &namespaces);
    }
    inspector.runs(|found| report.add(found, &namespaces))?;
    inspector.schedules(|found| report.add_schedule(&found, &namespaces))?;
    Ok(report)
}

impl Report {
    fn add(&mut self, found: Found, namespaces: &BTreeMap<i64, String>) {
        let Found { namespace, workflow_id, run_id, content, .. } = found;
        match content.and_then(|(run, told)| invariants::check(&run, &told)) {
            Ok(WakeUp::Closed) => self.closed += 1,
            Ok(WakeUp::Worker) => self.worker += 1,
            Ok(WakeUp::OtherExecution) => self.other_execution += 1,
            Ok(WakeUp::Message) => self.message += 1,
            Ok(WakeUp::Due(due)) => {
                self.due += 1;
                self.next_due = Some(self.next_due.map_or(due, |earlier| earlier.min(due)));
            }
            Err(what) => {
                let of = Of::Run { workflow_id, run_id };
                self.faults.push(Fault { namespace: name(namespace, namespaces), of, what });
            }
        }
    }

    /// Executions and schedules have their own line, which says what is wrong with their rows.
    fn add_damaged(&mut self, row: DamagedRow, namespaces: &BTreeMap<i64, String>) {
        let what = row.what.to_string();
        let (namespace, of) = match row.of {
            DamagedPart::Execution(_) | DamagedPart::History(_) => return,
            DamagedPart::Namespace { name, .. } => (name, Of::Itself {}),
            DamagedPart::Record { kind, key } => {
                let of = key.split_once('/').and_then(|(namespace, _)| namespace.parse().ok()).unwrap_or_default();
                (name(of, namespaces), Of::Record { kind, key })
            }
        };
        self.faults.push(Fault { namespace, of, what });
    }

    fn add_schedule(&mut self, found: &FoundSchedule<'_>, namespaces: &BTreeMap<i64, String>) {
        let (namespace, schedule_id) = (name(found.namespace, namespaces), found.schedule_id.to_owned());
        match invariants::check_schedule(found.value, |run| found.open_chains.contains(run)) {
            Ok(next) => self.schedules.add(Schedule { namespace, schedule_id, next }),
            Err(what) => self.faults.push(Fault { namespace, of: Of::Schedule { schedule_id }, what }),
        }
    }

    pub fn is_sound(&self) -> bool {
        self.damage.is_empty() && self.faults.is_empty()
    }

    fn open(&self) -> u64 {
        self.worker + self.due + self.other_execution + self.message
    }

    pub fn to_json(&self) -> Value {
        json!({
            "store": self.store,
            "bytes": self.bytes,
            "schemaVersion": self.schema,
            "sound": self.is_sound(),
            "damage": self.damage,
            "faults": self.faults,
            "closed": self.closed,
            "open": {
                "waitForWorker": self.worker,
                "wakeByTime": self.due,
                "waitForOtherExecution": self.other_execution,
                "waitForMessage": self.message,
            },
            "schedules": self.schedules.to_json(),
        })
    }

    pub fn to_text(&self, now: SystemTime) -> String {
        let mut text = format!("Store {} ({} bytes, schema {})\n", self.store.display(), self.bytes, self.schema);
        text.push_str(&format!("{} closed, {} open executions, of which\n", self.closed, self.open()));
        let next = self.next_due.map(|due| format!(", the next {}", distance(due, now))).unwrap_or_default();
        for (count, what) in [
            (self.worker, "wait for a worker".to_owned()),
            (self.due, format!("wake by a timer or time-out{next}")),
            (self.other_execution, "wait for another execution".to_owned()),
            (self.message, "wait for a signal, an update or a cancellation".to_owned()),
        ] {
            text.push_str(&format!("  {count} {what}\n"));
        }
        text.push_str(&self.schedules.to_text(now));
        self.damage.iter().for_each(|line| text.push_str(&format!("DAMAGED  {}\n", printable::line(line))));
        for Fault { namespace, of, what } in self.faults.iter().take(FAULTS_SHOWN) {
            let fault = match of {
                Of::Run { workflow_id, run_id } => format!("FAULT    {namespace}/{workflow_id} (run {run_id}): {what}"),
                Of::Schedule { schedule_id } => format!("FAULT    {namespace}, schedule {schedule_id}: {what}"),
                Of::Record { kind, key } => format!("FAULT    {namespace}, {kind} {key}: {what}"),
                Of::Itself {} => format!("FAULT    namespace {namespace}: {what}"),
            };
            text.push_str(&printable::line(&fault));
            text.push('\n');
        }
        text.push_str(&self.conclusion());
        text
    }

    fn conclusion(&self) -> String {
        if self.is_sound() {
            return "Sound: the file is whole, and each open execution has something that will wake it.\n".to_owned();
        }
        let faults = match self.faults.len() {
            0 => String::new(),
            count => format!(
                " {count} executions or records are not as they must be and are set aside by a server: stop it, and rebuild them \
                 with ostro doctor --repair."
            ),
        };
        let damage = if self.damage.is_empty() {
            ""
        } else {
            " The file is damaged: mend it with ostro doctor --repair, or restore a backup (ostro restore)."
        };
        format!("Not sound.{damage}{faults}\n")
    }
}

fn name(namespace: i64, names: &BTreeMap<i64, String>) -> String {
    names.get(&namespace).cloned().unwrap_or_else(|| format!("(unknown namespace {namespace})"))
}

fn distance(due: Time, now: SystemTime) -> String {
    let due = SystemTime::UNIX_EPOCH + (due - Time::UNSET).to_std();
    match due.duration_since(now) {
        Ok(left) if left.as_secs() > 0 => format!("in {}", duration::text(Duration::from_secs(left.as_secs()))),
        _ => "now".to_owned(),
    }
}
