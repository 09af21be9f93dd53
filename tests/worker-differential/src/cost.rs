//! What a local activity costs in the core itself: everything between two turns of the code, its marker included.

use std::sync::Arc;
use std::time::{Duration, Instant, UNIX_EPOCH};

use ostro_worker::replay::decision::LocalActivity;
use ostro_worker::replay::run::LocalOutcome;
use ostro_worker::replay::{Decision, Identity, Request, Run, Sdk, Settings, Step, Task};
use temporalio_protos::temporal::api::workflowservice::v1::PollWorkflowTaskQueueResponse;

use crate::author::Author;
use crate::code::payload;

/// Runs `count` local activities, one after the other, in one workflow task; the time of each.
pub fn local_activity(count: u32) -> Duration {
    let task: PollWorkflowTaskQueueResponse = Author::new(0).next_task(true).expect("the first task");
    let settings = Settings {
        namespace: "default".to_owned(),
        task_queue: "queue".to_owned(),
        sdk: Sdk { name: "cost".into(), version: "0".into() },
        writes_metadata: true,
        deployment_version: None,
    };
    let identity = Identity { workflow_id: "w".to_owned(), workflow_type: "t".to_owned(), run_id: "r".to_owned() };
    let mut run = Run::new(Arc::new(settings), identity);
    let (now, mut seq) = (UNIX_EPOCH + Duration::from_secs(1), 0);
    run.task(Task::from(task), now);
    let began = Instant::now();
    while let Some(step) = run.next() {
        match step {
            Step::Activate(_) if seq < count => {
                seq += 1;
                let requests = vec![Request::ScheduleLocalActivity(Arc::new(request(seq))).into()];
                run.decide(Decision { requests, ..Decision::default() }, now).expect("the code was asked");
            }
            Step::StartLocal(seq) => {
                run.local_started(seq, now).expect("it is wanted");
                run.local_ended(seq, LocalOutcome::Completed(Some(payload("1"))), now);
            }
            _ => break,
        }
    }
    began.elapsed() / count.max(1)
}

fn request(seq: u32) -> LocalActivity {
    LocalActivity {
        seq,
        activity_id: seq.to_string(),
        activity_type: "double".to_owned(),
        arguments: vec![payload("1")],
        start_to_close: Some(Duration::from_secs(60)),
        ..LocalActivity::default()
    }
}
