//! `ostro doctor`, `ostro compact`, `ostro backup` and `ostro restore`: the data itself, with or without a server on it.

mod api_records;
mod doctor;
mod repair;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use ostro_store::Error;
use serde_json::{Value, json};

use crate::arguments::{BackupArguments, DataArguments, DoctorArguments, RestoreArguments};
use crate::failure::Failure;
use crate::output::Format;

/// Checks the data, repaired first where that is asked for; exit code 1 where something is wrong with it.
pub fn doctor(arguments: DoctorArguments) -> ExitCode {
    let DoctorArguments { repair, data: arguments } = arguments;
    finish(arguments.json, || {
        let mended = match repair {
            true => Some(repair::repair(&Places::of(&arguments))?),
            false => None,
        };
        let Places { store, records } = Places::of(&arguments);
        let report = store.map(|store| doctor::examine(&store)).transpose().map_err(failure)?;
        let records = records.map(|path| api_records::Report::examine(&path)).transpose()?;
        let sound = report.as_ref().is_none_or(doctor::Report::is_sound)
            && records.as_ref().is_none_or(api_records::Report::is_sound);
        let json = || {
            let mut all = report.as_ref().map_or_else(|| json!({}), doctor::Report::to_json);
            all["sound"] = json!(sound);
            all["records"] = records.as_ref().map_or(Value::Null, api_records::Report::to_json);
            all["repair"] = mended.as_ref().map_or(Value::Null, repair::Report::to_json);
            all
        };
        let text = || {
            let store = report.as_ref().map(|report| report.to_text(std::time::SystemTime::now()));
            let repaired = mended.iter().map(repair::Report::to_text);
            let texts = repaired.chain(store).chain(records.as_ref().map(api_records::Report::to_text));
            texts.collect::<Vec<_>>().join("\n")
        };
        format(&arguments).print(json, text);
        Ok(if sound { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    })
}

/// Rewrites the files, so that nothing deleted is left in them and no space is unused.
pub fn compact(arguments: DataArguments) -> ExitCode {
    finish(arguments.json, || {
        let Places { store, records } = Places::of(&arguments);
        let size = |path: &PathBuf| std::fs::metadata(path).map_or(0, |file| file.len());
        let mut done = Vec::new();
        for (path, is_store) in store.into_iter().map(|path| (path, true)).chain(records.map(|path| (path, false))) {
            let before = size(&path);
            match is_store {
                true => ostro_store::compact(&path).map_err(failure)?,
                false => api_records::compact(&path)?,
            }
            done.push((path.clone(), before, size(&path)));
        }
        let text = || {
            let line =
                |(path, before, after): &(PathBuf, u64, u64)| format!("{}: {before} -> {after} bytes", path.display());
            done.iter().map(line).collect::<Vec<_>>().join("\n")
        };
        let json = || {
            let file =
                |(path, before, after): &(PathBuf, u64, u64)| json!({ "file": path, "before": before, "after": after });
            json!({ "files": done.iter().map(file).collect::<Vec<_>>() })
        };
        format(&arguments).print(json, text);
        Ok(ExitCode::SUCCESS)
    })
}

/// Copies the data to a new file, and the Workflows API's records to one beside it, also while a server serves both.
pub fn backup(arguments: BackupArguments) -> ExitCode {
    let BackupArguments { file, data } = arguments;
    finish(data.json, || {
        let Places { store, records } = Places::of(&data);
        // First the store: records that are younger tell more of an execution than is needed, older ones would miss some.
        let copied = store.map(|store| ostro_store::backup(&store, &file)).transpose().map_err(failure)?;
        let (bytes, damaged) = (copied.map(|copied| copied.bytes), copied.map_or(0, |copied| copied.damaged));
        let copy = records.map(|path| api_records::backup(&path, &file)).transpose()?;
        let name = file.display();
        let text = || {
            let store = bytes.map(|bytes| format!("Wrote {name} ({bytes} bytes)."));
            let records = copy.as_ref().map(|(path, bytes)| format!("Wrote {} ({bytes} bytes).", path.display()));
            let rows = format!(
                "DAMAGED  {damaged} rows are not as they were written, and are in the copy like that: ostro doctor names them."
            );
            let lines = store.into_iter().chain(records).chain((damaged > 0).then_some(rows));
            let lines = lines.chain([format!("Put it back with: ostro restore {name}")]);
            lines.collect::<Vec<_>>().join("\n")
        };
        let records = copy.as_ref().map(|(path, bytes)| json!({ "file": path, "bytes": bytes }));
        format(&data).print(|| json!({ "file": file, "bytes": bytes, "damaged": damaged, "records": records }), text);
        Ok(ExitCode::SUCCESS)
    })
}

/// Puts a backup in the place of the data.
pub fn restore(arguments: RestoreArguments) -> ExitCode {
    let RestoreArguments { file, data } = arguments;
    finish(data.json, || {
        let (store, records) = (store(&data), records(&data));
        let saved = ostro_workflows_api::records::companion(&file);
        let (has_store, has_records) = (file.exists(), saved.exists());
        // A backup of a server over an engine elsewhere has records only.
        let replaced = match has_store || !has_records {
            true => ostro_store::restore(&file, &store).map_err(failure)?,
            false => None,
        };
        let replaced_records = match has_records {
            true => api_records::restore(&saved, &records)?,
            false => None,
        };
        let set_aside = match has_records {
            true => api_records::set_keys_aside(&records, replaced_records.as_deref())?,
            false => Vec::new(),
        };
        let kept = [&replaced, &replaced_records].into_iter().flatten();
        let kept: Vec<String> = kept.map(|path| format!("What was there is kept as {}.", path.display())).collect();
        let text = || {
            let store = has_store.then(|| format!("Restored {} from {}.", store.display(), file.display()));
            let records = has_records.then(|| format!("Restored {} from {}.", records.display(), saved.display()));
            let keys = keys_in_words(&set_aside, &data.data);
            store.into_iter().chain(records).chain(kept.clone()).chain(keys).collect::<Vec<_>>().join("\n")
        };
        let json = || -> Value {
            let records = has_records.then(
                || json!({ "file": records, "from": saved, "replaced": replaced_records, "keysSetAside": set_aside }),
            );
            json!({ "store": store, "from": file, "replaced": replaced, "records": records })
        };
        format(&data).print(json, text);
        Ok(ExitCode::SUCCESS)
    })
}

/// What became of the API keys in a backup: some may have been revoked since it was made.
fn keys_in_words(set_aside: &[String], data: &Path) -> Option<String> {
    let (keys, data) = (set_aside.join(", "), data.display());
    (!set_aside.is_empty()).then(|| {
        format!(
            "API keys of the backup that may have been revoked since are set aside: {keys}. Revoke those (ostro token revoke \
             --data {data} ID), and let the others be used again: ostro token resume --data {data} --all"
        )
    })
}

/// The files of the data.
struct Places {
    /// `None` where only records are: of a server over an engine elsewhere.
    store: Option<PathBuf>,
    records: Option<PathBuf>,
}

impl Places {
    fn of(arguments: &DataArguments) -> Self {
        let (store, records) = (store(arguments), records(arguments));
        let has_records = records.exists();
        let store = (store.exists() || !has_records).then_some(store);
        Self { store, records: has_records.then_some(records) }
    }
}

fn records(arguments: &DataArguments) -> PathBuf {
    crate::serve::records_path(&arguments.data)
}

fn store(arguments: &DataArguments) -> PathBuf {
    ostro_server::store_path(&arguments.data)
}

fn format(arguments: &DataArguments) -> Format {
    if arguments.json { Format::Json } else { Format::Text }
}

fn failure(error: Error) -> Failure {
    let code = match &error {
        Error::InUse { .. } => "in_use",
        Error::Exists { .. } => "already_exists",
        Error::Io { .. } => "io",
        Error::Disk(ostro_disk::Error::LogDamaged { .. }) => "damaged",
        Error::Disk(_) => "not_usable",
        Error::Foreign { .. } | Error::Newer { .. } => "not_usable",
        _ => "damaged",
    };
    Failure::new(code, error.to_string())
}

fn finish(json: bool, work: impl FnOnce() -> Result<ExitCode, Failure>) -> ExitCode {
    work().unwrap_or_else(|failure| super::fail(json, &failure))
}
