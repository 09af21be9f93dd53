//! Lists of workflows.

use std::fmt::Write;
use std::time::SystemTime;

use temporalio_common::protos::temporal::api::workflowservice::v1::{
    CountWorkflowExecutionsRequest, ListWorkflowExecutionsRequest,
};

use crate::client::handle::WorkflowStatus;
use crate::client::rpc;
use crate::client::search::SearchAttribute;
use crate::error::Result;
use crate::ostro_handle::Ostro;
use crate::workflow::WorkflowFn;

const PAGE_SIZE: i32 = 500;

/// Which workflows are meant. Every condition added narrows it down.
///
/// ```
/// # use ostro::prelude::*;
/// use ostro::client::Filter;
/// use ostro::WorkflowStatus;
/// # #[workflow(name = "order")] async fn order() -> Result<()> { Ok(()) }
///
/// let filter = Filter::all().of::<order>().status(WorkflowStatus::Failed).attribute("Customer", "O'Hara");
/// assert_eq!(
///     filter.to_string(),
///     "WorkflowType = 'order' AND ExecutionStatus = 'Failed' AND Customer = 'O''Hara'"
/// );
/// ```
#[derive(Debug, Clone, Default)]
pub struct Filter(String);

impl std::fmt::Display for Filter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl Filter {
    /// Every workflow of the namespace.
    pub fn all() -> Self {
        Self::default()
    }

    /// What the engine's own language of filters says, for what is not here.
    pub fn raw(query: impl Into<String>) -> Self {
        Self(query.into())
    }

    fn and(mut self, condition: std::fmt::Arguments<'_>) -> Self {
        let joint = if self.0.is_empty() { "" } else { " AND " };
        let _ = write!(self.0, "{joint}{condition}");
        self
    }

    /// Those of this definition.
    pub fn of<W: WorkflowFn>(self) -> Self {
        self.and(format_args!("WorkflowType = {}", quoted(W::NAME)))
    }

    /// Those of this name.
    pub fn name(self, name: &str) -> Self {
        self.and(format_args!("WorkflowType = {}", quoted(name)))
    }

    /// Those of this id.
    pub fn id(self, id: &str) -> Self {
        self.and(format_args!("WorkflowId = {}", quoted(id)))
    }

    /// Those whose id begins so.
    pub fn id_starts_with(self, prefix: &str) -> Self {
        self.and(format_args!("WorkflowId STARTS_WITH {}", quoted(prefix)))
    }

    /// Those that stand so.
    pub fn status(self, status: WorkflowStatus) -> Self {
        self.and(format_args!("ExecutionStatus = {}", quoted(&format!("{status:?}"))))
    }

    /// Those of this task queue.
    pub fn task_queue(self, task_queue: &str) -> Self {
        self.and(format_args!("TaskQueue = {}", quoted(task_queue)))
    }

    /// Those with this search attribute.
    pub fn attribute(self, name: &str, value: impl Into<SearchAttribute>) -> Self {
        match value.into() {
            SearchAttribute::Keyword(value) | SearchAttribute::Text(value) => {
                self.and(format_args!("{name} = {}", quoted(&value)))
            }
            SearchAttribute::Int(value) => self.and(format_args!("{name} = {value}")),
            SearchAttribute::Double(value) => self.and(format_args!("{name} = {value}")),
            SearchAttribute::Bool(value) => self.and(format_args!("{name} = {value}")),
            SearchAttribute::Datetime(value) => {
                let time = prost_types::Timestamp::from(value);
                self.and(format_args!("{name} = {}", quoted(&time.to_string())))
            }
            SearchAttribute::KeywordList(values) => {
                let values: Vec<String> = values.iter().map(|value| quoted(value)).collect();
                self.and(format_args!("{name} IN ({})", values.join(", ")))
            }
            SearchAttribute::Unset => self.and(format_args!("{name} IS NULL")),
        }
    }

    /// Those that started then or later.
    pub fn started_since(self, time: SystemTime) -> Self {
        let time = prost_types::Timestamp::from(time);
        self.and(format_args!("StartTime >= {}", quoted(&time.to_string())))
    }
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// A workflow in a list.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct WorkflowSummary {
    /// Its id.
    pub id: String,
    /// Its run.
    pub run_id: String,
    /// The registered name.
    pub name: String,
    /// How it stands.
    pub status: WorkflowStatus,
    /// Its task queue.
    pub task_queue: String,
    /// When it started.
    pub start_time: Option<SystemTime>,
    /// When it closed.
    pub close_time: Option<SystemTime>,
}

pub(crate) async fn list(ostro: &Ostro, filter: &Filter, limit: usize) -> Result<Vec<WorkflowSummary>> {
    let mut found = Vec::new();
    let mut token = Vec::new();
    loop {
        let request = ListWorkflowExecutionsRequest {
            namespace: ostro.namespace().to_owned(),
            page_size: PAGE_SIZE.min(i32::try_from(limit - found.len()).unwrap_or(PAGE_SIZE)),
            next_page_token: token,
            query: filter.to_string(),
        };
        let page = rpc::ask(ostro, format!("the list of workflows ({filter})"), &request).await?;
        found.extend(page.executions.into_iter().map(|info| {
            let status = info.status().into();
            let execution = info.execution.unwrap_or_default();
            WorkflowSummary {
                id: execution.workflow_id,
                run_id: execution.run_id,
                name: info.r#type.map(|name| name.name).unwrap_or_default(),
                status,
                task_queue: info.task_queue,
                start_time: rpc::time(info.start_time),
                close_time: rpc::time(info.close_time),
            }
        }));
        token = page.next_page_token;
        if token.is_empty() || found.len() >= limit {
            found.truncate(limit);
            return Ok(found);
        }
    }
}

pub(crate) async fn count(ostro: &Ostro, filter: &Filter) -> Result<u64> {
    let request = CountWorkflowExecutionsRequest { namespace: ostro.namespace().to_owned(), query: filter.to_string() };
    let counted = rpc::ask(ostro, format!("the count of workflows ({filter})"), &request).await?;
    Ok(counted.count.try_into().unwrap_or_default())
}
