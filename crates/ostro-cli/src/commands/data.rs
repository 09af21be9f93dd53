//! `ostro doctor`, `ostro backup` and `ostro restore`: the data itself, with or without a server on it.

mod doctor;

use std::path::PathBuf;
use std::process::ExitCode;

use ostro_store::Error;
use serde_json::{Value, json};

use crate::arguments::{BackupArguments, DataArguments, RestoreArguments};
use crate::failure::Failure;
use crate::output::Format;

/// Checks the data; exit code 1 where something is wrong with it.
pub fn doctor(arguments: DataArguments) -> ExitCode {
    finish(arguments.json, || {
        let report = doctor::examine(&store(&arguments)).map_err(failure)?;
        format(&arguments).print(|| report.to_json(), || report.to_text(std::time::SystemTime::now()));
        Ok(if report.is_sound() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    })
}

/// Copies the data to a new file, also while a server serves it.
pub fn backup(arguments: BackupArguments) -> ExitCode {
    let BackupArguments { file, data } = arguments;
    finish(data.json, || {
        let bytes = ostro_store::backup(&store(&data), &file).map_err(failure)?;
        let name = file.display();
        let text = || format!("Wrote {name} ({bytes} bytes). Put it back with: ostro restore {name}");
        format(&data).print(|| json!({ "file": file, "bytes": bytes }), text);
        Ok(ExitCode::SUCCESS)
    })
}

/// Puts a backup in the place of the data.
pub fn restore(arguments: RestoreArguments) -> ExitCode {
    let RestoreArguments { file, data } = arguments;
    finish(data.json, || {
        let store = store(&data);
        let replaced = ostro_store::restore(&file, &store).map_err(failure)?;
        let was = replaced.as_ref().map(|path| format!(" What was there is kept as {}.", path.display()));
        let text = || format!("Restored {} from {}.{}", store.display(), file.display(), was.unwrap_or_default());
        let json = || -> Value { json!({ "store": store, "from": file, "replaced": replaced }) };
        format(&data).print(json, text);
        Ok(ExitCode::SUCCESS)
    })
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
        Error::Foreign { .. } | Error::Newer { .. } => "not_usable",
        _ => "damaged",
    };
    Failure::new(code, error.to_string())
}

fn finish(json: bool, work: impl FnOnce() -> Result<ExitCode, Failure>) -> ExitCode {
    work().unwrap_or_else(|failure| super::fail(json, &failure))
}
