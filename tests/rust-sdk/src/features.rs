//! What workflows can do beside calling activities.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use ostro::client::SearchAttribute;
use ostro::prelude::*;
use ostro::{ErrorKind, activity as act};
use serde::{Deserialize, Serialize};

use crate::seed::{count_run, flaky, quick_lookup, validate_email};

#[activity]
pub async fn place(branch: String) -> Result<String> {
    let info = act::info();
    let local = info.as_ref().is_some_and(|info| info.is_local);
    let place = match (info, local) {
        (None, _) => "nowhere",
        (Some(info), _) if info.activity_id.is_empty() => "standalone",
        (Some(_), true) => "local",
        (Some(info), _) if info.task_queue.contains("::worker::") => "session",
        (Some(_), false) => "remote",
    };
    Ok(format!("{branch}: {place}"))
}

#[activity(sticky_to_worker)]
pub async fn sticky_place(branch: String) -> Result<String> {
    place(branch).await.map(|place| place.replace("remote", "session"))
}

/// Scopes in every combination of joins: each call must see its own.
#[workflow]
pub async fn scopes() -> Result<Vec<String>> {
    let (a, b, c, d, e) = workflow::join!(
        place("a".to_owned()),
        run_activities_locally(place("b".to_owned())),
        run_sticky_worker_session(sticky_place("c".to_owned())),
        run_sticky_worker_session(run_activities_locally(sticky_place("d".to_owned()))),
        run_activities_locally(async { Box::pin(place("e".to_owned())).await }),
    );
    let mut places = vec![a?, b?, c?, d?, e?];
    let many = (0..40).map(|number| async move {
        match number % 2 {
            0 => place(format!("{number}")).await,
            _ => run_activities_locally(place(format!("{number}"))).await,
        }
    });
    let mut unordered: futures_util::stream::FuturesUnordered<_> = many.collect();
    let mut wrong = 0;
    while let Some(result) = futures_util::StreamExt::next(&mut unordered).await {
        let result = result?;
        let (number, place) = result.split_once(": ").unwrap_or_default();
        let expected = if number.parse::<u32>().unwrap_or(0) % 2 == 0 { "remote" } else { "local" };
        wrong += u32::from(place != expected);
    }
    places.push(format!("wrong: {wrong}"));
    let spawned = run_activities_locally(async { workflow::spawn(place("f".to_owned())) }).await?;
    places.push(spawned.await?);
    let mut remote = place("g".to_owned());
    let mut timer = workflow::sleep(Duration::from_secs(60));
    places.push(workflow::select! {
        result = remote => result?,
        _ = timer => "g: the timer was first".to_owned(),
    });
    let boxed: Box<dyn Fn() -> ostro::activity::ActivityCall<String>> = Box::new(|| place("h".to_owned()));
    places.push(run_activities_locally(async { boxed().await }).await?);
    let (sender, receiver) = tokio::sync::oneshot::channel();
    let (sent, received) = workflow::join!(
        async {
            let result = place("i".to_owned()).await?;
            Ok::<_, Error>(sender.send(result).is_ok())
        },
        receiver
    );
    places.push(format!("{} {}", sent?, received?));
    tokio::task::yield_now().await;
    Ok(places)
}

// Messages

#[derive(Default)]
pub struct Counter {
    n: Var<i64>,
    log: Var<Vec<String>>,
}

#[workflow(name = "counter")]
impl Counter {
    #[entrypoint]
    pub async fn execute(&self, goal: i64) -> Result<(i64, Vec<String>)> {
        workflow::wait_condition(|| self.n.get() >= goal).await?;
        workflow::wait_condition(workflow::all_handlers_finished).await?;
        Ok((self.n.get(), self.log.take()))
    }

    #[signal]
    pub fn add(&self, k: i64) {
        self.n.update(|n| *n += k);
        self.log.update(|log| log.push(format!("signal {k}")));
    }

    #[query]
    pub fn value(&self) -> i64 {
        self.n.get()
    }

    /// Changes the state where it must not.
    #[query]
    pub fn wrong(&self) -> i64 {
        self.n.update(|n| {
            *n += 1;
            *n
        })
    }

