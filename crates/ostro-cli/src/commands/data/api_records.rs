//! The Workflows API's records in `ostro doctor`, `backup` and `restore`.

use std::path::{Path, PathBuf};

use ostro_workflows_api::auth;
use ostro_workflows_api::records::{self, CopyError, Records, RecordsReport, SqliteRecords};
use serde_json::{Value, json};

use crate::failure::Failure;

/// What `ostro doctor` finds in the records.
pub struct Report {
    path: PathBuf,
    found: RecordsReport,
}

impl Report {
    /// Reads all of the records at `path`.
    pub fn examine(path: &Path) -> Result<Self, Failure> {
        let found = records::examine(path).map_err(failure)?;
        Ok(Self { path: path.to_owned(), found })
    }

    pub fn is_sound(&self) -> bool {
        self.found.damage.is_empty()
    }

    pub fn to_json(&self) -> Value {
        let RecordsReport { bytes, schema, damage, documents, entries } = &self.found;
        json!({
            "file": self.path,
            "bytes": bytes,
            "schemaVersion": schema,
            "sound": self.is_sound(),
            "damage": damage,
            "documents": documents,
            "entries": entries,
        })
    }

    pub fn to_text(&self) -> String {
        let RecordsReport { bytes, schema, damage, documents, entries } = &self.found;
        let mut text = format!("Records {} ({bytes} bytes, schema {schema})\n", self.path.display());
        text.push_str(&format!("{documents} documents, {entries} events, log lines and spans\n"));
        damage.iter().for_each(|line| text.push_str(&format!("DAMAGED  {line}\n")));
        text.push_str(match self.is_sound() {
            true => "Sound: the file is whole.\n",
            false => "Not sound. The file is damaged: restore a backup (ostro restore).\n",
        });
        text
    }
}

/// Copies the records at `path` beside the backup `file`; answers where, and how many bytes.
pub fn backup(path: &Path, file: &Path) -> Result<(PathBuf, u64), Failure> {
    let target = records::companion(file);
    let bytes = records::backup(path, &target).map_err(failure)?;
    Ok((target, bytes))
}

/// Puts the copy `saved` in the place of the records at `path`; answers where what was there is kept.
pub fn restore(saved: &Path, path: &Path) -> Result<Option<PathBuf>, Failure> {
    records::restore(saved, path).map_err(failure)
}

/// Keeps a restore from reviving keys that were revoked; answers the ids of those that wait for somebody's word.
pub fn set_keys_aside(path: &Path, replaced: Option<&Path>) -> Result<Vec<String>, Failure> {
    let failed = |error: &dyn std::fmt::Display| Failure::new("io", error.to_string());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| failed(&error))?;
    runtime.block_on(async {
        let open = |path: &Path| SqliteRecords::open(path, true).map_err(|error| failed(&error));
        let (records, replaced) = (open(path)?, replaced.map(open).transpose()?);
        let replaced = replaced.as_ref().map(|replaced| replaced as &dyn Records);
        let set_aside = auth::after_restore(&records, replaced).await.map_err(|error| failed(&error))?;
        Ok(set_aside.into_iter().map(|key| key.id).collect())
    })
}

/// Rewrites the records at `path`, which no server has.
pub fn compact(path: &Path) -> Result<(), Failure> {
    records::compact(path).map_err(failure)
}

fn failure(error: CopyError) -> Failure {
    let code = match &error {
        CopyError::Exists { .. } => "already_exists",
        CopyError::Io { .. } | CopyError::Disk(_) => "io",
        CopyError::Unusable { .. } => "not_usable",
        CopyError::InUse { .. } => "in_use",
    };
    Failure::new(code, error.to_string())
}
