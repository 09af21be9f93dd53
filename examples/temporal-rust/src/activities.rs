//! The four activities: one of each kind that the demo shows.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};
use temporalio_common::error::{ApplicationErrorCategory, ApplicationFailure};
use temporalio_macros::activities;
use temporalio_sdk::activities::{ActivityContext, ActivityError};

/// `reserve` fails this often before it succeeds.
pub const RESERVE_FAILURES: u32 = 2;

pub type Words = BTreeMap<String, u64>;

/// What to count: a text file, in chunks of `chunk_lines`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Job {
    pub path: String,
    pub chunk_lines: usize,
}

/// The file as the first activity found it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Text {
    pub job: Job,
    pub lines: usize,
}

impl Text {
    pub fn chunks(&self) -> usize {
        self.lines.div_ceil(self.job.chunk_lines)
    }

    /// The file's name without its folders.
    fn name(&self) -> &str {
        self.job.path.rsplit('/').next().unwrap_or_default()
    }
}

/// Words by number, and from where the attempt that finished went on.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Count {
    pub words: Words,
    pub resumed_at_chunk: usize,
    pub attempt: u32,
}

pub struct Activities;

#[activities]
impl Activities {
    /// A regular activity: looks at the real file.
    #[activity]
    pub async fn measure(_ctx: ActivityContext, job: Job) -> Result<Text, ActivityError> {
        let lines = read(&job.path).await?.lines().count();
        Ok(Text { job, lines })
    }

    /// A retried activity: fails twice, tells which attempt succeeded.
    #[activity]
    pub async fn reserve(ctx: ActivityContext, text: Text) -> Result<u32, ActivityError> {
        let attempt = ctx.info().attempt;
        if attempt <= RESERVE_FAILURES {
            return Err(planned_failure(format!("{} is reserved by another reader", text.name()), "Busy"));
        }
        Ok(attempt)
    }

    /// A heartbeating activity: its first attempt fails half-way, the next one goes on from the last heartbeat.
    #[activity]
    pub async fn count(ctx: ActivityContext, text: Text) -> Result<Count, ActivityError> {
        let attempt = ctx.info().attempt;
        let (resumed_at_chunk, mut words) =
            ctx.heartbeat_details().deserialize::<(usize, Words)>()?.unwrap_or_default();
        let content = read(&text.job.path).await?;
        let lines: Vec<&str> = content.lines().collect();

        for (chunk, lines) in lines.chunks(text.job.chunk_lines).enumerate().skip(resumed_at_chunk) {
            if attempt == 1 && chunk == text.chunks() / 2 {
                return Err(planned_failure("the reading glasses fell into the water", "Interrupted"));
            }
            count_into(&mut words, &lines.join("\n"));
            ctx.record_heartbeat((chunk + 1, words.clone())).await?;
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok(Count { words, resumed_at_chunk, attempt })
    }

    /// A local activity: quick and pure, so it needs no task of its own.
    #[activity]
    pub async fn top(_ctx: ActivityContext, words: Words) -> Result<Vec<(String, u64)>, ActivityError> {
        Ok(most_frequent(&words))
    }
}

/// The five most frequent words, the more frequent and then the alphabetically earlier first.
pub fn most_frequent(words: &Words) -> Vec<(String, u64)> {
    let mut ranked: Vec<(String, u64)> = words.clone().into_iter().collect();
    ranked.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    ranked.truncate(5);
    ranked
}

pub fn count_into(words: &mut Words, text: &str) {
    let lowercase = text.to_lowercase();
    for word in lowercase.split(|c: char| !(c.is_ascii_lowercase() || c == '\'')) {
        if !word.is_empty() {
            *words.entry(word.to_owned()).or_default() += 1;
        }
    }
}

async fn read(path: &str) -> Result<String, ApplicationFailure> {
    tokio::fs::read_to_string(path)
        .await
        .map_err(|error| ApplicationFailure::non_retryable(format!("cannot read {path}: {error}")))
}

/// A failure that belongs to the demo: retried like any other, and not logged as an error.
fn planned_failure(message: impl Into<String>, type_name: &str) -> ActivityError {
    ApplicationFailure::builder(message.into())
        .type_name(type_name.to_owned())
        .category(ApplicationErrorCategory::Benign)
        .build()
        .into()
}
