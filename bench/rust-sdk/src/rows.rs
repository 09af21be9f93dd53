//! The rows, whatever the SDK.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use futures::{StreamExt, TryStreamExt, stream};
use serde_json::{Map, Value, json};

use crate::{Arguments, Row, Sdk, disk, process};

/// Activities in one workflow of the memory row.
const MEMORY_CHUNK: u32 = 500;
/// Workflows of the memory row at a time.
const MEMORY_IN_FLIGHT: usize = 8;
/// How often the memory row looks.
const MEMORY_LOOKS: u32 = 10;

/// When each activity began.
static BEGUN: Mutex<Vec<Instant>> = Mutex::new(Vec::new());

/// Called by each activity of both SDKs.
pub fn activity_begins() {
    BEGUN.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(Instant::now());
}

/// The times between the activities since the last look, sorted.
fn gaps() -> Vec<Duration> {
    let begun = std::mem::take(&mut *BEGUN.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
    let mut gaps: Vec<Duration> = begun.windows(2).map(|pair| pair[1] - pair[0]).collect();
    gaps.sort_unstable();
    gaps
}

/// What an SDK can do here: each runs one workflow to its end.
pub trait Workflows {
    type Failure;

    /// A workflow of so many regular activities, one after the other.
    fn regular(&self, count: u32) -> impl Future<Output = Result<(), Self::Failure>>;
    /// A workflow of so many local activities, one after the other.
    fn local(&self, count: u32) -> impl Future<Output = Result<(), Self::Failure>>;
    /// A workflow that does nothing.
    fn empty(&self) -> impl Future<Output = Result<(), Self::Failure>>;
}

pub async fn run<W: Workflows>(arguments: &Arguments, workflows: &W) -> Result<(), W::Failure> {
    // Caches, connections and pollers warm.
    workflows.regular(20).await?;
    workflows.local(100).await?;
    gaps();
    for row in &arguments.rows {
        match row {
            Row::Regular => {
                let spent = measure(workflows.regular(arguments.regular)).await?;
                report(arguments, "regular activity", arguments.regular, &spent, percentiles());
            }
            Row::Local => {
                let spent = measure(workflows.local(arguments.local)).await?;
                report(arguments, "local activity", arguments.local, &spent, percentiles());
            }
            Row::Empty => {
                let one_by_one = async {
                    for _ in 0..arguments.empty {
                        workflows.empty().await?;
                    }
                    Ok::<_, W::Failure>(())
                };
                let spent = measure(one_by_one).await?;
                report(arguments, "empty workflow", arguments.empty, &spent, Map::new());
            }
            Row::Workflows => {
                let many = stream::iter(0..arguments.workflows)
                    .map(|_| workflows.regular(1))
                    .buffer_unordered(arguments.in_flight)
                    .try_collect::<Vec<()>>();
                let spent = measure(many).await?;
                gaps();
                let rate = f64::from(arguments.workflows) / spent.wall.as_secs_f64();
                let more = Map::from_iter([
                    ("in_flight".to_owned(), json!(arguments.in_flight)),
                    ("per_second".to_owned(), json!(rate.round())),
                ]);
                report(arguments, "workflow of one activity", arguments.workflows, &spent, more);
            }
            Row::Memory => memory(arguments, workflows).await?,
        }
    }
    Ok(())
}

async fn memory<W: Workflows>(arguments: &Arguments, workflows: &W) -> Result<(), W::Failure> {
    let mut looks = Vec::new();
    let chunks = arguments.memory / MEMORY_CHUNK / MEMORY_LOOKS;
    for look in 1..=MEMORY_LOOKS {
        stream::iter(0..chunks)
            .map(|_| workflows.regular(MEMORY_CHUNK))
            .buffer_unordered(MEMORY_IN_FLIGHT)
            .try_for_each(|()| {
                gaps();
                futures::future::ready(Ok(()))
            })
            .await?;
        looks.push((look * chunks * MEMORY_CHUNK, process::rss_kib()));
        if !arguments.json {
            println!("{} activities: {} KiB", look * chunks * MEMORY_CHUNK, process::rss_kib());
        }
    }
    // The first tenth fills caches.
    let ((from, before), (to, after)) = (looks[0], looks[looks.len() - 1]);
    let bytes = (after as f64 - before as f64) * 1024.0 / f64::from(to - from);
    let looks: Vec<Value> =
        looks.iter().map(|(activities, kib)| json!({ "activities": activities, "rss_kib": kib })).collect();
    let row = json!({
        "sdk": sdk(arguments), "engine": engine(arguments), "row": "memory over activities", "count": to,
        "bytes_per_activity": (bytes * 10.0).round() / 10.0, "rss": looks,
    });
    match arguments.json {
        true => println!("{row}"),
        false => println!("memory over activities: {bytes:.1} bytes for each after the first {from}"),
    }
    Ok(())
}

/// Wall and CPU time.
struct Spent {
    wall: Duration,
    cpu: Duration,
}

async fn measure<T, E>(work: impl Future<Output = Result<T, E>>) -> Result<Spent, E> {
    let (started, before) = (Instant::now(), process::cpu());
    work.await?;
    Ok(Spent { wall: started.elapsed(), cpu: process::cpu().saturating_sub(before) })
}

fn percentiles() -> Map<String, Value> {
    let gaps = gaps();
    let at = |part: usize| gaps.get(gaps.len() * part / 100).map(|gap| round(gap.as_secs_f64() * 1e6));
    Map::from_iter([("p50_us".to_owned(), json!(at(50))), ("p99_us".to_owned(), json!(at(99)))])
}

fn round(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

fn sdk(arguments: &Arguments) -> &'static str {
    match arguments.sdk {
        Sdk::Ostro => "ostro",
        Sdk::Temporalio => "temporalio-sdk",
    }
}

fn engine(arguments: &Arguments) -> &str {
    if arguments.engine.is_empty() { &arguments.address } else { &arguments.engine }
}

fn report(arguments: &Arguments, row: &str, count: u32, spent: &Spent, more: Map<String, Value>) {
    let per = |time: Duration| round(time.as_secs_f64() * 1e6 / f64::from(count));
    let mut line = json!({
        "sdk": sdk(arguments), "engine": engine(arguments), "row": row, "count": count,
        "wall_us": per(spent.wall), "cpu_us": per(spent.cpu),
    });
    let commit = disk::commit(&arguments.directory).ok().map(|commit| round(commit.as_secs_f64() * 1e6));
    if let Some(line) = line.as_object_mut() {
        line.extend(more);
        line.insert("disk_commit_us".to_owned(), json!(commit));
    }
    if arguments.json {
        println!("{line}");
        return;
    }
    let figures = line.as_object().into_iter().flatten().filter(|(_, value)| value.is_number());
    let figures: Vec<String> = figures.map(|(name, value)| format!("{name} {value}")).collect();
    println!("{row:<26} {}", figures.join("  "));
}
