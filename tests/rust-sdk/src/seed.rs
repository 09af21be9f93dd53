//! The seed page, section by section.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::SeqCst};

use ostro::activity as act;
use ostro::prelude::*;
use serde::{Deserialize, Serialize};

/// How often something ran, by key, in this process.
static RUNS: Mutex<BTreeMap<String, u32>> = Mutex::new(BTreeMap::new());

pub fn count_run(key: &str) -> u32 {
    let mut runs = RUNS.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let count = runs.entry(key.to_owned()).or_default();
    *count += 1;
    *count
}

pub fn runs(key: &str) -> u32 {
    RUNS.lock().unwrap_or_else(std::sync::PoisonError::into_inner).get(key).copied().unwrap_or_default()
}

// Defining an Activity

#[derive(Debug, Serialize, Deserialize, PartialEq)]
pub struct Processed {
    pub result: String,
    pub processed_count: i64,
}

/// Basic activity structure.
#[activity]
pub async fn my_activity(input_data: String, count: Option<i64>) -> Result<Processed> {
    Ok(Processed { result: input_data, processed_count: count.unwrap_or(1) })
}

#[workflow(name = "basic")]
pub async fn basic(input: String) -> Result<Processed> {
    my_activity(input, Some(3)).await
}

// 1. Activity Naming

#[activity(name = "custom_activity_name")]
pub async fn named() -> Result<String> {
    Ok(act::info().map(|info| info.name).unwrap_or_default())
}

#[workflow]
pub async fn naming() -> Result<String> {
    named().await
}

// 2. Timeouts

#[activity(start_to_close_timeout = "200ms", retry_policy_max_attempts = 1)]
pub async fn too_slow() -> Result<()> {
    tokio::time::sleep(Duration::from_secs(20)).await;
    Ok(())
}

#[workflow]
pub async fn timeouts() -> Result<String> {
    match too_slow().await {
        Err(error) => Ok(format!("{:?}", error.kind())),
        Ok(()) => Ok("no time-out".to_owned()),
    }
}

// 3. Retry Policies

#[activity(
    retry_policy_max_attempts = 5,
    retry_policy_backoff_coefficient = 2.0,
    retry_policy_initial_interval = "20ms"
)]
pub async fn flaky(key: String, failures: u32) -> Result<u32> {
    let attempt = count_run(&key);
    if attempt <= failures {
        return Err(Error::new(format!("attempt {attempt} failed")).with_type("Flaky").with_details(attempt));
    }
    Ok(act::info().map(|info| info.attempt).unwrap_or_default())
}

#[workflow]
pub async fn retries(key: String, failures: u32) -> Result<u32> {
    flaky(key, failures).await
}

/// What is known of an error: regular and local activities say the same.
#[derive(Debug, Serialize, Deserialize, PartialEq)]
pub struct Seen {
    pub message: String,
    pub type_name: Option<String>,
    pub details: Option<u32>,
    pub activity: Option<String>,
}

fn seen<T>(result: Result<T>) -> Option<Seen> {
    result.err().map(|error| Seen {
        message: error.message().to_owned(),
        type_name: error.type_name().map(str::to_owned),
        details: error.details(),
        activity: error.activity().map(str::to_owned),
    })
}

#[workflow]
pub async fn errors(key: String) -> Result<(Option<Seen>, Option<Seen>)> {
    let regular = seen(flaky(format!("{key}-regular"), 100).max_attempts(2).await);
    let local = seen(run_activities_locally(flaky(format!("{key}-local"), 100).max_attempts(2)).await);
    Ok((regular, local))
}

// 5. Heartbeat Timeout

#[activity(start_to_close_timeout = "30m", heartbeat_timeout = "1s", retry_policy_initial_interval = "20ms")]
pub async fn long_running_task(items: Vec<String>) -> Result<(usize, Vec<String>)> {
    let from = act::last_heartbeat::<usize>().unwrap_or(0);
    let mut results = Vec::new();
    for (number, item) in items.iter().enumerate().skip(from) {
        results.push(item.to_uppercase());
        act::heartbeat(number + 1);
        if number == 1 && from == 0 {
            // Stuck: no heartbeat comes, the next attempt goes on where this one was.
            tokio::time::sleep(Duration::from_secs(60)).await;
        }
    }
    Ok((from, results))
}

#[workflow]
pub async fn heartbeats(items: Vec<String>) -> Result<(usize, Vec<String>)> {
    long_running_task(items).await
}

// Nested Activities

#[activity(retry_policy_initial_interval = "20ms", retry_policy_max_attempts = 3)]
pub async fn parent_activity(key: String) -> Result<String> {
    count_run(&format!("{key}-parent"));
    let nested = nested_activity(key).await?;
    Ok(format!("parent of {nested}"))
}

#[activity(retry_policy_max_attempts = 10, retry_policy_initial_interval = "1ms")]
pub async fn nested_activity(key: String) -> Result<String> {
    match count_run(&format!("{key}-nested")) {
        1 => Err(Error::new("the nested activity failed")),
        run => Ok(format!("nested run {run}")),
    }
}