    #[update]
    pub async fn add_checked(&self, k: i64) -> Result<i64> {
        let valid = validate_email(format!("{k}@")).await?;
        self.n.update(|n| *n += k);
        self.log.update(|log| log.push(format!("update {k} {valid}")));
        Ok(self.n.get())
    }

    #[validator(add_checked)]
    fn check(&self, k: &i64) -> Result<()> {
        if *k < 0 {
            return Err(Error::new("only upwards").with_type("Negative"));
        }
        Ok(())
    }
}

/// State made from the arguments, and a signal that fails.
pub struct Bounded {
    limit: i64,
    n: Var<i64>,
}

#[workflow(name = "bounded")]
impl Bounded {
    #[init]
    fn new(limit: i64) -> Self {
        Self { limit, n: Var::new(0) }
    }

    #[entrypoint]
    pub async fn execute(&self, _limit: i64) -> Result<i64> {
        workflow::wait_condition(|| self.n.get() == self.limit).await?;
        Ok(self.n.get())
    }

    #[signal(name = "raise")]
    pub fn raise(&self, k: i64) -> Result<()> {
        if self.n.get() + k > self.limit {
            return Err(Error::non_retryable("over the limit").with_type("OverLimit"));
        }
        self.n.update(|n| *n += k);
        Ok(())
    }
}

/// Signals and queries of a function.
#[workflow(name = "approval")]
pub async fn approval() -> Result<Vec<String>> {
    let seen = std::rc::Rc::new(Var::<Vec<String>>::default());
    let shown = seen.clone();
    workflow::on_query("seen", move || shown.get())?;
    let mut notes = workflow::signals::<String>("note")?;
    while seen.with(Vec::len) < 3 {
        let note = notes.recv().await?;
        seen.update(|seen| seen.push(note));
    }
    Ok(seen.get())
}

// Timers, cancellation, children, versions

#[workflow]
pub async fn timers() -> Result<(bool, String)> {
    let start = workflow::now();
    workflow::sleep(Duration::from_millis(300)).await?;
    let slept = workflow::now().duration_since(start)? >= Duration::from_millis(300);
    let late = workflow::timeout(Duration::from_millis(200), workflow::sleep(Duration::from_secs(3600))).await;
    Ok((slept, format!("{:?}", late.err().map(|error| error.kind()))))
}

