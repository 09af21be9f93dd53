//! Deletes what is kept of executions that the engine no longer has, and telemetry of no execution.
//!
//! How long is the namespace's retention, or what the settings say: the engine's own retention deletes an execution, and
//! its records follow once they are old enough. What belongs to an execution that is still there, open or closed, stays.

use std::collections::HashMap;
use std::time::Duration;

use serde_json::Value;
use temporalio_protos::temporal::api::workflowservice::v1::DescribeNamespaceRequest;

use crate::model::error::{Code, Error, Result};
use crate::model::execution::{ExecutionRecord, RunRecord};
use crate::model::moment::Moment;
use crate::model::record::{Aged, Change, Filter, Found, Journal, Kind, Query, parse};
use crate::model::registration::WorkerRecord;
use crate::model::telemetry::metric::MetricPoint;
use crate::service::api::Api;

/// Runs or documents looked at in one go.
const PAGE: usize = 500;

/// The documents that age.
const AGING: [Kind; 4] = [Kind::Execution, Kind::Run, Kind::Worker, Kind::Metric];

/// Deletes for ever what is due.
pub(crate) async fn run(api: &Api) {
    let mut ticks = tokio::time::interval(api.settings.retention_interval);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut cursors = Cursors::default();
    loop {
        ticks.tick().await;
        if let Err(error) = round(api, &mut cursors).await {
            tracing::warn!(%error, "old records could not be deleted: the next round tries again");
        }
    }
}

/// Where the look at the documents of a kind in a namespace goes on: a round looks at one page of each.
type Cursors = HashMap<(String, &'static str), String>;

/// Deletes what is due now, in all namespaces.
async fn round(api: &Api, cursors: &mut Cursors) -> Result<()> {
    for namespace in api.store.namespaces(Kind::Workflow).await? {
        let Some(retention) = retention(api, &namespace).await? else { continue };
        let before = Moment::now().nanoseconds().saturating_sub(nanoseconds(retention));
        let sweep = Sweep { api, namespace: &namespace, before };
        for journal in Journal::ALL {
            sweep.runs(journal).await?;
            sweep.unowned(journal).await?;
        }
        for kind in AGING {
            let cursor = cursors.entry((namespace.clone(), kind.name())).or_default();
            sweep.documents(kind, cursor).await?;
        }
    }
    Ok(())
}

/// How long records of a namespace are kept; `None` where the engine does not have it.
async fn retention(api: &Api, namespace: &str) -> Result<Option<Duration>> {
    if let Some(set) = api.settings.records_retention {
        return Ok(Some(set));
    }
    let request = DescribeNamespaceRequest { namespace: namespace.to_owned(), ..Default::default() };
    let answer = api.engine.ask(&request).await;
    let described = match answer {
        Err(status) if status.code() == tonic::Code::NotFound => return Ok(None),
        answer => answer.map_err(|status| Error::of_engine(&status, namespace, Code::Internal))?,
    };
    let ttl = described.config.and_then(|config| config.workflow_execution_retention_ttl);
    Ok(ttl.and_then(|ttl| u64::try_from(ttl.seconds).ok()).filter(|ttl| *ttl > 0).map(Duration::from_secs))
}

fn nanoseconds(span: Duration) -> i64 {
    i64::try_from(span.as_nanos()).unwrap_or(i64::MAX)
}

/// One round in one namespace.
struct Sweep<'a> {
    api: &'a Api,
    namespace: &'a str,
    /// What is older is due (Unix nanoseconds).
    before: i64,
}

