//! Reading histories: pages, long polls, the close event, and backwards.

pub(crate) mod page_token;
pub(crate) mod slice;
pub(crate) mod splice;

use bytes::Bytes;
use ostro_engine::call::ReadHistory;
use ostro_engine::error::Error;
use ostro_engine::persistence::HistoryBatch;
use ostro_engine::time::Time;
use ostro_store::PageLimits;
use ostro_wire::{Answer, CallContext, Reply};
use prost::Message;
use temporalio_protos::temporal::api::common::v1::WorkflowExecution;
use temporalio_protos::temporal::api::enums::v1::HistoryEventFilterType;
use temporalio_protos::temporal::api::history::v1::History;
use temporalio_protos::temporal::api::workflowservice::v1 as service;
use tonic::Status;

use super::status::{status, store_failed};
use super::validate::Check;
use super::{Frontend, refuse};
use crate::frontend::history::page_token::{Direction, PageToken};

/// Most events in one page, and the default. A page holds whole batches, so it may have more by one batch.
const PAGE_EVENTS_MAX: i64 = 1000;
/// Bytes after which a page ends: with one more batch still under the 4 MiB that every gRPC client takes.
pub(super) const PAGE_BYTES_MAX: usize = 2 << 20;

type Page = service::GetWorkflowExecutionHistoryResponse;

/// What one request asks for.
struct Reading<'a> {
    namespace: &'a str,
    run: WorkflowExecution,
    /// The last batch, where the engine had it in memory.
    newest: Option<HistoryBatch>,
    wait: bool,
    close_only: bool,
    /// Tools for people are not shown the events of a task that may yet be retried.
    for_people: bool,
    deadline: Time,
    limits: PageLimits,
}

/// `GetWorkflowExecutionHistory`.
pub(super) async fn forward(
    frontend: &Frontend,
    context: &CallContext,
    mut request: service::GetWorkflowExecutionHistoryRequest,
) -> Answer<Page> {
    request.check(&frontend.limits).map_err(status)?;
    let run = request.execution.take().unwrap_or_default();
    let token = frontend.page_token(Direction::Forward, &request.namespace, &request.next_page_token, &run).await?;
    let mut reading = Reading {
        namespace: &request.namespace,
        run,
        newest: None,
        wait: request.wait_new_event,
        close_only: request.history_event_filter_type == HistoryEventFilterType::CloseEvent as i32,
        for_people: matches!(context.header("client-name"), Some("temporal-cli" | "temporal-ui")),
        deadline: frontend.deadline(context),
        limits: page_limits(request.maximum_page_size),
    };
    let token = reading.round(frontend, token).await?;
    if reading.close_only { reading.close_event(frontend, token).await } else { reading.page(frontend, token).await }
}

impl Reading<'_> {
    /// The round of pages that the request goes on with: the token's, or a new one from where history stands now.
    async fn round(&mut self, frontend: &Frontend, token: Option<PageToken>) -> Result<PageToken, Status> {
        match token {
            Some(token) if !(token.is_done() && token.open && self.wait) => Ok(token),
            Some(token) => self.ask(frontend, &token.run_id, token.from).await,
            None => self.ask(frontend, &self.run.run_id.clone(), 1).await,
        }
    }

    async fn ask(&mut self, frontend: &Frontend, run_id: &str, from: i64) -> Result<PageToken, Status> {
        let mut position = frontend
            .ask(ReadHistory {
                namespace: self.namespace.to_owned(),
                workflow_id: self.run.workflow_id.clone(),
                run_id: run_id.to_owned(),
                from,
                wait: self.wait,
                close_only: self.close_only,
                deadline: self.deadline,
            })
            .await?;
        let mut token = PageToken::new(position.execution, &self.run.workflow_id, &position.run_id);
        (token.from, token.to, token.open) = (from, position.next_event_id, position.open);
        self.newest = position.newest.take();
        if !self.wait && !self.for_people && !position.extra.is_empty() {
            token.extra = History { events: position.extra }.encode_to_vec();
        }
        Ok(token)
    }

    async fn page(&self, frontend: &Frontend, mut token: PageToken) -> Answer<Page> {
        let mut parts = frontend.next_page(self.namespace, &mut token, self.limits).await?;
        let follow = self.wait && token.open;
        let mut page = Page::default();
        if !token.is_done() || follow {
            page.next_page_token = token.to_bytes(&frontend.seals, Direction::Forward);
        } else {
            parts.push(token.extra.into());
        }
        Ok(Reply::Encoded(splice::with_field(&page, splice::PAGE_HISTORY, &parts)))
    }

    /// Only the last event of a closed run. An open one has none: whoever waits gets a token to ask again.
    async fn close_event(&self, frontend: &Frontend, mut token: PageToken) -> Answer<Page> {
        let mut page = Page::default();
        let mut parts = Vec::new();
        // `temporal workflow describe` takes a paused run for one that has ended, and wants to be told of something.
        if !token.open || (self.for_people && !self.wait) {
            token.from = token.to - 1;
            parts = match &self.newest {
                Some(batch) if (batch.first..batch.next).contains(&token.from) => {
                    slice::slices(vec![batch.clone()], token.from, token.to)?
                }
                _ => frontend.next_page(self.namespace, &mut token, self.limits).await?,
            };
        } else if self.wait {
            (token.from, token.to) = (1, 1);
            page.next_page_token = token.to_bytes(&frontend.seals, Direction::Forward);
        }
        Ok(Reply::Encoded(splice::with_field(&page, splice::PAGE_HISTORY, &parts)))
    }
}

