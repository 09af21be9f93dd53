//! `ostro doctor --repair`: what was done, and files for what could not stay.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use ostro_engine::time::Span;
use ostro_store::{Column, Error, Repaired, TakenOut};
use prost::Message;
use serde_json::{Value, json};
use temporalio_protos::temporal::api::history::v1::History;

use super::{Places, failure};
use crate::failure::Failure;

/// What a repair has done.
pub struct Report {
    store: Option<Repaired>,
    /// Where the files are that hold what was taken out.
    directory: PathBuf,
    /// Bits of the records' log that were mended.
    records_log_bits: u64,
}

/// Repairs what there is.
pub fn repair(places: &Places) -> Result<Report, Failure> {
    let Places { store, records } = places;
    let mut report = Report { store: None, directory: PathBuf::new(), records_log_bits: 0 };
    if let Some(records) = records {
        report.records_log_bits = repair_log(records)?;
    }
    let Some(store) = store else { return Ok(report) };
    report.directory = ostro_disk::free_beside(store, "taken-out");
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let now = Span::from(since).since_epoch();
    let mut count = 0;
    let mut take_out = |taken: TakenOut| {
        count += 1;
        write(&report.directory, count, &taken)
    };
    let mut seed = [0; 32];
    for half in seed.chunks_mut(16) {
        half.copy_from_slice(uuid::Uuid::new_v4().as_bytes());
    }
    report.store = Some(ostro_store::repair(store, now, seed, &mut take_out).map_err(failure)?);
    Ok(report)
}

fn repair_log(records: &Path) -> Result<u64, Failure> {
    let said = |error: ostro_disk::Error| Failure::new("in_use", error.to_string());
    let _lock = ostro_disk::Lock::take(records).map_err(said)?;
    ostro_disk::log::repair(records).map_err(said)
}

/// One file for each thing that is taken out.
fn write(directory: &Path, count: u32, taken: &TakenOut) -> Result<(), Error> {
    let plain = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '_' };
    let name: String = taken.what.chars().map(plain).take(100).collect();
    let path = directory.join(format!("{count}-{name}.json"));
    ostro_disk::private::make_directory(directory)?;
    let text = format!("{:#}\n", to_json(taken));
    ostro_disk::private::write_new(&path, text.as_bytes()).map_err(|source| Error::Io { path, source })
}

fn to_json(taken: &TakenOut) -> Value {
    let batches = taken.history.iter().filter_map(|batch| History::decode(batch.clone()).ok());
    let events = batches.flat_map(|history| history.events);
    let events: Vec<Value> = events.map(|event| ostro_wire::json::to_json(&event)).collect();
    let rows: Vec<Value> = taken
        .rows
        .iter()
        .map(|(table, columns)| {
            let columns = columns.iter().map(|(name, value)| (name.clone(), column(value))).collect();
            json!({ "table": table, "columns": Value::Object(columns) })
        })
        .collect();
    json!({ "what": taken.what, "why": taken.why, "events": events, "rows": rows })
}

/// Bytes as hexadecimal digits.
fn column(value: &Column) -> Value {
    match value {
        Column::Null => Value::Null,
        Column::Integer(number) => json!(number),
        Column::Real(number) => json!(number),
        Column::Text(text) => json!(text),
        Column::Blob(bytes) => json!(bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>()),
    }
}

impl Report {
    pub fn to_json(&self) -> Value {
        let pairs = |pairs: &[(String, String)]| -> Vec<Value> {
            pairs.iter().map(|(what, why)| json!({ "what": what, "why": why })).collect()
        };
        let store = self.store.as_ref().map(|store| {
            json!({
                "before": store.before,
                "logBits": store.log_bits,
                "salvaged": store.salvaged,
                "rebuilt": store.rebuilt,
                "takenOut": pairs(&store.taken_out),
                "directory": (!store.taken_out.is_empty()).then_some(&self.directory),
            })
        });
        json!({ "store": store, "recordsLogBits": self.records_log_bits })
    }

    pub fn to_text(&self) -> String {
        let mut lines = Vec::new();
        if let Some(store) = &self.store {
            lines.push(format!("The store as it was is kept as {}.", store.before.display()));
            if store.log_bits > 0 {
                lines.push(format!("{} flipped bits of its log were mended.", store.log_bits));
            }
            if let Some(lost) = &store.salvaged {
                lines.push("Its structure was damaged: all that could be read is in a new file.".to_owned());
                lines.extend(lost.iter().map(|lost| format!("LOST     {lost}")));
            }
            lines.extend(store.rebuilt.iter().map(|what| format!("REBUILT  {what}, from its history")));
            lines.extend(store.taken_out.iter().map(|(what, why)| format!("TAKEN    {what}: {why}")));
            if !store.taken_out.is_empty() {
                lines.push(format!("What was taken out is in {}.", self.directory.display()));
            }
        }
        if self.records_log_bits > 0 {
            lines.push(format!("{} flipped bits of the records' log were mended.", self.records_log_bits));
        }
        lines.push(String::new());
        lines.join("\n")
    }
}
