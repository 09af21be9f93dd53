//! What the API does, over the engine and the store. No HTTP.
//!
//! Each room knows those before it only: `keys`, `route_tokens`, `open_streams`, `registry`, `api` (what the rooms after it work with), `engine`
//! (what the engine says of an execution), `journal`, `executions`, `schedules`, `workers`, `telemetry`, `retention`.

pub(crate) mod api;

pub(crate) mod engine;

pub(crate) mod executions;

pub(crate) mod journal;

pub(crate) mod keys;

pub(crate) mod open_streams;
pub(crate) mod registry;

pub(crate) mod retention;

pub(crate) mod route_tokens;

pub(crate) mod schedules;

pub(crate) mod telemetry;

#[cfg(test)]
pub(crate) mod testing;

pub(crate) mod workers;

use std::sync::Arc;
use std::time::Duration;

use api::Api;
use temporalio_protos::temporal::api::enums::v1::IndexedValueType;
use temporalio_protos::temporal::api::operatorservice::v1::AddSearchAttributesRequest;

/// Search attributes that the official worker sets in every execution.
const SEARCH_ATTRIBUTES: [(&str, IndexedValueType); 1] = [("OtelTraceId", IndexedValueType::Keyword)];

impl Api {
    /// Works until told to stop: sees to it that the engine has what workers need, and tells the end of executions that no
    /// worker tells.
    pub async fn run(self: Arc<Self>) {
        let stopping = self.clone();
        tokio::select! {
            () = stopping.stopped() => {}
            () = async {
                self.prepare_engine().await;
                let keys = self.door.keys.watch();
                tokio::join!(retention::run(&self), journal::closing::run_closings(&self), keys);
            } => {}
        }
    }

    /// Registers the search attributes that the official worker sets; without them each of its workflow tasks fails.
    async fn prepare_engine(&self) {
        for (name, kind) in SEARCH_ATTRIBUTES {
            loop {
                let request = AddSearchAttributesRequest {
                    namespace: self.settings.namespace.clone(),
                    search_attributes: [(name.to_owned(), kind as i32)].into(),
                };
                let answer = self.engine.ask(&request).await;
                match answer {
                    Ok(_) => break,
                    Err(status) if status.code() == tonic::Code::AlreadyExists => break,
                    Err(status) if status.code() == tonic::Code::Unavailable => {
                        tracing::warn!(%status, "the engine does not answer; trying again");
                        tokio::time::sleep(Duration::from_secs(1)).await;
                    }
                    Err(status) => {
                        let namespace = &self.settings.namespace;
                        tracing::warn!(
                            %status,
                            "cannot register the search attribute {name} in namespace {namespace}; register it by hand, \
                             or workflow tasks of the official worker fail"
                        );
                        break;
                    }
                }
            }
        }
    }
}
