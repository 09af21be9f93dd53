//! The gRPC frontend: validates, asks the engine or the store, translates.
//!
//! `service.rs` is the table of methods. A method that is not in it answers UNIMPLEMENTED with its name.

mod declined;
mod history;
mod operator;
mod service;
mod standalone;
mod status;
mod system;
mod test;
mod validate;
mod visibility;
mod worker;
mod workflow;

use std::sync::Arc;

use ostro_engine::call::{Request, ResolveNamespace, ResolvedNamespace, WithDeadline};
use ostro_engine::config::Config;
use ostro_engine::error::Error;
use ostro_engine::seal::Seals;
use ostro_engine::time::{Span, Time};
use ostro_store::{Readers, Reads, Writer};
use ostro_wire::{Answer, CallContext};
use tokio::sync::Notify;
use tonic::Status;

use crate::clock::Clock;
use crate::metrics::Metrics;
use crate::shell::EngineHandle;
use crate::workers::Workers;
use status::not_read;
pub(crate) use status::status;
pub(crate) use test::TestClock;
use validate::Check;

/// Everything that the methods work with.
pub(crate) struct Frontend {
    pub engine: EngineHandle,
    pub readers: Readers,
    /// For indexes of new search attributes.
    pub writer: Arc<Writer>,
    pub clock: Arc<dyn Clock>,
    pub limits: Config,
    pub metrics: Arc<Metrics>,
    pub workers: Arc<Workers>,
    /// Rung when a batch operation was started.
    pub batch_started: Arc<Notify>,
    /// For page tokens.
    pub seals: Seals,
    /// Names this server's data, as GetClusterInfo tells it.
    pub cluster_id: String,
}

impl Frontend {
    /// Checks a request and lets the engine answer it.
    async fn forward<R: Request + Check>(&self, mut request: R) -> Answer<R::Answer> {
        request.check(&self.limits).map_err(status)?;
        Ok(self.ask(request).await?.into())
    }

    /// The same for a call that may wait as long as the client does.
    async fn forward_waiting<R>(
        &self,
        context: &CallContext,
        mut request: R,
    ) -> Answer<<WithDeadline<R> as Request>::Answer>
    where
        R: Check,
        WithDeadline<R>: Request,
    {
        request.check(&self.limits).map_err(status)?;
        Ok(self.ask(WithDeadline { request, deadline: self.deadline(context) }).await?.into())
    }

    /// Asks the engine.
    async fn ask<R: Request>(&self, request: R) -> Result<R::Answer, Status> {
        self.engine.call(request).await.map_err(status)
    }

    /// Lists and counts for a namespace. The read ends when the client has gone.
    async fn read_list<T, F>(&self, namespace: &str, read: F) -> Result<T, Status>
    where
        T: Send + 'static,
        F: FnOnce(Reads<'_>) -> T + Send + 'static,
    {
        self.readers.list(namespace, read).await.map_err(not_read)
    }

    /// Reads histories of a namespace, which lists cannot hold up.
    async fn read_history<T, F>(&self, namespace: &str, read: F) -> Result<T, Status>
    where
        T: Send + 'static,
        F: FnOnce(Reads<'_>) -> T + Send + 'static,
    {
        self.readers.history(namespace, read).await.map_err(not_read)
    }

    async fn namespace(&self, name: &str) -> Result<ResolvedNamespace, Status> {
        self.ask(ResolveNamespace { namespace: name.to_owned() }).await
    }

    /// When the client stops waiting, on the engine's clock.
    fn deadline(&self, context: &CallContext) -> Time {
        context.remaining().map_or(Time::MAX, |left| self.clock.now() + Span::from(left))
    }
}

/// Refuses a request, for handlers that check something themselves.
fn refuse<T>(error: Error) -> Result<T, Status> {
    Err(status(error))
}
