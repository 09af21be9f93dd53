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

use crate::rows::{self, Workflows};
use crate::{Arguments, Failure};

struct Activities;

#[activities]
impl Activities {
    #[activity]
    async fn increment(_ctx: ActivityContext, n: u32) -> Result<u32, ActivityError> {
        rows::activity_begins();
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

struct Plain {
    client: Client,
    queue: String,
}

impl Plain {
    fn options(&self) -> WorkflowStartOptions {
        WorkflowStartOptions::new(self.queue.clone(), Uuid::new_v4().to_string()).build()
    }
}

impl Workflows for Plain {
    type Failure = Failure;

    async fn regular(&self, count: u32) -> Result<(), Failure> {
        let handle = self.client.start_workflow(Regular::run, count, self.options()).await?;
        handle.get_result(WorkflowGetResultOptions::default()).await?;
        Ok(())
    }

    async fn local(&self, count: u32) -> Result<(), Failure> {
        let handle = self.client.start_workflow(Local::run, count, self.options()).await?;
        handle.get_result(WorkflowGetResultOptions::default()).await?;
        Ok(())
    }

    async fn empty(&self) -> Result<(), Failure> {
        let handle = self.client.start_workflow(Empty::run, 0, self.options()).await?;
        handle.get_result(WorkflowGetResultOptions::default()).await?;
        Ok(())
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
        let result = rows::run(arguments, &Plain { client, queue }).await;
        stop();
        result
    };
    let (worker_ended, measured) = tokio::join!(worker.run(), measured);
    worker_ended?;
    measured
}
