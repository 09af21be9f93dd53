//! Makes a great many executions: open ones that wait for a timer, or closed ones to list.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use clap::ValueEnum;
use ostro_load::messages::{self, Queue, Start};
use ostro_wire::Caller;
use temporalio_protos::temporal::api::common::v1::{Memo, Payload, SearchAttributes};
use tonic::Status;

/// How many types of workflow and customers the executions are spread over.
const TYPES: usize = 20;
const CUSTOMERS: usize = 5_000;
/// The search attribute of a closed execution, a keyword.
pub const CUSTOMER: &str = "Customer";

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// Each waits for a timer of thirty days.
    Open,
    Closed,
}

/// Makes `count` executions, `in_flight` at a time. The starter takes the first workflow task with the answer, so each
/// costs two calls.
pub async fn fill(caller: Caller, kind: Kind, count: usize, in_flight: usize) -> Result<(), Status> {
    let next = Arc::new(AtomicUsize::new(0));
    let makers: Vec<_> = (0..in_flight.max(1))
        .map(|_| {
            let (caller, next) = (caller.clone(), next.clone());
            tokio::spawn(async move {
                loop {
                    let number = next.fetch_add(1, Relaxed);
                    if number >= count {
                        return Ok::<(), Status>(());
                    }
                    make(&caller, kind, number).await?;
                }
            })
        })
        .collect();
    for maker in makers {
        maker.await.map_err(|error| Status::internal(error.to_string()))??;
    }
    Ok(())
}

async fn make(caller: &Caller, kind: Kind, number: usize) -> Result<(), Status> {
    let queue = Queue { name: "load".to_owned() };
    let start = Start {
        workflow_id: format!("{kind:?}-{number}"),
        workflow_type: format!("Type{}", number % TYPES),
        eager: true,
        memo: (kind == Kind::Closed).then(|| Memo { fields: one("note", "\"made by the load driver\"") }),
        search_attributes: (kind == Kind::Closed).then(|| SearchAttributes {
            indexed_fields: one(CUSTOMER, &format!("\"customer-{}\"", number % CUSTOMERS)),
        }),
    };
    let request = messages::start(&queue, start);
    let started = caller.ask(&request).await?;
    let task = started.eager_workflow_task.ok_or_else(|| {
        Status::failed_precondition("the server did not hand out the first workflow task with the answer to the start")
    })?;
    let command = match kind {
        Kind::Open => messages::start_timer(),
        Kind::Closed => messages::complete_workflow(),
    };
    let request = messages::complete(&queue, task.task_token, false, vec![command]);
    caller.ask(&request).await?;
    Ok(())
}

fn one(name: &str, json: &str) -> HashMap<String, Payload> {
    [(name.to_owned(), messages::payload(json))].into()
}