#[activity(heartbeat_timeout = "2s", cancellation = "cooperate")]
pub async fn waits_for_cancel() -> Result<String> {
    loop {
        if act::is_cancelled() {
            return Err(Error::new("it ended by itself"));
        }
        act::heartbeat(());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[workflow]
pub async fn cancellable(key: String) -> Result<()> {
    let result = workflow::sleep(Duration::from_secs(3600)).await;
    if let Err(error) = result {
        let cleaned = workflow::shield(quick_lookup("clean@up".to_owned())).await?;
        count_run(&format!("{key}-{cleaned}-{}", error.is_cancelled()));
        return Err(error);
    }
    Ok(())
}

#[workflow]
pub async fn scoped_cancel() -> Result<Vec<String>> {
    let scope = workflow::CancelScope::new();
    let inside = workflow::spawn(scope.run(waits_for_cancel()))?;
    workflow::sleep(Duration::from_millis(200)).await?;
    scope.cancel();
    let inside = inside.await;
    let outside = quick_lookup("still@alive".to_owned()).await?;
    Ok(vec![format!("{:?}", inside.err().map(|error| error.kind())), outside])
}

#[workflow]
pub async fn child(n: u32) -> Result<u32> {
    if n == 13 {
        return Err(Error::non_retryable("unlucky").with_type("Unlucky").with_details(n));
    }
    workflow::sleep(Duration::from_millis(10)).await?;
    Ok(n * n)
}

#[workflow]
pub async fn parent(n: u32) -> Result<(u32, Vec<u32>, String)> {
    let one = child(n).await?;
    let many = workflow::try_join_all((0..n).map(|n| async move { child(n).await })).await?;
    let error = child(13).id(format!("{}-unlucky", workflow::info().workflow_id)).await.err();
    let error = error.map(|error| format!("{error} {:?} {:?}", error.type_name(), error.details::<u32>()));
    Ok((one, many, error.unwrap_or_default()))
}

#[workflow]
pub async fn signals_child() -> Result<(i64, Vec<String>)> {
    let counter = Counter::execute(3).start_child().await?;
    counter.signal(Counter::add(1)).await?;
    workflow::external::<Counter>(counter.id()).signal(Counter::add(2)).await?;
    counter.result().await
}

#[workflow]
pub async fn counts_down(from: u32, runs: u32) -> Result<u32> {
    if from == 0 {
        return Ok(runs);
    }
    counts_down(from - 1, runs + 1).continue_as_new()
}

#[workflow]
pub async fn random_values() -> Result<(bool, bool)> {
    let (first, second) = (workflow::random::<u64>(), workflow::random::<u64>());
    let id = workflow::uuid4();
    validate_email(id.clone()).await?;
    Ok((first != second, id.len() == 36))
}

#[workflow]
pub async fn versions() -> Result<bool> {
    let new = workflow::patched("new-way");
    workflow::sleep(Duration::from_millis(10)).await?;
    Ok(new && workflow::patched("new-way"))
}

#[workflow]
pub async fn remembers() -> Result<(Option<String>, Option<u32>)> {
    workflow::upsert_memo([("step", json!(2))])?;
    workflow::sleep(Duration::from_millis(1)).await?;
    Ok((workflow::memo("given"), workflow::memo("step")))
}

#[workflow]
pub async fn many(items: Vec<u32>) -> Result<(Vec<String>, usize)> {
    let mut last = 0;
    let results =
        workflow::in_parallel(items, 5, |item| quick_lookup(format!("a@{item}")), |progress| last = progress.done)
            .await?;
    Ok((results, last))
}

/// A local activity that backs off by a durable timer, many at a time.
#[workflow]
pub async fn local_backoff(key: String, calls: u32) -> Result<usize> {
    let calls = (0..calls).map(|call| {
        run_activities_locally(
            flaky(format!("{key}-{call}"), 1).initial_interval(Duration::from_millis(30)).max_attempts(4),
        )
    });
    Ok(workflow::try_join_all(calls).await?.len())
}

/// As many bytes as asked for.
#[activity]
pub async fn page(bytes: usize) -> Result<String> {
    Ok("x".repeat(bytes))
}

/// The bytes of results that one workflow task carries: more than a message of gRPC may.
#[workflow]
pub async fn local_pages(pages: usize, bytes: usize) -> Result<usize> {
    let read = run_activities_locally(workflow::try_join_all((0..pages).map(|_| page(bytes)))).await?;
    Ok(read.iter().map(String::len).sum())
}

// Determinism

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub enum Mistake {
    Timer,
    Task,
    Socket,
    Thread,
    Panic,
    Spin,
}

async fn make_mistake(mistake: Mistake) {
    match mistake {
        Mistake::Timer => tokio::time::sleep(Duration::from_millis(1)).await,
        Mistake::Task => drop(tokio::spawn(async {}).await),
        Mistake::Socket => drop(tokio::net::TcpListener::bind("127.0.0.1:0").await),
        Mistake::Thread => {
            let (sender, receiver) = tokio::sync::oneshot::channel();
            std::thread::spawn(move || {
                std::thread::sleep(Duration::from_millis(50));
                sender.send(())
            });
            let _ = receiver.await;
        }
        Mistake::Panic => panic!("a mistake"),
        Mistake::Spin => loop {
            tokio::task::yield_now().await;
        },
    }
}

#[workflow]
pub async fn mistaken(mistake: Mistake) -> Result<()> {
    make_mistake(mistake).await;
    workflow::sleep(Duration::from_millis(100)).await
}

#[workflow]
pub async fn takes_a_number(n: u32) -> Result<u32> {
    Ok(n)
}

// Dependencies, threads, processes

#[derive(Clone)]
pub struct Db(pub String);

async fn database() -> Result<Db> {
    count_run("database made");
    Ok(Db("the database".to_owned()))
}

fn clock() -> u32 {
    count_run("clock made")
}

#[activity]
pub async fn uses(
    table: String,
    #[depends(database)] db: Db,
    #[depends(clock, scope = call)] clock: u32,
) -> Result<(String, u32)> {
    Ok((format!("{table} of {}", db.0), clock))
}

#[workflow]
pub async fn dependencies() -> Result<Vec<(String, u32)>> {
    let first = uses("a".to_owned()).await?;
    let second = run_activities_locally(uses("b".to_owned())).await?;
    Ok(vec![first, second])
}

#[activity]
pub fn blocking(ms: u64) -> Result<String> {
    act::heartbeat(ms);
    std::thread::sleep(Duration::from_millis(ms));
    Ok(act::info().map(|info| info.name).unwrap_or_default())
}

#[workflow]
pub async fn blocks() -> Result<Vec<String>> {
    workflow::try_join_all((0..3).map(|_| blocking(20))).await
}

#[activity(isolation = "process", retry_policy_initial_interval = "20ms", heartbeat_timeout = "5s")]
pub async fn isolated(abort_below: u32) -> Result<(bool, u32, Option<u32>)> {
    let attempt = act::info().map(|info| info.attempt).unwrap_or_default();
    let before = act::last_heartbeat::<u32>();
    act::heartbeat(attempt * 10);
    println!("a line that is not for the worker");
    if attempt < abort_below {
        std::process::abort();
    }
    Ok((std::env::args().count() == 1, attempt, before))
}

#[workflow]
pub async fn isolates(abort_below: u32) -> Result<(bool, u32, Option<u32>)> {
    isolated(abort_below).await
}

#[workflow]
pub async fn kinds() -> Result<String> {
    let error = flaky("kinds".to_owned(), 100).max_attempts(1).await.err();
    Ok(match error.map(|error| error.kind()) {
        Some(ErrorKind::Application) => "application".to_owned(),
        other => format!("{other:?}"),
    })
}

// Completed from outside

#[activity(
    start_to_close_timeout = "30s",
    heartbeat_timeout = "10s",
    retry_policy_max_attempts = 3,
    retry_policy_initial_interval = "10ms"
)]
pub async fn answered(key: String) -> Result<(String, Option<u32>)> {
    leave(&key, act::token()?);
    if act::last_heartbeat::<u32>().is_some_and(|details| details == 99) {
        return Ok(("by itself".to_owned(), act::last_heartbeat()));
    }
    act::complete_later()
}

