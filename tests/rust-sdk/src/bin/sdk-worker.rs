//! A worker process for the tests that kill one.

use std::io::Write;

use ostro::activity as act;
use ostro::prelude::*;

/// Where the activities write what they do: appended lines, read by the test.
fn say(line: &str) -> Result<()> {
    let path = std::env::var("OSTRO_TEST_LOG")?;
    let mut file = std::fs::OpenOptions::new().append(true).create(true).open(path)?;
    writeln!(file, "{} {line}", std::process::id())?;
    Ok(())
}

#[activity(sticky_to_worker, retry_policy_max_attempts = 1)]
async fn load() -> Result<()> {
    say("load")
}

#[activity(sticky_to_worker, retry_policy_max_attempts = 1)]
async fn step(number: u32) -> Result<u32> {
    say(&format!("step {number} cold {}", act::cold_start()))?;
    if act::cold_start() {
        load().await?;
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    Ok(std::process::id())
}

#[workflow(name = "killed-session")]
async fn killed_session(steps: u32) -> Result<Vec<u32>> {
    run_sticky_worker_session(async {
        load().await?;
        let mut workers = Vec::new();
        for number in 0..steps {
            workers.push(step(number).await?);
        }
        Ok(workers)
    })
    .await
}

#[activity]
async fn slow_local(number: u32) -> Result<u32> {
    say(&format!("local {number}"))?;
    tokio::time::sleep(Duration::from_millis(400)).await;
    Ok(number)
}

#[workflow(name = "killed-local", task_timeout = "2s")]
async fn killed_local(calls: u32) -> Result<u32> {
    let mut sum = 0;
    for number in 0..calls {
        sum += run_activities_locally(slow_local(number)).await?;
    }
    Ok(sum)
}

#[activity(heartbeat_timeout = "2s", retry_policy_initial_interval = "50ms")]
async fn beats(total: u32) -> Result<(u32, u32)> {
    let from = act::last_heartbeat::<u32>().unwrap_or(0);
    for number in from..total {
        say(&format!("beat {number}"))?;
        act::heartbeat(number + 1);
        tokio::time::sleep(Duration::from_millis(400)).await;
    }
    Ok((act::info().map(|info| info.attempt).unwrap_or_default(), from))
}

#[workflow(name = "killed-heartbeat")]
async fn killed_heartbeat(total: u32) -> Result<(u32, u32)> {
    beats(total).await
}

#[activity(isolation = "process", retry_policy_initial_interval = "50ms", heartbeat_timeout = "5s")]
async fn isolated(abort_below: u32) -> Result<(u32, u32)> {
    let attempt = act::info().map(|info| info.attempt).unwrap_or_default();
    act::heartbeat(attempt);
    println!("a line that is not for the worker");
    say(&format!("isolated {attempt}"))?;
    if attempt < abort_below {
        std::process::abort();
    }
    Ok((attempt, std::process::id()))
}

#[workflow(name = "isolates")]
async fn isolates(abort_below: u32) -> Result<(u32, u32)> {
    isolated(abort_below).await
}

/// `serve`: a worker. `own WORKFLOW N`: worker and client on an engine of its own, which prints the result.
#[tokio::main]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().collect();
    if arguments.get(1).is_none_or(|command| command == "serve") {
        return run_worker().await;
    }
    let ostro = Ostro::from_env().await?;
    let worker = ostro.worker().spawn()?;
    let handle = killed_local(4).id("own").id_policy(workflow::IdPolicy::UseExisting).start(&ostro).await?;
    println!("result {}", handle.result().await?);
    worker.shutdown().await?;
    ostro.shutdown().await;
    Ok(())
}
