//! Text files into an SQLite database: found, read in parallel, stored in one transaction each.
//!
//! `cargo run --example document_pipeline [DIRECTORY]`, by default over this repository's guides. Stop it in the middle (Ctrl-C) and start it
//! again: it goes on where it was, because its engine and its database are files in `./document_pipeline`.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use ostro::activity as act;
use ostro::prelude::*;
use ostro::workflow::IdPolicy;
use rusqlite::Connection;
use serde::{Deserialize, Serialize};

const DATA: &str = "document_pipeline";

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Document {
    path: PathBuf,
    words: usize,
    title: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct Report {
    documents: usize,
    words: usize,
}

/// One connection for all activities of the worker.
#[derive(Clone)]
struct Database(Arc<Mutex<Connection>>);

fn database() -> Result<Database> {
    let connection = Connection::open(Path::new(DATA).join("documents.db"))?;
    connection
        .execute_batch("CREATE TABLE IF NOT EXISTS document (path TEXT PRIMARY KEY, title TEXT, words INTEGER)")?;
    Ok(Database(Arc::new(Mutex::new(connection))))
}

/// A function without `async` runs on a thread of its own, so it may read a disk.
#[activity(heartbeat_timeout = "10s")]
fn find(directory: PathBuf) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut directories = vec![directory];
    while let Some(directory) = directories.pop() {
        act::heartbeat(&directory);
        for entry in std::fs::read_dir(&directory)? {
            let path = entry?.path();
            match path.extension().and_then(|extension| extension.to_str()) {
                _ if path.is_dir() => directories.push(path),
                Some("md" | "txt") => found.push(path),
                _ => {}
            }
        }
    }
    found.sort();
    Ok(found)
}

#[activity(start_to_close_timeout = "10s", retry_policy_max_attempts = 3)]
async fn read(path: PathBuf) -> Result<Document> {
    let text = tokio::fs::read_to_string(&path).await?;
    let title = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    Ok(Document {
        words: text.split_whitespace().count(),
        title: title.trim_start_matches('#').trim().to_owned(),
        path,
    })
}

/// Safe to run twice: the same document replaces itself.
#[activity]
fn store(document: Document, #[depends(database)] database: Database) -> Result<()> {
    let database = database.0.lock().map_err(|_| Error::new("another activity panicked with the database"))?;
    database.execute(
        "INSERT OR REPLACE INTO document VALUES (?1, ?2, ?3)",
        (document.path.to_string_lossy(), &document.title, document.words as i64),
    )?;
    Ok(())
}

#[workflow(name = "document-pipeline")]
async fn pipeline(directory: PathBuf) -> Result<Report> {
    let paths = find(directory).await?;
    let one = |path| async move {
        let document = read(path).await?;
        let words = document.words;
        store(document).await?;
        Ok(words)
    };
    let words = workflow::in_parallel(paths, 8, one, |progress| {
        workflow::set_current_details(format!("{} of {} documents", progress.done, progress.total));
    })
    .await?;
    Ok(Report { documents: words.len(), words: words.iter().sum() })
}

#[tokio::main]
async fn main() -> Result<()> {
    let guides = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs");
    let directory = std::env::args().nth(1).unwrap_or_else(|| guides.to_owned());
    std::fs::create_dir_all(DATA)?;
    let ostro = Ostro::open(Path::new(DATA).join("engine.db")).await?;
    let worker = ostro.worker().spawn()?;

    let call = pipeline(directory.into()).id("documents").id_policy(IdPolicy::UseExisting);
    let report = call.execute(&ostro).await?;
    println!("{} documents with {} words are in {DATA}/documents.db", report.documents, report.words);

    print_longest()?;
    worker.shutdown().await?;
    ostro.shutdown().await;
    Ok(())
}

fn print_longest() -> Result<()> {
    let database = Connection::open(Path::new(DATA).join("documents.db"))?;
    let mut longest = database.prepare("SELECT words, title FROM document ORDER BY words DESC LIMIT 3")?;
    for row in longest.query_map([], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?)))? {
        let (words, title) = row?;
        println!("{words:>6}  {title}");
    }
    Ok(())
}
