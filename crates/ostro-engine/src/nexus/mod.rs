//! Nexus: operations that a workflow calls by the name of an endpoint, wherever their handler runs.
//!
//! The operations themselves are parts of the execution that called them (`execution/nexus`). Here is what they share:
//! the endpoints, the forms of links and failures, and the address to which a handler's workflow answers.

pub mod callback;
pub mod endpoints;
pub mod failures;
pub mod incoming;
pub mod links;
pub mod outgoing;
pub mod system;

pub(crate) use endpoints::Endpoints;
