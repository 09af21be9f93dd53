//! `ostro.v1.OstroService`: what Ostro can do and Temporal's protocol has no word for.

use std::sync::Arc;

use bytes::Bytes;
use ostro_nesting::{Next, Shape, shapes};
use prost::Message;
use temporalio_protos::temporal::api::history::v1::History;

use crate::{Answer, BoxFuture, CallContext, EncodedAnswer, Rpc, reply, status};

/// Full protobuf name of the service.
pub const SERVICE: &str = "ostro.v1.OstroService";
/// Every method of the service.
pub const METHODS: [&str; 1] = ["ImportWorkflowExecution"];
/// Largest request to the service, in bytes: a history at its limit, and more.
pub(crate) const REQUEST_BYTES_MAX: usize = 128 << 20;

/// Where in an [`ImportWorkflowExecutionRequest`] failures lie.
static IMPORT: Shape = Shape { fields: &[(4, Next::Message(&shapes::HISTORY_V1_HISTORY))] };

/// A run to take over, with its whole history.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ImportWorkflowExecutionRequest {
    #[prost(string, tag = "1")]
    pub namespace: String,
    /// Empty: what the history says.
    #[prost(string, tag = "2")]
    pub workflow_id: String,
    /// Empty: what the history says.
    #[prost(string, tag = "3")]
    pub run_id: String,
    #[prost(message, optional, tag = "4")]
    pub history: Option<History>,
}

/// The run as it is here now.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ImportWorkflowExecutionResponse {
    #[prost(string, tag = "1")]
    pub workflow_id: String,
    #[prost(string, tag = "2")]
    pub run_id: String,
    /// `WorkflowExecutionStatus`.
    #[prost(int32, tag = "3")]
    pub status: i32,
}

impl Rpc for ImportWorkflowExecutionRequest {
    type Answer = ImportWorkflowExecutionResponse;
    const SERVICE: &'static str = SERVICE;
    const METHOD: &'static str = METHODS[0];

    fn namespace(&self) -> &str {
        &self.namespace
    }

    fn encoded(&self) -> Bytes {
        self.encode_to_vec().into()
    }
}

/// `ostro.v1.OstroService`: a method not overridden answers UNIMPLEMENTED.
#[async_trait::async_trait]
pub trait OstroService: Send + Sync + 'static {
    /// The method `ImportWorkflowExecution`.
    async fn import_workflow_execution(
        &self,
        _context: &CallContext,
        _request: ImportWorkflowExecutionRequest,
    ) -> Answer<ImportWorkflowExecutionResponse> {
        Err(status::method_not_implemented("OstroService", "ImportWorkflowExecution"))
    }
}

/// Decodes `request`, runs the method named `method` and encodes its answer.
///
/// UNIMPLEMENTED for a method that the service does not have, INTERNAL for bytes that do not decode.
pub fn dispatch(
    service: Arc<dyn OstroService>,
    context: CallContext,
    method: &str,
    request: Bytes,
) -> BoxFuture<EncodedAnswer> {
    match method {
        "ImportWorkflowExecution" => Box::pin(async move {
            let request = reply::decode("ImportWorkflowExecution", Some(&IMPORT), request)?;
            reply::encode(service.import_workflow_execution(&context, request).await)
        }),
        unknown => status::unknown_method(SERVICE, unknown),
    }
}
