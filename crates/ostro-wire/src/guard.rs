//! Who may call over the network: the hook, and the namespaces that a request is about.

use std::collections::HashMap;
use std::sync::LazyLock;

use bytes::Bytes;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use prost::encoding::{DecodeContext, WireType, decode_key, skip_field};
use prost_reflect::Kind;
use tonic::Status;

use crate::{BoxFuture, generated, json, ostro_service};

/// Decides whether a call of the network is made.
pub trait Guard: Send + Sync + 'static {
    /// UNAUTHENTICATED for a caller that is nobody. Asked when only the headers of a request are there: the body of a request
    /// that is refused is never read.
    fn greet(&self, service: &str, method: &str, headers: &HeaderMap) -> BoxFuture<Result<(), Status>>;

    /// UNAUTHENTICATED for a caller that is nobody, PERMISSION_DENIED for what it may not do. Asked before the request is
    /// decoded; `headers` are in lower case.
    fn admit(
        &self,
        service: &str,
        method: &str,
        headers: &HeaderMap,
        request: &Bytes,
    ) -> BoxFuture<Result<Leave, Status>>;
}

/// Leave to make a call.
#[derive(Default)]
pub struct Leave {
    /// Completes where the leave is taken back while the call waits, with what it is answered then. `None`: it is not.
    pub ends: Option<BoxFuture<Status>>,
}

impl Leave {
    /// Makes the call, as long as there is leave.
    ///
    /// # Errors
    /// Those of the call, and what it is answered when the leave is taken back.
    pub async fn during<T>(self, call: impl Future<Output = Result<T, Status>>) -> Result<T, Status> {
        let Some(ends) = self.ends else { return call.await };
        tokio::select! {
            biased;
            answer = call => answer,
            status = ends => Err(status),
        }
    }
}

/// What every API key begins with, so that one that leaks is recognised.
pub const KEY_PREFIX: &str = "ostro_";

/// The key that a request carries: `authorization: Bearer ...`.
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, secret) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| secret.trim())
}

/// The namespaces of one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Namespaces {
    /// The method is about no namespace, or about all.
    None,
    /// Its field `namespace`, empty where the caller left it so.
    One(String),
}

/// The number of the field `namespace` of each method's request, as (service, method).
static FIELDS: LazyLock<HashMap<(&'static str, &'static str), u32>> = LazyLock::new(|| {
    let field = |(service, method): (&'static str, &'static str)| {
        let input = json::pool().get_service_by_name(service)?.methods().find(|known| known.name() == method)?.input();
        let field = input.get_field_by_name("namespace").filter(|field| field.kind() == Kind::String)?;
        Some(((service, method), field.number()))
    };
    generated::methods().filter_map(field).collect()
});

/// Which namespaces a request of `method` is about; INVALID_ARGUMENT for bytes that do not decode.
pub fn namespaces(service: &str, method: &str, request: &Bytes) -> Result<Namespaces, Status> {
    let field = match service {
        // It is in no descriptor; all of its requests begin with the namespace.
        ostro_service::SERVICE => Some(&1),
        _ => FIELDS.get(&(service, method)),
    };
    let Some(field) = field else { return Ok(Namespaces::None) };
    let malformed = |_| Status::invalid_argument(format!("the request of {method} does not decode"));
    text_field(request.clone(), *field).map(Namespaces::One).map_err(malformed)
}

/// The text of a field; of several the last, as protobuf has it.
fn text_field(mut message: Bytes, number: u32) -> Result<String, prost::DecodeError> {
    let mut text = String::new();
    while !message.is_empty() {
        let (tag, wire_type) = decode_key(&mut message)?;
        if tag == number && wire_type == WireType::LengthDelimited {
            prost::encoding::string::merge(wire_type, &mut text, &mut message, DecodeContext::default())?;
        } else {
            skip_field(wire_type, tag, &mut message, DecodeContext::default())?;
        }
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use prost::Message;
    use temporalio_protos::temporal::api::workflowservice::v1::{
        GetSystemInfoRequest, RespondWorkflowTaskCompletedRequest, StartWorkflowExecutionRequest,
    };

    use super::*;
    use crate::workflow_service::SERVICE;

    #[test]
    fn the_namespace_is_found_wherever_the_request_has_it() {
        let start =
            StartWorkflowExecutionRequest { namespace: "a".into(), workflow_id: "w".into(), ..Default::default() };
        let respond = RespondWorkflowTaskCompletedRequest {
            task_token: vec![1; 300],
            namespace: "b".into(),
            identity: "worker".into(),
            ..Default::default()
        };
        let found = |method: &str, bytes: Vec<u8>| namespaces(SERVICE, method, &bytes.into());
        assert_eq!(found("StartWorkflowExecution", start.encode_to_vec()).unwrap(), Namespaces::One("a".into()));
        assert_eq!(
            found("RespondWorkflowTaskCompleted", respond.encode_to_vec()).unwrap(),
            Namespaces::One("b".into())
        );
        assert_eq!(found("ListWorkflowExecutions", Vec::new()).unwrap(), Namespaces::One(String::new()));
        assert_eq!(found("GetSystemInfo", GetSystemInfoRequest {}.encode_to_vec()).unwrap(), Namespaces::None);
        assert!(found("StartWorkflowExecution", vec![10, 200]).is_err());
        let import = ostro_service::ImportWorkflowExecutionRequest { namespace: "c".into(), ..Default::default() };
        let found = namespaces(ostro_service::SERVICE, ostro_service::METHODS[0], &import.encode_to_vec().into());
        assert_eq!(found.unwrap(), Namespaces::One("c".into()));
    }

    #[test]
    fn of_a_field_that_comes_twice_the_last_counts_as_it_does_for_the_method() {
        let twice = [b"\n\x01a".as_slice(), b"\n\x01b"].concat();
        let decoded = StartWorkflowExecutionRequest::decode(twice.as_slice()).unwrap();
        assert_eq!(
            namespaces(SERVICE, "StartWorkflowExecution", &twice.into()).unwrap(),
            Namespaces::One(decoded.namespace)
        );
    }
}