impl Frontend {
    /// The token that a client handed back. It says nothing of a namespace, so its run is looked up: nobody reads the
    /// history of another namespace's run.
    async fn page_token(
        &self,
        direction: Direction,
        namespace: &str,
        bytes: &[u8],
        run: &WorkflowExecution,
    ) -> Result<Option<PageToken>, Status> {
        let Some(token) = PageToken::parse(&self.seals, direction, bytes, run).map_err(status)? else {
            return Ok(None);
        };
        let id = self.namespace(namespace).await?.id;
        let (workflow_id, run_id) = (token.workflow_id.clone(), token.run_id.clone());
        let found = self.read_history(namespace, move |reads| reads.run(id, &workflow_id, &run_id)).await?;
        if found.map_err(|error| store_failed(&error))? == Some(token.execution) {
            return Ok(Some(token));
        }
        let (run_id, workflow_id) = (&token.run_id, &token.workflow_id);
        refuse(Error::not_found(format!("run {run_id} of workflow {workflow_id} is not there any more: begin anew")))
    }

    /// Reads the next page of a round and moves the token behind it.
    pub(super) async fn next_page(
        &self,
        namespace: &str,
        token: &mut PageToken,
        limits: PageLimits,
    ) -> Result<Vec<Bytes>, Status> {
        if token.is_done() {
            return Ok(Vec::new());
        }
        let (execution, from, to) = (token.execution, token.from, token.to);
        let page = self.read_history(namespace, move |reads| reads.history_page(execution, (from, to), limits)).await?;
        let page = page.map_err(|error| unreadable(token, &error))?;
        // No batches: the run was deleted while it was read.
        let more = page.more;
        let (parts, end) = slice::fitting(page.batches, (from, to), limits.bytes)?;
        token.from = if more || end < to { end } else { to };
        Ok(parts)
    }
}

/// `GetWorkflowExecutionHistoryReverse`.
pub(super) async fn reverse(
    frontend: &Frontend,
    _context: &CallContext,
    mut request: service::GetWorkflowExecutionHistoryReverseRequest,
) -> Answer<service::GetWorkflowExecutionHistoryReverseResponse> {
    request.check(&frontend.limits).map_err(status)?;
    let run = request.execution.take().unwrap_or_default();
    let mut reading = Reading {
        namespace: &request.namespace,
        run,
        newest: None,
        wait: false,
        close_only: false,
        for_people: true,
        deadline: Time::MAX,
        limits: page_limits(request.maximum_page_size),
    };
    let (namespace, bytes) = (reading.namespace, &request.next_page_token);
    let mut token = match frontend.page_token(Direction::Back, namespace, bytes, &reading.run).await? {
        Some(token) => token,
        None => reading.ask(frontend, &reading.run.run_id.clone(), 1).await?,
    };
    let batches = frontend.last_page(reading.namespace, &mut token, reading.limits).await?;
    let next_page_token = match token.is_done() {
        true => Vec::new(),
        false => token.to_bytes(&frontend.seals, Direction::Back),
    };
    let history = Some(History { events: backwards(&batches)? });
    Ok(service::GetWorkflowExecutionHistoryReverseResponse { history, next_page_token }.into())
}

impl Frontend {
    /// Reads the last page of a round, the latest batch first, and moves the token's end before it.
    async fn last_page(
        &self,
        namespace: &str,
        token: &mut PageToken,
        limits: PageLimits,
    ) -> Result<Vec<HistoryBatch>, Status> {
        let (execution, from, to) = (token.execution, token.from, token.to);
        let page =
            self.read_history(namespace, move |reads| reads.history_page_back(execution, (from, to), limits)).await?;
        let page = page.map_err(|error| unreadable(token, &error))?;
        token.to = if page.more { page.batches.last().map_or(from, |batch| batch.first) } else { from };
        Ok(page.batches)
    }
}

/// A page of a run's history that could not be read.
fn unreadable(token: &PageToken, error: &ostro_store::Error) -> Status {
    match error {
        ostro_store::Error::Damaged { source, .. } => {
            let run = format!("the history of workflow {:?}, run {}", token.workflow_id, token.run_id);
            let refused = Error::set_aside(&run, &source.to_string());
            tracing::error!(execution = token.execution, "{}", refused.message);
            status(refused)
        }
        error => store_failed(error),
    }
}

fn backwards(
    batches: &[HistoryBatch],
) -> Result<Vec<temporalio_protos::temporal::api::history::v1::HistoryEvent>, Status> {
    let mut events = Vec::new();
    for batch in batches {
        events.extend(slice::events(batch, 1, i64::MAX)?.into_iter().rev());
    }
    Ok(events)
}

/// The limits of a page of at most `events` events; 0 or less for the default.
pub(super) fn page_limits(events: i32) -> PageLimits {
    let events = if events <= 0 { PAGE_EVENTS_MAX } else { i64::from(events).min(PAGE_EVENTS_MAX) };
    PageLimits { events, bytes: PAGE_BYTES_MAX }
}
