//! Temporal's gRPC services as object-safe traits, one dispatch function per service, and the network shell around them.
//!
//! ```text
//!  network:    TcpListener -> tonic (framing, gzip, size limit) -> Endpoint --+
//!                                                                             +-> Services::call -> dispatch -> trait method
//!  in process: CallContext + Bytes -------------------------------------------+
//! ```
//!
//! A server implements [`WorkflowService`] (and, where it wants, [`OperatorService`], [`TestService`], [`Health`]), puts the
//! implementations into [`Services`], and gives them to [`serve`]. Embedded callers use [`Services::call`], the same function
//! that the network uses, so limits, deadlines and observation are the same for both. [`Client`] is the other end of the
//! network, and [`Caller`] the typed way to call over either: `caller.ask(&request).await`.

mod caller;
mod client;
mod codec;
mod context;
mod delivery;
mod endpoint;
mod extension;
mod generated;
mod guard;
mod health;
pub mod json;
pub mod network;
mod observer;
pub mod ostro_service;
mod reflection;
pub mod reply;
mod retries;
mod rpc;
mod serve;
mod services;
pub mod status;
mod throttle;
mod timeout;
mod tls;
mod waiting;

pub use caller::{Caller, EncodedCall, Transport};
pub use client::{Client, ClientTls, Target};
pub use context::CallContext;
pub use delivery::Delivery;
pub use extension::QueueExtension;
pub use generated::{
    DESCRIPTORS, Health, OperatorService, TestService, WorkflowService, health_service, methods, operator_service,
    services as service_names, test_service, workflow_service,
};
pub use guard::{Guard, KEY_PREFIX, Leave, Namespaces, bearer, namespaces};
pub use health::ServingStatus;
pub use network::{Network, NetworkLimits};
pub use observer::{Call, Observer};
pub use ostro_service::OstroService;
pub use reply::{Answer, Reply};
pub use retries::Retries;
pub use rpc::Rpc;
pub use serve::serve;
pub use services::{REQUEST_BYTES_MAX_DEFAULT, Services};
pub use status::status_with_details;
pub use throttle::Throttle;
pub use tls::{Tls, TlsError, TlsFiles};

use std::error::Error;
use std::future::Future;
use std::pin::Pin;

/// The result of one dispatched call: the encoded response message.
pub type EncodedAnswer = Result<bytes::Bytes, tonic::Status>;

/// A boxed future that can move between threads; dropping it cancels the work.
pub type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send + 'static>>;

/// An error that is only shown.
pub type BoxError = Box<dyn Error + Send + Sync>;