/// Tokens that activities of this process left for their tests.
static TOKENS: Mutex<BTreeMap<String, act::ActivityToken>> = Mutex::new(BTreeMap::new());

fn leave(key: &str, token: act::ActivityToken) {
    TOKENS.lock().unwrap_or_else(PoisonError::into_inner).insert(key.to_owned(), token);
}

/// The token, once it is there.
pub async fn token_of(key: &str) -> act::ActivityToken {
    loop {
        if let Some(token) = TOKENS.lock().unwrap_or_else(PoisonError::into_inner).remove(key) {
            return token;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[workflow]
pub async fn asks(key: String) -> Result<(String, Option<u32>)> {
    answered(key).activity_id("question").await
}

/// Cancels what is completed from outside, and waits for what whoever completes it says.
#[workflow]
pub async fn asks_in_vain(key: String) -> Result<String> {
    let scope = workflow::CancelScope::new();
    let asked = workflow::spawn(scope.run(answered(key).activity_id("question")))?;
    let mut enough = workflow::signals::<bool>("enough")?;
    enough.recv().await?;
    scope.cancel();
    let ended = format!("{:?}", asked.await.err().map(|error| error.kind()));
    // The workflow does not wait for the activity, which only lives as long as the workflow does.
    enough.recv().await?;
    Ok(ended)
}

#[workflow]
pub async fn asks_locally(key: String) -> Result<String> {
    let error = run_activities_locally(answered(key).max_attempts(1)).await.err();
    Ok(error.and_then(|error| error.type_name().map(str::to_owned)).unwrap_or_default())
}

/// Ends as cancelled where nobody asked for that: it passes on how another workflow ended.
#[activity(retry_policy_max_attempts = 1)]
pub async fn gives_up(id: String, #[depends(engine)] ostro: Ostro) -> Result<()> {
    ostro.workflow::<cancellable>(id).result().await
}

/// The test's worker is given it.
pub async fn engine() -> Result<Ostro> {
    Err(Error::non_retryable("the worker has no engine to look at"))
}

#[workflow]
pub async fn giving_up(id: String) -> Result<String> {
    let error = gives_up(id).await.err();
    Ok(error.map(|error| format!("{:?} {:?}", error.kind(), error.type_name())).unwrap_or_default())
}

/// One call for each tenant.
#[workflow]
pub async fn one_call_each(tenants: Vec<String>) -> Result<usize> {
    let calls = tenants.into_iter().map(|tenant| crate::seed::rate_limited(1).rate_key(tenant));
    Ok(workflow::try_join_all(calls).await?.len())
}

/// Found by other values than it was started with.
#[workflow]
pub async fn found() -> Result<Vec<(String, serde_json::Value)>> {
    let changed = [("OstroTestText", SearchAttribute::from("changed")), ("OstroTestNumber", SearchAttribute::from(8))];
    workflow::upsert_search_attributes(changed)?;
    workflow::sleep(Duration::from_millis(1)).await?;
    Ok(workflow::search_attributes())
}

// Options of calls

/// What becomes of a call whose options are not met.
#[workflow]
pub async fn unmet(key: String) -> Result<Vec<String>> {
    let kind = |error: Option<Error>| error.map(|error| format!("{:?}", error.kind())).unwrap_or_default();
    let nobody = validate_email("a@b".to_owned())
        .task_queue(format!("nobody-{key}"))
        .schedule_to_start_timeout(Duration::from_millis(300));
    let in_all = waits_for_cancel().schedule_to_close_timeout(Duration::from_millis(700));
    let named = named_error(key.clone(), None).await.err();
    let runs = named.as_ref().and_then(Error::details::<u32>).unwrap_or_default();
    let started = workflow::now();
    let later = named_error(format!("{key}-later"), Some(300)).await.err().and_then(|error| error.details::<u32>());
    let waited = workflow::now().duration_since(started)? >= Duration::from_millis(300);
    Ok(vec![
        kind(nobody.await.err()),
        kind(in_all.await.err()),
        format!("{} run, {:?}", runs, named.and_then(|error| error.type_name().map(str::to_owned))),
        format!("{later:?} runs, waited {waited}"),
    ])
}

/// Never tried again where it has this name; tried again when it says, where it does.
#[activity(retry_policy_non_retryable = ["Final"], retry_policy_max_attempts = 2, retry_policy_initial_interval = "1ms")]
pub async fn named_error(key: String, again_ms: Option<u64>) -> Result<()> {
    let error = Error::new("as it was asked for").with_details(count_run(&key));
    Err(match again_ms {
        None => error.with_type("Final"),
        Some(milliseconds) => error.retry_after(Duration::from_millis(milliseconds)),
    })
}

/// The loser of a race is cancelled.
#[workflow]
pub async fn loses() -> Result<bool> {
    let lost = workflow::timeout(Duration::from_millis(200), waits_for_cancel()).await;
    workflow::sleep(Duration::from_millis(10)).await?;
    Ok(lost.is_err_and(|error| error.is_timeout()))
}

#[activity]
pub async fn takes_a_map(map: BTreeMap<(u8, u8), u8>) -> Result<usize> {
    Ok(map.len())
}

#[workflow]
pub async fn unwritable() -> Result<usize> {
    takes_a_map(BTreeMap::from([((1, 2), 3)])).await
}

#[workflow]
pub async fn local_rate(calls: u32) -> Result<u32> {
    for call in 0..calls {
        run_activities_locally(crate::seed::rate_limited(call)).await?;
    }
    Ok(calls)
}

/// A session that is passed on: to a child, and to the next run.
#[workflow]
pub async fn passes_session(given: Option<StickyWorkerSession>, seen: Vec<String>) -> Result<Vec<String>> {
    let session = match given {
        Some(session) => session,
        None => get_sticky_worker_session().await?,
    };
    let mut seen = seen;
    seen.push(session.run(crate::seed::load_model()).await?);
    if seen.len() == 1 {
        seen.push(in_session(session.clone()).await?);
        return passes_session(Some(session), seen).continue_as_new();
    }
    Ok(seen)
}

#[workflow]
pub async fn in_session(session: StickyWorkerSession) -> Result<String> {
    session.run(crate::seed::load_model()).await
}
