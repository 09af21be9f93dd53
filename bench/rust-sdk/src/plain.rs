//! Plain `temporalio-sdk`, with its defaults.

use std::time::Duration;

use temporalio_client::{
    Client, ClientOptions, Connection, ConnectionOptions, WorkflowGetResultOptions, WorkflowStartOptions,
};
use temporalio_macros::{activities, workflow, workflow_methods};
use temporalio_sdk::activities::{ActivityContext, ActivityError};
use temporalio_sdk::{
    ActivityOptions, LocalActivityOptions, Runtime, Worker, WorkerOptions, WorkflowContext, WorkflowResult,
};
use url::Url;
use uuid::Uuid;

use crate::{Arguments, Failure, measure, report};

struct Activities;

#[activities]
impl Activities {
    #[activity]
    async fn increment(_ctx: ActivityContext, n: u32) -> Result<u32, ActivityError> {
        Ok(n + 1)
    }
}

#[workflow]
#[derive(Default)]
struct Regular;

#[workflow_methods]
impl Regular {
    #[run]
    async fn run(ctx: &mut WorkflowContext<Self>, count: u32) -> WorkflowResult<u32> {
        let mut n = 0;
        for _ in 0..count {
            let options = ActivityOptions::start_to_close_timeout(Duration::from_secs(300));
            n = ctx.execute_activity(Activities::increment, n, options).await?;
        }
        Ok(n)
    }
}

#[workflow]
#[derive(Default)]
struct Local;

#[workflow_methods]
impl Local {
    #[run]
    async fn run(ctx: &mut WorkflowContext<Self>, count: u32) -> WorkflowResult<u32> {
        let mut n = 0;
        for _ in 0..count {
            n = ctx.execute_local_activity(Activities::increment, n, LocalActivityOptions::default()).await?;
        }
        Ok(n)
    }
}

#[workflow]
#[derive(Default)]
struct Empty;

#[workflow_methods]
impl Empty {
    #[run]
    async fn run(_ctx: &mut WorkflowContext<Self>, _count: u32) -> WorkflowResult<u32> {
        Ok(0)
    }
}

pub async fn run(arguments: &Arguments) -> Result<(), Failure> {
    let target = Url::parse(&format!("http://{}", arguments.address))?;
    let connection = Connection::connect(ConnectionOptions::new(target).build()).await?;
    let client = Client::new(connection, ClientOptions::new("default").build())?;
    let queue = format!("bench-{}", Uuid::new_v4());
    let runtime = Runtime::from_current_tokio(Default::default())?;
    let options = WorkerOptions::new(queue.clone())
        .register_workflow::<Regular>()?
        .register_workflow::<Local>()?
        .register_workflow::<Empty>()?
        .register_activities(Activities)
        .build();
    let mut worker = Worker::new(&runtime, client.clone(), options)?;
    let stop = worker.shutdown_handle();
    let measured = async {
        let result = rows(arguments, &client, &queue).await;
        stop();
        result
    };
    let (worker_ended, measured) = tokio::join!(worker.run(), measured);
    worker_ended?;
    measured
}

async fn rows(arguments: &Arguments, client: &Client, queue: &str) -> Result<(), Failure> {
    let count = arguments.count;
    regular(client, queue, 20).await?;
    let spent = measure(regular(client, queue, count)).await?;
    report(arguments, "regular activity, one after the other", &spent, count);
    let locals = count * 10;
    let spent = measure(async {
        let handle = client.start_workflow(Local::run, locals, options(queue)).await?;
        handle.get_result(WorkflowGetResultOptions::default()).await?;
        Ok::<_, Failure>(())
    })
    .await?;
    report(arguments, "local activity, one after the other", &spent, locals);
    let spent = measure(async {
        for _ in 0..count {
            let handle = client.start_workflow(Empty::run, 0, options(queue)).await?;
            handle.get_result(WorkflowGetResultOptions::default()).await?;
        }
        Ok::<_, Failure>(())
    })
    .await?;
    report(arguments, "empty workflow, start to result", &spent, count);
    Ok(())
}

fn options(queue: &str) -> WorkflowStartOptions {
    WorkflowStartOptions::new(queue.to_owned(), Uuid::new_v4().to_string()).build()
}

async fn regular(client: &Client, queue: &str, count: u32) -> Result<(), Failure> {
    let handle = client.start_workflow(Regular::run, count, options(queue)).await?;
    handle.get_result(WorkflowGetResultOptions::default()).await?;
    Ok(())
}
