//! The seed page, section by section.

use std::time::{Duration, Instant};

use ostro::TimeoutKind;
use ostro_sdk_tests::seed::*;

use crate::fixture::on_every_engine;

on_every_engine! {
    async fn an_activity_takes_and_gives_json(t) {
        let worker = t.worker().spawn().unwrap();
        let handle = basic("abc".to_owned()).start(&t.ostro).await.unwrap();
        assert_eq!(handle.result().await.unwrap(), Processed { result: "abc".to_owned(), processed_count: 3 });
        let history = handle.history().await.unwrap();
        let kinds: Vec<String> = history.events().into_iter().map(|event| event.kind).collect();
        assert_eq!(
            kinds,
            [
                "WorkflowExecutionStarted", "WorkflowTaskScheduled", "WorkflowTaskStarted", "WorkflowTaskCompleted",
                "ActivityTaskScheduled", "ActivityTaskStarted", "ActivityTaskCompleted",
                "WorkflowTaskScheduled", "WorkflowTaskStarted", "WorkflowTaskCompleted", "WorkflowExecutionCompleted",
            ]
        );
        worker.shutdown().await.unwrap();
    }

    async fn an_activity_has_the_name_it_was_given(t) {
        let worker = t.worker().spawn().unwrap();
        assert_eq!(naming().execute(&t.ostro).await.unwrap(), "custom_activity_name");
        worker.shutdown().await.unwrap();
    }

    async fn an_attempt_that_takes_too_long_times_out(t) {
        let worker = t.worker().spawn().unwrap();
        let kind = timeouts().execute(&t.ostro).await.unwrap();
        assert_eq!(kind, format!("Timeout({:?})", TimeoutKind::StartToClose));
        worker.shutdown().await.unwrap();
    }

    async fn failures_are_retried_by_the_policy(t) {
        let worker = t.worker().spawn().unwrap();
        let key = t.id("retries");
        assert_eq!(retries(key.clone(), 2).execute(&t.ostro).await.unwrap(), 3);
        assert_eq!(runs(&key), 3);
        let key = t.id("retries");
        let error = retries(key.clone(), 100).execute(&t.ostro).await.unwrap_err();
        assert_eq!((error.message(), error.type_name(), runs(&key)), ("attempt 5 failed", Some("Flaky"), 5));
        worker.shutdown().await.unwrap();
    }

    async fn regular_and_local_activities_fail_alike(t) {
        let worker = t.worker().spawn().unwrap();
        let (regular, local) = errors(t.id("errors")).execute(&t.ostro).await.unwrap();
        let expected = Seen {
            message: "attempt 2 failed".to_owned(),
            type_name: Some("Flaky".to_owned()),
            details: Some(2),
            activity: Some("flaky".to_owned()),
        };
        assert_eq!(regular.as_ref(), Some(&expected));
        assert_eq!(local, regular);
        worker.shutdown().await.unwrap();
    }

    async fn a_stuck_activity_is_retried_from_its_last_heartbeat(t) {
        let worker = t.worker().spawn().unwrap();
        let items = ["a", "b", "c", "d"].map(str::to_owned).to_vec();
        let started = Instant::now();
        let (from, results) = heartbeats(items).execute(&t.ostro).await.unwrap();
        // The first heartbeat goes out at once, later ones within 0.8 x heartbeat_timeout.
        assert!((1..=2).contains(&from), "resumed at {from}");
        assert_eq!(results, ["a", "b", "C", "D"].iter().skip(from).map(|item| item.to_uppercase()).collect::<Vec<_>>());
        assert!(started.elapsed() < Duration::from_secs(20), "found after {:?}", started.elapsed());
        worker.shutdown().await.unwrap();
    }

    async fn only_the_parent_of_a_nested_activity_is_retried(t) {
        let worker = t.worker().spawn().unwrap();
        let key = t.id("nesting");
        let handle = nesting(key.clone()).start(&t.ostro).await.unwrap();
        assert_eq!(handle.result().await.unwrap(), "parent of nested run 2");
        assert_eq!((runs(&format!("{key}-parent")), runs(&format!("{key}-nested"))), (2, 2));
        assert_eq!(handle.history().await.unwrap().count("ActivityTaskScheduled"), 1);
        worker.shutdown().await.unwrap();
    }

    async fn local_activities_do_not_touch_the_task_queue(t) {
        let worker = t.worker().spawn().unwrap();
        let handle = user_workflow("a@b".to_owned()).start(&t.ostro).await.unwrap();
        assert!(handle.result().await.unwrap());
        let history = handle.history().await.unwrap();
        assert_eq!((history.count("ActivityTaskScheduled"), history.count("MarkerRecorded")), (0, 1));

        let handle = mixed_workflow("a@b.org".to_owned()).start(&t.ostro).await.unwrap();
        assert_eq!(handle.result().await.unwrap(), ("b.org".to_owned(), true));
        let history = handle.history().await.unwrap();
        assert_eq!((history.count("ActivityTaskScheduled"), history.count("MarkerRecorded")), (1, 1));
        worker.shutdown().await.unwrap();
    }

    async fn local_activities_time_out_and_are_retried(t) {
        let worker = t.worker().spawn().unwrap();
        let key = t.id("local");
        assert_eq!(timed_local(key.clone()).execute(&t.ostro).await.unwrap(), key.to_uppercase());
        assert_eq!(runs(&key), 2);
        worker.shutdown().await.unwrap();
    }

    async fn a_panic_fails_the_activity_and_not_the_worker(t) {
        let worker = t.worker().spawn().unwrap();
        let key = t.id("crash");
        assert_eq!(crashes(key.clone()).execute(&t.ostro).await.unwrap(), ["Panic", "Panic"]);
        assert_eq!((runs(&format!("{key}-regular")), runs(&format!("{key}-local"))), (2, 2));
        assert!(user_workflow("a@b".to_owned()).execute(&t.ostro).await.unwrap());
        worker.shutdown().await.unwrap();
    }

    async fn sticky_activities_run_on_one_worker(t) {
        let workers = [t.worker().spawn().unwrap(), t.worker().spawn().unwrap()];
        let results = inference(vec![1, 2, 3]).execute(&t.ostro).await.unwrap();
        let values: Vec<u32> = results.iter().map(|(value, _)| *value).collect();
        assert_eq!(values, [0, 2, 4, 6]);
        assert!(results.iter().all(|(_, queue)| *queue == results[0].1 && queue.contains("::worker::")), "{results:?}");

        let queues = multi_batch(vec![vec![1, 2], vec![3, 4]]).execute(&t.ostro).await.unwrap();
        assert!(queues.len() == 4 && queues.iter().all(|queue| *queue == queues[0]), "{queues:?}");
        for worker in workers {
            worker.shutdown().await.unwrap();
        }
    }

    async fn a_sticky_activity_without_a_session_fails_at_once(t) {
        let worker = t.worker().spawn().unwrap();
        let error = without_session().execute(&t.ostro).await.unwrap_err();
        assert_eq!(error.type_name(), Some("NoSession"));
        assert!(error.message().contains("run_sticky_worker_session"), "{error}");
        worker.shutdown().await.unwrap();
    }

    async fn rate_limits_hold_for_all_and_for_each_tenant(t) {
        let worker = t.worker().spawn().unwrap();
        let started = Instant::now();
        assert_eq!(rates(25, Vec::new()).execute(&t.ostro).await.unwrap(), 25);
        let took = started.elapsed();
        // Ten at once, then ten a second. The reference server is not as exact.
        let least = if t.engine == Engine::Temporal { 500 } else { 1200 };
        assert!(took >= Duration::from_millis(least) && took < Duration::from_secs(8), "25 calls at 10/s took {took:?}");

        let started = Instant::now();
        let tenants = vec!["a".to_owned(), "b".to_owned(), "c".to_owned()];
        assert_eq!(rates(12, tenants).execute(&t.ostro).await.unwrap(), 36);
        let took = started.elapsed();
        assert!(took < Duration::from_secs(8), "each tenant has its own limit, and 36 calls of three took {took:?}");
        worker.shutdown().await.unwrap();
    }

    async fn what_is_over_two_mebibytes_is_refused_by_name(t) {
        let worker = t.worker().spawn().unwrap();
        assert_eq!(large(1_000_000).execute(&t.ostro).await.unwrap(), 1_000_000);
        let error = large(3_000_000).execute(&t.ostro).await.unwrap_err();
        assert_eq!(error.type_name(), Some("PayloadTooLarge"));
        assert!(error.message().contains("3000002 bytes") && error.message().contains("2097152"), "{error}");
        let error = large_input(3_000_000).execute(&t.ostro).await.unwrap_err();
        assert!(error.message().contains("the input of activity `validate_email` takes 3000002 bytes"), "{error}");
        worker.shutdown().await.unwrap();
    }
}
