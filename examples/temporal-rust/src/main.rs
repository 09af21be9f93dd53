//! Counts the words of a text file with Temporal's official Rust SDK, and checks that everything went as it must.
//!
//! One workflow runs a regular, a retried, a heartbeating and a local activity. The program is worker and client at
//! once. It prints the result and the history, and exits 1 when the result, the retries or the history are not as
//! expected.

mod activities;
mod history;
mod workflow;

use std::{error::Error, path::PathBuf, process::ExitCode, time::Duration};

use clap::Parser;
use temporalio_client::{
    Client, ClientOptions, Connection, ConnectionOptions, WorkflowFetchHistoryOptions, WorkflowGetResultOptions,
    WorkflowStartOptions,
};
use temporalio_sdk::{Runtime, Worker, WorkerOptions};
use url::Url;
use uuid::Uuid;

use activities::{Activities, Job, RESERVE_FAILURES, Words};
use workflow::{CountWords, Report};

const CHUNK_LINES: usize = 4;

/// Counts the words of a text file in a workflow, and checks that everything went as it must.
#[derive(Parser)]
struct Arguments {
    /// The text to count.
    file: PathBuf,
    /// HOST:PORT of the server.
    #[arg(long, default_value = "127.0.0.1:7233")]
    address: String,
    #[arg(long, default_value = "default")]
    namespace: String,
}

#[tokio::main]
async fn main() -> Result<ExitCode, Box<dyn Error>> {
    let arguments = Arguments::parse();
    let path = arguments.file.canonicalize()?;
    let target = Url::parse(&format!("http://{}", arguments.address))?;
    let connection = Connection::connect(ConnectionOptions::new(target).build()).await?;
    let client = Client::new(connection, ClientOptions::new(arguments.namespace).build())?;

    let task_queue = format!("count-words-{}", Uuid::new_v4());
    let runtime = Runtime::from_current_tokio(Default::default())?;
    let options = WorkerOptions::new(task_queue.clone())
        .register_workflow::<CountWords>()?
        .register_activities(Activities)
        .build();
    let mut worker = Worker::new(&runtime, client.clone(), options)?;
    let stop_worker = worker.shutdown_handle();

    let counted = async {
        let job = Job { path: path.to_string_lossy().into_owned(), chunk_lines: CHUNK_LINES };
        let wrong = count(&client, task_queue, job).await;
        stop_worker();
        wrong
    };
    let (worker_ended, wrong) = tokio::join!(worker.run(), counted);
    worker_ended?;
    let wrong = wrong?;
    for line in &wrong {
        println!("WRONG: {line}");
    }
    if wrong.is_empty() {
        println!("ok: regular, retried, heartbeating and local activities all did what they must");
    }
    Ok(if wrong.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Runs one workflow to its end, prints it, and tells what was wrong with it.
async fn count(client: &Client, task_queue: String, job: Job) -> Result<Vec<String>, Box<dyn Error>> {
    let text = tokio::fs::read_to_string(&job.path).await?;
    let id = format!("count-words-{}", Uuid::new_v4());
    let options = WorkflowStartOptions::new(task_queue, id.clone()).execution_timeout(Duration::from_secs(60)).build();
    let handle = client.start_workflow(CountWords::run, job, options).await?;
    let report = handle.get_result(WorkflowGetResultOptions::default()).await?;
    let events = handle.fetch_history(WorkflowFetchHistoryOptions::default()).into_events().await?;

    println!("workflow {id}, run {}", handle.run_id().unwrap_or_default());
    println!("{} words on {} lines; most frequent: {:?}", report.words, report.lines, report.top);
    println!(
        "`count` went on at chunk {} of {}, in attempt {}",
        report.count_resumed_at_chunk, report.chunks, report.count_attempt
    );
    history::print(&events);
    let mut wrong = wrong_in_report(&report, &text);
    wrong.extend(history::wrong(&events));
    Ok(wrong)
}

/// Compares with a count made here, in one go, without a workflow.
fn wrong_in_report(report: &Report, text: &str) -> Vec<String> {
    let mut words = Words::new();
    activities::count_into(&mut words, text);
    let expected: u64 = words.values().sum();
    let top = activities::most_frequent(&words);

    let mut wrong = Vec::new();
    if report.words != expected {
        wrong.push(format!("{} words counted, {expected} expected", report.words));
    }
    if report.top != top {
        wrong.push(format!("most frequent {:?}, {top:?} expected", report.top));
    }
    if report.reserve_attempt != RESERVE_FAILURES + 1 {
        wrong.push(format!("`reserve` succeeded in attempt {}", report.reserve_attempt));
    }
    if report.count_attempt != 2 || report.count_resumed_at_chunk != report.chunks / 2 {
        wrong.push(format!(
            "`count` ended in attempt {}, resumed at chunk {}",
            report.count_attempt, report.count_resumed_at_chunk
        ));
    }
    wrong
}