#[workflow]
pub async fn nesting(key: String) -> Result<String> {
    parent_activity(key).await
}

// Local Activities

#[activity]
pub async fn validate_email(email: String) -> Result<bool> {
    Ok(email.contains('@'))
}

#[workflow(name = "user-workflow")]
pub async fn user_workflow(email: String) -> Result<bool> {
    run_activities_locally(validate_email(email)).await
}

#[activity]
pub async fn quick_lookup(email: String) -> Result<String> {
    Ok(email.split('@').next_back().unwrap_or_default().to_owned())
}

#[activity]
pub async fn external_api_call(email: String) -> Result<bool> {
    Ok(!email.is_empty())
}

#[workflow(name = "mixed-workflow")]
pub async fn mixed_workflow(email: String) -> Result<(String, bool)> {
    let domain = run_activities_locally(async { quick_lookup(email.clone()).await }).await?;
    let verified = external_api_call(email).await?;
    Ok((domain, verified))
}

#[activity(start_to_close_timeout = "100ms", retry_policy_max_attempts = 3, retry_policy_initial_interval = "10ms")]
pub async fn timed_local_activity(key: String) -> Result<String> {
    if count_run(&key) == 1 {
        tokio::time::sleep(Duration::from_secs(10)).await;
    }
    Ok(key.to_uppercase())
}

#[workflow]
pub async fn timed_local(key: String) -> Result<String> {
    run_activities_locally(timed_local_activity(key)).await
}

#[activity(retry_policy_max_attempts = 2, retry_policy_initial_interval = "10ms")]
pub async fn crashing(key: String) -> Result<()> {
    count_run(&key);
    panic!("unexpected: {key}")
}

#[workflow]
pub async fn crashes(key: String) -> Result<Vec<String>> {
    let regular = crashing(format!("{key}-regular")).await;
    let local = run_activities_locally(crashing(format!("{key}-local"))).await;
    Ok([regular, local].into_iter().filter_map(|result| seen(result)?.type_name).collect())
}

// Sticky Worker Sessions

static LOADED_MODEL: AtomicBool = AtomicBool::new(false);
static LOADS: AtomicU32 = AtomicU32::new(0);

#[activity(sticky_to_worker = true)]
pub async fn load_model() -> Result<String> {
    if !LOADED_MODEL.swap(true, SeqCst) {
        LOADS.fetch_add(1, SeqCst);
    }
    Ok(act::info().map(|info| info.task_queue).unwrap_or_default())
}

#[activity(sticky_to_worker = true)]
pub async fn predict(item: u32) -> Result<(u32, String)> {
    if !LOADED_MODEL.load(SeqCst) {
        return Err(Error::non_retryable("no model is loaded here"));
    }
    Ok((item * 2, act::info().map(|info| info.task_queue).unwrap_or_default()))
}

#[workflow(name = "ml-inference")]
pub async fn inference(batch: Vec<u32>) -> Result<Vec<(u32, String)>> {
    run_sticky_worker_session(async {
        let queue = load_model().await?;
        let mut results = vec![(0, queue)];
        for item in batch {
            results.push(predict(item).await?);
        }
        Ok(results)
    })
    .await
}

#[workflow(name = "multi-batch")]
pub async fn multi_batch(batches: Vec<Vec<u32>>) -> Result<Vec<String>> {
    let session = get_sticky_worker_session().await?;
    session.run(load_model()).await?;
    let mut queues = Vec::new();
    for batch in batches {
        let results = session.run(workflow::join_all(batch.into_iter().map(predict))).await;
        for result in results {
            queues.push(result?.1);
        }
    }
    Ok(queues)
}

#[workflow]
pub async fn without_session() -> Result<()> {
    load_model().await.map(drop)
}

// Rate limits

#[activity(rate_limit = RateLimit::per(Duration::from_secs(1), 10))]
pub async fn rate_limited(item: u32) -> Result<u32> {
    Ok(item)
}

#[workflow]
pub async fn rates(calls: u32, tenants: Vec<String>) -> Result<usize> {
    let calls = (0..calls).flat_map(|call| {
        let tenants = match tenants.is_empty() {
            true => vec![None],
            false => tenants.iter().cloned().map(Some).collect(),
        };
        tenants.into_iter().map(move |tenant| match tenant {
            None => rate_limited(call),
            Some(tenant) => rate_limited(call).rate_key(tenant),
        })
    });
    Ok(workflow::try_join_all(calls.collect::<Vec<_>>()).await?.len())
}

// 2 MB

#[activity]
pub async fn make(bytes: usize) -> Result<String> {
    Ok("x".repeat(bytes))
}

#[workflow]
pub async fn large(bytes: usize) -> Result<usize> {
    Ok(make(bytes).max_attempts(1).await?.len())
}

#[workflow]
pub async fn large_input(bytes: usize) -> Result<bool> {
    validate_email("x".repeat(bytes)).await
}
