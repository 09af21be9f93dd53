//! The workflow: measure, reserve, count, rank.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use temporalio_common::RetryPolicy;
use temporalio_macros::{workflow, workflow_methods};
use temporalio_sdk::{ActivityOptions, LocalActivityOptions, WorkflowContext, WorkflowResult};

use crate::activities::{Activities, Job};

/// What the workflow found; the attempts tell how it got there.
#[derive(Debug, Serialize, Deserialize)]
pub struct Report {
    pub lines: usize,
    pub chunks: usize,
    pub words: u64,
    pub top: Vec<(String, u64)>,
    pub reserve_attempt: u32,
    pub count_attempt: u32,
    pub count_resumed_at_chunk: usize,
}

#[workflow]
#[derive(Default)]
pub struct CountWords;

#[workflow_methods]
impl CountWords {
    #[run]
    pub async fn run(ctx: &mut WorkflowContext<Self>, job: Job) -> WorkflowResult<Report> {
        let ten_seconds = Duration::from_secs(10);
        let text = ctx
            .execute_activity(Activities::measure, job, ActivityOptions::start_to_close_timeout(ten_seconds))
            .await?;
        let reserve_attempt = ctx
            .execute_activity(
                Activities::reserve,
                text.clone(),
                ActivityOptions::with_start_to_close_timeout(ten_seconds)
                    .retry_policy(RetryPolicy::builder().initial_interval(Duration::from_millis(300)).build())
                    .build(),
            )
            .await?;
        let counted = ctx
            .execute_activity(
                Activities::count,
                text.clone(),
                ActivityOptions::with_start_to_close_timeout(Duration::from_secs(30))
                    .heartbeat_timeout(Duration::from_secs(5))
                    .retry_policy(
                        RetryPolicy::builder().initial_interval(Duration::from_millis(100)).maximum_attempts(3).build(),
                    )
                    .build(),
            )
            .await?;
        let top = ctx
            .execute_local_activity(
                Activities::top,
                counted.words.clone(),
                LocalActivityOptions::builder().start_to_close_timeout(Duration::from_secs(5)).build(),
            )
            .await?;
        Ok(Report {
            lines: text.lines,
            chunks: text.chunks(),
            words: counted.words.values().sum(),
            top,
            reserve_attempt,
            count_attempt: counted.attempt,
            count_resumed_at_chunk: counted.resumed_at_chunk,
        })
    }
}