impl Sweep<'_> {
    /// Entries of runs that the engine no longer has.
    async fn runs(&self, journal: Journal) -> Result<()> {
        let mut after = (String::new(), String::new());
        // What one execution is found to be holds for all of its runs without a name.
        let mut known: HashMap<(String, String), bool> = HashMap::new();
        loop {
            let namespace = self.namespace.to_owned();
            let aged = Aged { journal, namespace, before: self.before, after: after.clone(), limit: PAGE };
            let runs = self.api.store.aged(aged).await?;
            let Some(last) = runs.last() else { return Ok(()) };
            after.clone_from(last);
            for (execution, run) in runs {
                let key = (execution.clone(), run.clone());
                let is_there = match known.get(&key) {
                    Some(is_there) => *is_there,
                    None => self.is_there(&execution, &run).await?,
                };
                known.insert(key, is_there);
                if !is_there {
                    self.forget(execution, run).await?;
                }
            }
        }
    }

    async fn is_there(&self, execution: &str, run: &str) -> Result<bool> {
        let run = Some(run).filter(|run| !run.is_empty());
        match crate::service::engine::describe(self.api, self.namespace, execution, run).await {
            Ok(_) => Ok(true),
            // The engine refuses what is no identifier: it never had that.
            Err(Error::Refused { code: Code::ExecutionNotFound | Code::EngineRefused, .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn forget(&self, execution: String, run: String) -> Result<()> {
        let namespace = self.namespace.to_owned();
        let document = Change::Delete { kind: Kind::Run, namespace: namespace.clone(), key: run.clone() };
        // A start of the same execution writes its document too.
        let mut transaction = self.api.store.transaction().await;
        transaction.change(document);
        transaction.change(Change::ForgetRun { namespace, execution: execution.clone(), run: run.clone() });
        if run.is_empty() || !self.is_there(&execution, "").await? {
            transaction.change(self.without(Kind::Execution, execution));
        }
        transaction.commit().await
    }

    fn without(&self, kind: Kind, key: String) -> Change {
        Change::Delete { kind, namespace: self.namespace.to_owned(), key }
    }

    /// Entries that belong to no execution.
    async fn unowned(&self, journal: Journal) -> Result<()> {
        loop {
            let filter = Filter {
                execution: Some(String::new()),
                at_before: Some(self.before),
                limit: 1,
                ..Filter::all(journal, self.namespace)
            };
            if self.api.store.read(filter).await?.is_empty() {
                return Ok(());
            }
            let namespace = self.namespace.to_owned();
            self.api.store.write(vec![Change::Trim { journal, namespace, before: self.before }]).await?;
        }
    }

    /// A page of documents: those that are old and belong to nothing that is there.
    async fn documents(&self, kind: Kind, cursor: &mut String) -> Result<()> {
        let namespace = self.namespace.to_owned();
        let query = Query { kind, namespace, term: None, after: cursor.clone(), limit: PAGE };
        let found = self.api.store.find(query).await?;
        *cursor = found.last().filter(|_| found.len() == PAGE).map(|last| last.key.clone()).unwrap_or_default();
        for document in found {
            if self.is_due(kind, &document).await? {
                self.remove(kind, document.key).await?;
            }
        }
        Ok(())
    }

    /// Deletes a document that is still due: it may have been written anew since it was found.
    async fn remove(&self, kind: Kind, key: String) -> Result<()> {
        let mut transaction = self.api.store.transaction().await;
        let Some(body) = transaction.get::<Value>(kind, self.namespace, &key).await? else { return Ok(()) };
        let document = Found { key, body: body.to_string() };
        if self.is_due(kind, &document).await? {
            transaction.change(self.without(kind, document.key));
        }
        transaction.commit().await
    }

    async fn is_due(&self, kind: Kind, document: &Found) -> Result<bool> {
        let old = |at: Option<Moment>| at.is_none_or(|at| at.nanoseconds() < self.before);
        match kind {
            Kind::Execution => {
                let record: ExecutionRecord = parse(&document.body)?;
                Ok(old(record.registered_at) && !self.is_there(&document.key, "").await?)
            }
            Kind::Run => {
                let record: RunRecord = parse(&document.body)?;
                Ok(old(Some(record.registered_at)) && !self.is_there(&record.execution_id, &document.key).await?)
            }
            Kind::Worker => Ok(old(Some(parse::<WorkerRecord>(&document.body)?.last_heartbeat))),
            Kind::Metric => Ok(old(Some(parse::<MetricPoint>(&document.body)?.at))),
            _ => Ok(false),
        }
    }
}

#[cfg(test)]
mod tests;
