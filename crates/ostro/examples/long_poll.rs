//! A job on a machine elsewhere, watched by an activity that heartbeats. When the worker that watches stops, the next attempt goes on from
//! what the last one had seen.
//!
//! `cargo run --example long_poll`

use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

use ostro::activity as act;
use ostro::prelude::*;
use serde::{Deserialize, Serialize};

/// How far the watcher is.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
struct Seen {
    job: Option<String>,
    percent: u32,
}

/// The machine elsewhere: it works on while nobody watches.
static ELSEWHERE: AtomicU32 = AtomicU32::new(0);

async fn submit() -> Result<String> {
    println!("a job is submitted");
    Ok("job-7".to_owned())
}

async fn ask(_job: &str) -> Result<u32> {
    tokio::time::sleep(Duration::from_millis(100)).await;
    Ok((ELSEWHERE.fetch_add(5, SeqCst) + 5).min(100))
}

#[activity(start_to_close_timeout = "2h", heartbeat_timeout = "1s", retry_policy_max_attempts = 0)]
async fn watch() -> Result<String> {
    let mut seen = act::last_heartbeat::<Seen>().unwrap_or_default();
    let attempt = act::info().map(|info| info.attempt).unwrap_or_default();
    let job = match seen.job.clone() {
        Some(job) => {
            println!("attempt {attempt} goes on with {job} at {} %", seen.percent);
            job
        }
        None => submit().await?,
    };
    seen.job = Some(job.clone());
    while seen.percent < 100 {
        seen.percent = ask(&job).await?;
        act::heartbeat(&seen);
        if attempt == 1 && seen.percent >= 40 {
            println!("attempt 1 is stuck: no heartbeat comes any more");
            std::future::pending::<()>().await;
        }
    }
    Ok(format!("{job} is done"))
}

#[workflow(name = "job")]
async fn job() -> Result<String> {
    watch().await
}

#[tokio::main]
async fn main() -> Result<()> {
    let ostro = Ostro::ephemeral().await?;
    let worker = ostro.worker().spawn()?;
    println!("{}", job().execute(&ostro).await?);
    worker.shutdown().await
}
