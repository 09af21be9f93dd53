//! What workflows can do beside calling activities.

use std::future::Future;
use std::time::{Duration, Instant};

use ostro::client::{Filter, Overlap, Schedule, SearchAttributeKind};
use ostro::testing;
use ostro::{Error, ErrorKind, WorkflowStatus};
use ostro_sdk_tests::features::*;
use ostro_sdk_tests::seed::{basic, runs, user_workflow};
use serde_json::json;

use crate::fixture::{Engine, on_every_engine, run};

on_every_engine! {
    async fn every_call_sees_its_own_scope(t) {
        t.cached_and_not(|| async {
            let handle = scopes().start(&t.ostro).await.unwrap();
            let places = handle.result().await.unwrap();
            assert_eq!(
                places,
                ["a: remote", "b: local", "c: session", "d: local", "e: local", "wrong: 0", "f: local", "g: remote", "h: local", "true i: remote"]
            );
            testing::replay(handle.history().await.unwrap()).await.unwrap();
        })
        .await;
    }

    async fn signals_queries_and_updates_reach_the_state(t) {
        t.cached_and_not(|| async {
            let handle = Counter::execute(10).start(&t.ostro).await.unwrap();
            handle.signal(Counter::add(2)).await.unwrap();
            assert_eq!(handle.update(Counter::add_checked(3)).await.unwrap(), 5);
            assert_eq!(handle.query(Counter::value()).await.unwrap(), 5);
            let refused = handle.update(Counter::add_checked(-1)).await.unwrap_err();
            assert_eq!((refused.message(), refused.type_name()), ("only upwards", Some("Negative")));
            let wrong = handle.query(Counter::wrong()).await.unwrap_err();
            assert!(wrong.message().contains("only looks"), "{wrong}");
            handle.signal(Counter::add(5)).await.unwrap();
            let (n, log) = handle.result().await.unwrap();
            assert_eq!((n, log), (10, vec!["signal 2".to_owned(), "update 3 true".to_owned(), "signal 5".to_owned()]));
            assert_eq!(handle.query(Counter::value()).await.unwrap(), 10, "a closed workflow answers too");
            testing::replay(handle.history().await.unwrap()).await.unwrap();
        })
        .await;
    }

    async fn what_nobody_handles_is_named(t) {
        let worker = t.worker().spawn().unwrap();
        let handle = Counter::execute(1).start(&t.ostro).await.unwrap();
        let error = handle.query::<u32>(ostro::workflow::Query::named("price")).await.unwrap_err();
        assert!(error.message().contains("workflow `counter` has no query `price`; it has: value, wrong"), "{error}");
        // A signal that cannot be read is dropped, and ends nothing.
        handle.signal(ostro::workflow::Signal::named("add", json!("many"))).await.unwrap();
        handle.signal(Counter::add(1)).await.unwrap();
        assert_eq!(handle.result().await.unwrap().0, 1);
        worker.shutdown().await.unwrap();
    }

    async fn an_error_of_a_signal_handler_fails_the_workflow(t) {
        let worker = t.worker().spawn().unwrap();
        let handle = Bounded::execute(3).start(&t.ostro).await.unwrap();
        handle.signal(Bounded::raise(2)).await.unwrap();
        handle.signal(Bounded::raise(2)).await.unwrap();
        let error = handle.result().await.unwrap_err();
        assert_eq!((error.message(), error.type_name()), ("over the limit", Some("OverLimit")));
        worker.shutdown().await.unwrap();
    }

    async fn functions_take_signals_and_answer_queries(t) {
        t.cached_and_not(|| async {
            let handle = approval().start(&t.ostro).await.unwrap();
            for note in ["one", "two", "three"] {
                handle.signal(ostro::workflow::Signal::named("note", note)).await.unwrap();
            }
            assert_eq!(handle.result().await.unwrap(), ["one", "two", "three"]);
            let seen: Vec<String> = handle.query(ostro::workflow::Query::named("seen")).await.unwrap();
            assert_eq!(seen.len(), 3);
        })
        .await;
    }

    async fn signal_and_update_with_start(t) {
        let worker = t.worker().spawn().unwrap();
        let id = t.id("with-start");
        for _ in 0..2 {
            let call = Counter::execute(3).id(&id);
            call.signal_with_start(&t.ostro, Counter::add(1)).await.unwrap();
        }
        let n = Counter::execute(3).id(&id).update_with_start(&t.ostro, Counter::add_checked(1)).await.unwrap();
        assert_eq!(n, 3);
        assert_eq!(t.ostro.workflow::<Counter>(&id).result().await.unwrap().0, 3);
        worker.shutdown().await.unwrap();
    }

    async fn timers_and_timeouts(t) {
        t.cached_and_not(|| async {
            let (slept, late) = timers().execute(&t.ostro).await.unwrap();
            assert_eq!((slept, late.as_str()), (true, "Some(Timeout(Future))"));
        })
        .await;
    }

    async fn a_cancelled_workflow_cleans_up_and_is_cancelled(t) {
        let worker = t.worker().spawn().unwrap();
        let key = t.id("cancel");
        let handle = cancellable(key.clone()).start(&t.ostro).await.unwrap();
        handle.cancel("enough").await.unwrap();
        let error = handle.result().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Cancelled);
        assert_eq!(runs(&format!("{key}-up-true")), 1);
        assert_eq!(handle.describe().await.unwrap().status, WorkflowStatus::Canceled);
        worker.shutdown().await.unwrap();
    }

    async fn a_cancelled_scope_leaves_the_rest_alone(t) {
        let worker = t.worker().spawn().unwrap();
        let results = scoped_cancel().execute(&t.ostro).await.unwrap();
        assert_eq!(results, ["Some(Cancelled)", "alive"]);
        worker.shutdown().await.unwrap();
    }

    async fn children_are_called_like_functions(t) {
        t.cached_and_not(|| async {
            let (one, many, error) = parent(3).execute(&t.ostro).await.unwrap();
            assert_eq!((one, many), (9, vec![0, 1, 4]));
            assert_eq!(error, "workflow `child`: unlucky Some(\"Unlucky\") Some(13)");
            let (n, _) = signals_child().execute(&t.ostro).await.unwrap();
            assert_eq!(n, 3);
        })
        .await;
    }

    async fn a_workflow_continues_as_new(t) {
        let worker = t.worker().spawn().unwrap();
        let handle = counts_down(3, 0).start(&t.ostro).await.unwrap();
        assert_eq!(handle.result().await.unwrap(), 3);
        assert_eq!(handle.history().await.unwrap().count("WorkflowExecutionContinuedAsNew"), 1);
        worker.shutdown().await.unwrap();
    }

    async fn random_values_versions_and_memos_replay(t) {
        t.cached_and_not(|| async {
            assert_eq!(random_values().execute(&t.ostro).await.unwrap(), (true, true));
            assert!(versions().execute(&t.ostro).await.unwrap());
            let remembered = remembers().memo("given", "a memo").execute(&t.ostro).await.unwrap();
            assert_eq!(remembered, (Some("a memo".to_owned()), Some(2)));
        })
        .await;
    }

    async fn fan_out_with_a_limit_and_progress(t) {
        let worker = t.worker().spawn().unwrap();
        let (results, last) = many((0..30).collect()).execute(&t.ostro).await.unwrap();
        assert_eq!((results.len(), results[29].as_str(), last), (30, "29", 30));
        worker.shutdown().await.unwrap();
    }

    async fn many_local_activities_that_back_off_all_end(t) {
        let worker = t.worker().spawn().unwrap();
        assert_eq!(local_backoff(t.id("backoff"), 60).execute(&t.ostro).await.unwrap(), 60);
        worker.shutdown().await.unwrap();
    }

    async fn what_breaks_determinism_fails_and_says_what_to_use(t) {
        let worker = t.worker().spawn().unwrap();
        for (mistake, expected) in [
            (Mistake::Timer, "used a timer of tokio, which gives another answer when it replays: use ostro::workflow::sleep"),
            (Mistake::Task, "started a task of tokio"),
            (Mistake::Socket, "did I/O with tokio"),
            (Mistake::Thread, "awaited something that is not in its history"),
            (Mistake::Spin, "woke itself 10 000 times in a row"),
        ] {
            let error = mistaken(mistake).execute(&t.ostro).await.unwrap_err();
            assert_eq!(error.type_name(), Some("DeterminismError"), "{mistake:?}: {error}");
            assert!(error.message().contains(expected), "{mistake:?}: {error}");
        }
        let error = mistaken(Mistake::Panic).execute(&t.ostro).await.unwrap_err();
        assert_eq!((error.type_name(), error.message()), (Some("Panic"), "workflow `mistaken` panicked: a mistake"));
        assert!(user_workflow("a@b".to_owned()).execute(&t.ostro).await.unwrap(), "the worker goes on");
        worker.shutdown().await.unwrap();
    }

    async fn dependencies_are_made_once_for_a_worker_or_for_each_call(t) {
        let worker = t.worker().spawn().unwrap();
        let results = dependencies().execute(&t.ostro).await.unwrap();
        assert_eq!(results, [("a of the database".to_owned(), 1), ("b of the database".to_owned(), 2)]);
        assert_eq!(runs("database made"), 1);
        worker.shutdown().await.unwrap();
    }

    async fn blocking_activities_run_on_threads(t) {
        let worker = t.worker().spawn().unwrap();
        assert_eq!(blocks().execute(&t.ostro).await.unwrap(), ["blocking"; 3]);
        worker.shutdown().await.unwrap();
    }

    async fn lists_are_filtered(t) {
        let worker = t.worker().spawn().unwrap();
        let (id, other) = (t.id("listed"), t.id("other"));
        basic("a".to_owned()).id(&id).execute(&t.ostro).await.unwrap();
        let open = Counter::execute(1).id(&other).start(&t.ostro).await.unwrap();
        let closed = Filter::all().of::<basic>().id(&id).status(WorkflowStatus::Completed);
        let mut found = Vec::new();
        // The reference server's lists come a moment later.
        for _ in 0..100 {
            found = t.ostro.list(&closed, 10).await.unwrap();
            if !found.is_empty() || t.engine != Engine::Temporal {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        assert_eq!(found.iter().map(|found| (&found.id, found.status)).collect::<Vec<_>>(), [(&id, WorkflowStatus::Completed)]);
        assert_eq!(t.ostro.count(&closed).await.unwrap(), 1);
        open.terminate("enough").await.unwrap();
        assert_eq!(open.result().await.unwrap_err().kind(), ErrorKind::Terminated);
        worker.shutdown().await.unwrap();
    }

    async fn schedules_start_workflows(t) {
        let worker = t.worker().spawn().unwrap();
        let id = t.id("schedule");
        let every_hour = || Schedule::every(Duration::from_secs(3600)).paused("not yet");
        let schedule = basic("scheduled".to_owned()).schedule(&t.ostro, &id, every_hour()).await.unwrap();
        basic("replaced".to_owned()).schedule(&t.ostro, &id, every_hour()).await.unwrap();
        let described = schedule.describe().await.unwrap();
        assert!(described.paused && described.note == "not yet" && !described.next.is_empty(), "{described:?}");
        schedule.trigger().await.unwrap();
        let mut recent = Vec::new();
        while recent.is_empty() {
            recent = schedule.describe().await.unwrap().recent;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let result = t.ostro.workflow::<basic>(&recent[0]).result().await.unwrap();
        assert_eq!(result.result, "replaced");
        schedule.delete().await.unwrap();
        worker.shutdown().await.unwrap();
    }

    async fn a_wrong_argument_fails_the_workflow_at_once(t) {
        let worker = t.worker().spawn().unwrap();
        // What another client might send.
        let wrong: ostro::workflow::WorkflowCall<takes_a_number> =
            ostro::workflow::WorkflowCall::new(ostro::__private::Arguments::new().with("n", "many"));
        let error = wrong.execute(&t.ostro).await.unwrap_err();
        assert_eq!(error.type_name(), Some("InvalidPayload"));
        assert!(error.message().starts_with("argument `n`: \"many\" is no u32"), "{error}");
        worker.shutdown().await.unwrap();
    }

    async fn an_id_in_use_is_refused(t) {
        let id = t.id("twice");
        let first = Counter::execute(1).id(&id).start(&t.ostro).await.unwrap();
        let error = Counter::execute(1).id(&id).start(&t.ostro).await.err().unwrap();
        assert_eq!(error.type_name(), Some("AlreadyStarted"), "{error}");
        assert!(error.message().contains(&id), "{error}");
        first.terminate("enough").await.unwrap();
    }

    async fn an_activity_is_completed_from_outside(t) {
        let worker = t.worker().spawn().unwrap();
        // By the token of its attempt.
        let key = t.id("answer");
        let handle = asks(key.clone()).start(&t.ostro).await.unwrap();
        let token = token_of(&key).await;
        let text = serde_json::to_string(&token).unwrap();
        assert_eq!(serde_json::from_str::<ostro::activity::ActivityToken>(&text).unwrap(), token, "it can be stored");
        t.ostro.activity::<answered>(token.clone()).complete(&("yes".to_owned(), None)).await.unwrap();
        assert_eq!(handle.result().await.unwrap(), ("yes".to_owned(), None));
        let late = t.ostro.activity::<answered>(token).complete(&("no".to_owned(), None)).await.unwrap_err();
        assert_eq!(late.type_name(), Some("NotFound"), "{late}");

        // By the ids of the workflow and the activity.
        let key = t.id("answer");
        let handle = asks(key.clone()).start(&t.ostro).await.unwrap();
        token_of(&key).await;
        let asked = t.ostro.activity_by_id::<answered>(handle.id(), "question");
        let answer = ("yes".to_owned(), Some(2));
        completed(|| asked.complete(&answer)).await;
        assert_eq!(handle.result().await.unwrap(), ("yes".to_owned(), Some(2)));
        let nobody = t.ostro.activity_by_id::<answered>(t.id("nobody"), "question");
        let error = nobody.complete(&("yes".to_owned(), None)).await.unwrap_err();
        assert_eq!(error.type_name(), Some("NotFound"), "{error}");
        worker.shutdown().await.unwrap();
    }

    async fn an_activity_is_failed_from_outside_and_tried_again(t) {
        let worker = t.worker().spawn().unwrap();
        let key = t.id("answer");
        let handle = asks(key.clone()).start(&t.ostro).await.unwrap();
        let first = t.ostro.activity::<answered>(token_of(&key).await);
        first.fail(Error::new("ask again").with_type("Unclear")).await.unwrap();
        // The next attempt has another token, and reads the details of this one.
        let second = t.ostro.activity::<answered>(token_of(&key).await);
        let answer = second.heartbeat(99).await.unwrap();
        assert!(!answer.cancel_requested && !answer.paused, "{answer:?}");
        let pending = &handle.describe().await.unwrap().pending_activities[0];
        assert_eq!((pending.id.as_str(), pending.attempt), ("question", 2));
        assert_eq!(pending.last_failure.as_deref(), Some("ask again"));
        assert_eq!(pending.heartbeat_details, Some(json!(99)));
        second.fail(Error::new("once more")).await.unwrap();
        assert_eq!(handle.result().await.unwrap(), ("by itself".to_owned(), Some(99)));

        let key = t.id("answer");
        let handle = asks(key.clone()).start(&t.ostro).await.unwrap();
        let token = token_of(&key).await;
        t.ostro.activity::<answered>(token).fail(Error::non_retryable("never").with_type("Refused")).await.unwrap();
        let error = handle.result().await.unwrap_err();
        assert_eq!((error.message(), error.type_name(), error.activity()), ("never", Some("Refused"), Some("answered")));
        worker.shutdown().await.unwrap();
    }

    async fn an_activity_is_cancelled_from_outside_where_its_workflow_asked(t) {
        let worker = t.worker().spawn().unwrap();
        let key = t.id("answer");
        let handle = asks_in_vain(key.clone()).start(&t.ostro).await.unwrap();
        let asked = t.ostro.activity::<answered>(token_of(&key).await);
        let error = asked.cancelled().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Engine, "nobody asked for it: {error}");
        handle.signal(ostro::workflow::Signal::named("enough", true)).await.unwrap();
        while !asked.heartbeat(()).await.unwrap().cancel_requested {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        asked.cancelled().await.unwrap();
        handle.signal(ostro::workflow::Signal::named("enough", true)).await.unwrap();
        assert_eq!(handle.result().await.unwrap(), "Some(Cancelled)");
        assert_eq!(handle.history().await.unwrap().count("ActivityTaskCanceled"), 1);
        worker.shutdown().await.unwrap();
    }

    async fn a_local_activity_cannot_be_completed_later(t) {
        let worker = t.worker().spawn().unwrap();
        assert_eq!(asks_locally(t.id("answer")).execute(&t.ostro).await.unwrap(), "NotAllowed");
        worker.shutdown().await.unwrap();
    }

    async fn an_activity_that_ends_as_cancelled_by_itself_has_failed(t) {
        let worker = t.worker().provide(engine, t.ostro.clone()).spawn().unwrap();
        let other = cancellable(t.id("cancel")).start(&t.ostro).await.unwrap();
        other.cancel("enough").await.unwrap();
        let seen = giving_up(other.id().to_owned()).execute(&t.ostro).await.unwrap();
        assert_eq!(seen, "Application Some(\"Cancelled\")");
        worker.shutdown().await.unwrap();
    }

    async fn the_queue_of_a_tenant_is_left_when_nobody_uses_it(t) {
        let worker = t.worker().tenant_queue_idle(Duration::from_millis(200)).spawn().unwrap();
        let tenants = || worker.task_queues().iter().filter(|queue| queue.contains("::rate::rate_limited::")).count();
        // It is left only after the calls, and asked again when there are others.
        for _ in 0..2 {
            let names = vec!["a".to_owned(), "b".to_owned()];
            assert_eq!(one_call_each(names).execute(&t.ostro).await.unwrap(), 2);
            while tenants() > 0 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
        assert!(worker.task_queues().contains(&t.ostro.task_queue().to_owned()), "{:?}", worker.task_queues());
        worker.shutdown().await.unwrap();
    }

    async fn options_that_are_not_met_end_a_call(t) {
        let worker = t.worker().spawn().unwrap();
        let key = t.id("unmet");
        let ends = unmet(key).execute(&t.ostro).await.unwrap();
        assert_eq!(
            ends,
            [
                "Timeout(ScheduleToStart)", "Timeout(ScheduleToClose)", "1 run, Some(\"Final\")",
                "Some(2) runs, waited true",
            ]
        );
        worker.shutdown().await.unwrap();
    }

    async fn the_loser_of_a_race_is_cancelled(t) {
        let worker = t.worker().spawn().unwrap();
        let handle = loses().start(&t.ostro).await.unwrap();
        assert!(handle.result().await.unwrap());
        assert_eq!(handle.history().await.unwrap().count("ActivityTaskCancelRequested"), 1);
        worker.shutdown().await.unwrap();
    }

    async fn what_cannot_be_written_as_json_fails_at_once(t) {
        let worker = t.worker().spawn().unwrap();
        let error = unwritable().execute(&t.ostro).await.unwrap_err();
        assert_eq!(error.type_name(), Some("InvalidPayload"));
        assert!(error.message().starts_with("argument 1, map: "), "{error}");
        worker.shutdown().await.unwrap();
    }

    async fn local_calls_are_limited_in_their_process(t) {
        let worker = t.worker().spawn().unwrap();
        let started = Instant::now();
        assert_eq!(local_rate(6).execute(&t.ostro).await.unwrap(), 6);
        assert!(started.elapsed() >= Duration::from_millis(500), "6 calls at 10/s took {:?}", started.elapsed());
        worker.shutdown().await.unwrap();
    }

    async fn a_session_is_passed_to_children_and_the_next_run(t) {
        let workers = [t.worker().spawn().unwrap(), t.worker().spawn().unwrap()];
        let queues = passes_session(None, Vec::new()).execute(&t.ostro).await.unwrap();
        assert!(queues.len() == 3 && queues.iter().all(|queue| *queue == queues[0]), "{queues:?}");
        for worker in workers {
            worker.shutdown().await.unwrap();
        }
    }

    async fn search_attributes_are_given_changed_and_found_by(t) {
        t.ostro.add_search_attribute("OstroTestText", SearchAttributeKind::Keyword).await.unwrap();
        t.ostro.add_search_attribute("OstroTestText", SearchAttributeKind::Keyword).await.unwrap();
        t.ostro.add_search_attribute("OstroTestNumber", SearchAttributeKind::Int).await.unwrap();
        let worker = t.worker().spawn().unwrap();
        let id = t.id("found");
        // The reference server knows an attribute a moment after it was added.
        let handle = loop {
            match found().id(&id).search_attribute("OstroTestText", "given").start(&t.ostro).await {
                Ok(handle) => break handle,
                Err(error) => assert!(error.message().contains("OstroTestText"), "{error}"),
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        };
        // The reference server has some of its own.
        let ours = |seen: Vec<(String, serde_json::Value)>| -> Vec<_> {
            seen.into_iter().filter(|(name, _)| name.starts_with("OstroTest")).collect()
        };
        let seen = ours(handle.result().await.unwrap());
        assert_eq!(seen, [("OstroTestNumber".to_owned(), json!(8)), ("OstroTestText".to_owned(), json!("changed"))]);
        assert_eq!(ours(handle.describe().await.unwrap().search_attributes), seen);
        let filter = Filter::all().id(&id).attribute("OstroTestNumber", 8).attribute("OstroTestText", "changed");
        while t.ostro.count(&filter).await.unwrap() == 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        worker.shutdown().await.unwrap();
    }

    async fn schedules_are_listed_and_backfilled(t) {
        let worker = t.worker().spawn().unwrap();
        let id = t.id("schedule");
        let daily = Schedule::cron("30 2 * * *").overlap(Overlap::AllowAll).paused("only by hand");
        let schedule = basic("backfilled".to_owned()).schedule(&t.ostro, &id, daily).await.unwrap();
        while !t.ostro.schedules().await.unwrap().iter().any(|one| one.id == id && one.workflow == "basic" && one.paused) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let day = Duration::from_secs(86_400);
        let midnight = std::time::UNIX_EPOCH + 20_000 * day;
        schedule.backfill(midnight, midnight + 3 * day, Overlap::AllowAll).await.unwrap();
        let started = loop {
            let recent = schedule.describe().await.unwrap().recent;
            if recent.len() == 3 {
                break recent;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        for id in started {
            assert_eq!(t.ostro.workflow::<basic>(&id).result().await.unwrap().result, "backfilled");
        }
        schedule.delete().await.unwrap();
        worker.shutdown().await.unwrap();
    }
}

/// Over TCP a server refuses such a message, as Temporal's does.
#[test]
fn local_results_beyond_a_message_of_grpc() {
    run(Engine::Embedded, module_path!(), async |t| {
        let worker = t.worker().spawn().unwrap();
        assert_eq!(local_pages(60, 100_000).execute(&t.ostro).await.unwrap(), 6_000_000);
        worker.shutdown().await.unwrap();
    });
}

/// By ids there is nothing to complete until the engine knows that the attempt waits.
async fn completed<F: Future<Output = ostro::Result<()>>>(complete: impl Fn() -> F) {
    while let Err(error) = complete().await {
        assert_eq!(error.type_name(), Some("NotFound"), "{error}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
