//! The one typed way to call Temporal's protocol, over any transport.
//!
//! ```text
//!  request: impl Rpc --ask--> Caller --EncodedCall--> Transport: Services (in process) | Client (network) | a test's own
//!  R::Answer        <--------- retries, deadline <---- encoded answer, or a status
//! ```

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use prost::Message;
use tonic::Status;

use crate::{BoxFuture, CallContext, EncodedAnswer, Retries, Rpc, Services};

/// One call on its way out.
#[derive(Clone, Debug)]
pub struct EncodedCall<'a> {
    /// Full protobuf name of the service.
    pub service: &'a str,
    /// Name of the method.
    pub method: &'a str,
    /// The namespace that the request names, for transports that route by it; empty where it names none.
    pub namespace: &'a str,
    /// The request's protobuf encoding.
    pub request: Bytes,
    /// How long the caller waits for an attempt; for ever where there is none.
    pub timeout: Option<Duration>,
}

/// Some way to reach an implementation of Temporal's services.
pub trait Transport: Send + Sync + 'static {
    /// Makes the call; the answer is the encoded response.
    ///
    /// DEADLINE_EXCEEDED when [`EncodedCall::timeout`] passes. Dropping the future cancels the call.
    fn call(&self, call: EncodedCall<'_>) -> BoxFuture<EncodedAnswer>;
}

impl Transport for Services {
    fn call(&self, call: EncodedCall<'_>) -> BoxFuture<EncodedAnswer> {
        let context = CallContext::in_process();
        let context = match call.timeout {
            Some(timeout) => context.with_timeout(timeout),
            None => context,
        };
        Services::call(self, call.service, call.method, context, call.request)
    }
}

/// Calls of an implementation of Temporal's services by their requests. Cheap to clone.
#[derive(Clone)]
pub struct Caller {
    transport: Arc<dyn Transport>,
    timeout: Option<Duration>,
    deadline: Option<Instant>,
    retries: Option<Retries>,
}

impl Caller {
    /// Calls over `transport`, each once, and waits for ever.
    pub fn new(transport: impl Transport) -> Self {
        Self { transport: Arc::new(transport), timeout: None, deadline: None, retries: None }
    }

    /// The same caller waiting for `timeout` at most, for each attempt.
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// The same caller waiting for no answer beyond `deadline`, whatever a call's own time-out is.
    pub fn with_deadline(mut self, deadline: Instant) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// The same caller trying again what failed for a reason that passes.
    pub fn with_retries(mut self, retries: Retries) -> Self {
        self.retries = Some(retries);
        self
    }

    /// The answer to `request`.
    ///
    /// # Errors
    /// The server's refusal; DEADLINE_EXCEEDED after the caller's time-out; INTERNAL for an answer that does not decode.
    pub async fn ask<R: Rpc>(&self, request: &R) -> Result<R::Answer, Status> {
        self.typed(request, self.timeout).await
    }

    /// The answer to a `request` that may wait for something to happen: [`Caller::ask`] with a time-out of its own.
    pub async fn ask_within<R: Rpc>(&self, request: &R, timeout: Duration) -> Result<R::Answer, Status> {
        self.typed(request, Some(timeout)).await
    }

    /// Calls a method by its name with an encoded request, for what comes as text; the answer is the encoded response.
    ///
    /// The caller's own time-out holds where the call has none.
    pub async fn call(&self, mut call: EncodedCall<'_>) -> EncodedAnswer {
        call.timeout = call.timeout.or(self.timeout);
        match &self.retries {
            Some(retries) => retries.run(|| self.attempt(call.clone())).await,
            None => self.attempt(call).await,
        }
    }

    fn attempt(&self, mut call: EncodedCall<'_>) -> BoxFuture<EncodedAnswer> {
        let left = self.deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        call.timeout = [call.timeout, left].into_iter().flatten().min();
        self.transport.call(call)
    }

    async fn typed<R: Rpc>(&self, request: &R, timeout: Option<Duration>) -> Result<R::Answer, Status> {
        let (service, method, namespace) = (R::SERVICE, R::METHOD, request.namespace());
        let call = EncodedCall { service, method, namespace, request: request.encoded(), timeout };
        let answer = self.call(call).await?;
        R::Answer::decode(answer)
            .map_err(|error| Status::internal(format!("{method} answered bytes that do not decode: {error}")))
    }
}
