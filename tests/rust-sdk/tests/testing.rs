//! The testing module: a clock to turn, activities replaced, histories replayed; and activities called directly.
#![allow(clippy::unwrap_used)]

use std::time::{Duration, Instant};

use ostro::client::History;
use ostro::prelude::*;
use ostro::testing::{self, TestEnvironment};
use ostro_sdk_tests::features::{Db, dependencies, place};
use ostro_sdk_tests::seed::{flaky, nesting, runs};

#[activity]
async fn remind(who: String) -> Result<String> {
    Err(Error::new(format!("{who} would be disturbed")))
}

#[workflow]
async fn reminders(who: String) -> Result<Vec<String>> {
    let mut said = Vec::new();
    for _ in 0..12 {
        workflow::sleep(Duration::from_secs(30 * 24 * 3600)).await?;
        said.push(remind(who.clone()).await?);
    }
    Ok(said)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_year_passes_in_a_moment() {
    let env = TestEnvironment::start().await.unwrap();
    let calls = env.mock(remind {}, |who: String| Ok(format!("{who}, remember")));
    let worker = env.worker().spawn().unwrap();
    let (before, started) = (env.now().await.unwrap(), Instant::now());
    let said = reminders("ann".to_owned()).execute(env.ostro()).await.unwrap();
    assert_eq!((said.len(), calls.count(), said[0].as_str()), (12, 12, "ann, remember"));
    let passed = env.now().await.unwrap().duration_since(before).unwrap();
    assert!(passed >= Duration::from_secs(360 * 24 * 3600), "{passed:?}");
    assert!(started.elapsed() < Duration::from_secs(30), "{:?}", started.elapsed());
    worker.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_mock_is_retried_and_time_can_be_let_pass() {
    let env = TestEnvironment::start().await.unwrap();
    let calls = env.mock(remind {}, |who: String| match who.as_str() {
        "nobody" => Err(Error::non_retryable("nobody is there")),
        _ => Ok(who),
    });
    let worker = env.worker().spawn().unwrap();
    let handle = reminders("nobody".to_owned()).start(env.ostro()).await.unwrap();
    env.sleep(Duration::from_secs(31 * 24 * 3600)).await.unwrap();
    let error = handle.result().await.unwrap_err();
    assert_eq!((error.message(), calls.count()), ("nobody is there", 1));
    worker.shutdown().await.unwrap();
}

#[workflow(name = "scheduled-by-itself", schedules = ["30 2 * * *"])]
async fn scheduled_by_itself() -> Result<()> {
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_makes_the_schedules_of_its_workflows() {
    let ostro = Ostro::ephemeral().await.unwrap();
    let worker = ostro.worker().workflow::<scheduled_by_itself>().spawn().unwrap();
    let schedule = ostro.schedule("scheduled-by-itself:0");
    let described = loop {
        match schedule.describe().await {
            Ok(described) => break described,
            Err(error) => assert_eq!(error.type_name(), Some("NotFound"), "{error}"),
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    };
    let next = described.next[0].duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    assert_eq!(next % 86_400, 2 * 3600 + 30 * 60, "{described:?}");
    worker.shutdown().await.unwrap();
}

async fn fake() -> Result<Db> {
    Ok(Db("unused".to_owned()))
}

#[activity]
async fn asks(#[depends(fake)] db: Db) -> Result<String> {
    Ok(db.0)
}

#[workflow]
async fn asking() -> Result<String> {
    asks().await
}

#[tokio::test(flavor = "multi_thread")]
async fn dependencies_are_provided_by_the_worker() {
    let env = TestEnvironment::start().await.unwrap();
    let worker = env.worker().provide(fake, Db("provided".to_owned())).spawn().unwrap();
    assert_eq!(asking().execute(env.ostro()).await.unwrap(), "provided");
    assert_eq!(dependencies().execute(env.ostro()).await.unwrap().len(), 2);
    worker.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_history_of_other_code_does_not_replay() {
    let env = TestEnvironment::start().await.unwrap();
    let worker = env.worker().spawn().unwrap();
    let handle = nesting("replay".to_owned()).start(env.ostro()).await.unwrap();
    handle.result().await.unwrap();
    let json = handle.history().await.unwrap().to_json();
    testing::replay(History::from_json(&json).unwrap()).await.unwrap();

    let other = json.replace("parent_activity", "another_activity");
    let error = testing::replay(History::from_json(&other).unwrap()).await.unwrap_err();
    assert_eq!(error.type_name(), Some("NonDeterminism"), "{error}");
    assert!(error.message().contains("parent_activity"), "it names the difference: {error}");
    let error = History::from_json("{").unwrap_err();
    assert_eq!(error.type_name(), Some("InvalidHistory"));
    worker.shutdown().await.unwrap();
}

/// As `temporal workflow show --output json` wrote them.
#[tokio::test]
async fn histories_of_the_reference_server_replay() {
    for name in ["nesting", "mixed-workflow", "counter", "random_values"] {
        let path = format!("{}/stored/{name}.json", env!("CARGO_MANIFEST_DIR"));
        let history = History::from_json(&std::fs::read_to_string(&path).unwrap()).unwrap();
        assert!(history.count("WorkflowExecutionCompleted") == 1 && history.events()[0].time.is_some(), "{path}");
        let again = History::from_json(&history.to_json()).unwrap();
        assert_eq!(again.raw(), history.raw());
        testing::replay(history).await.unwrap_or_else(|error| panic!("{path}: {error}"));
    }
}

#[tokio::test]
async fn outside_of_workflows_an_activity_runs_here_with_its_retries() {
    let attempts = flaky("outside".to_owned(), 2).initial_interval(Duration::from_millis(1)).await.unwrap();
    assert_eq!((attempts, runs("outside")), (3, 3));
    let error = flaky("outside-fails".to_owned(), 100)
        .max_attempts(2)
        .initial_interval(Duration::from_millis(1))
        .await
        .unwrap_err();
    assert_eq!((error.message(), error.activity(), runs("outside-fails")), ("attempt 2 failed", Some("flaky"), 2));
    let late = ostro_sdk_tests::seed::too_slow().await.unwrap_err();
    assert!(late.is_timeout(), "{late}");
    // Scopes of workflows change nothing here.
    assert_eq!(run_activities_locally(place("a".to_owned())).await.unwrap(), "a: standalone");
    let error = workflow::sleep(Duration::from_secs(1)).await.unwrap_err();
    assert!(error.message().contains("workflow::sleep() works in a workflow"), "{error}");
    let error = reminders("x".to_owned()).await.unwrap_err();
    assert!(error.message().contains("start it with `.start(&ostro)`"), "{error}");
}

#[tokio::test]
async fn what_cannot_be_opened_says_what_to_do() {
    let error = Ostro::connect("127.0.0.1:17001").await.err().unwrap();
    assert!(
        error.message().contains("nothing answers at http://127.0.0.1:17001")
            && error.message().contains("`ostro dev`"),
        "{error}"
    );
    let error = Ostro::connect("ftp://somewhere").await.err().unwrap();
    assert!(error.message().contains("host:port"), "{error}");
}
