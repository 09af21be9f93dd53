//! What a request of the protocol knows by its type: the method it is for and what that method answers.

use bytes::Bytes;
use prost::Message;

/// A request of one unary method.
///
/// `build.rs` implements it for the request message of every method of the served services. Where one message is the request
/// of two methods, or a method takes nothing, the service's module has a request of its own for it, named like the method.
pub trait Rpc: Send + Sync {
    /// What the method answers.
    type Answer: Message + Default + Send + 'static;
    /// Full protobuf name of the service.
    const SERVICE: &'static str;
    /// Name of the method, as in its proto file.
    const METHOD: &'static str;

    /// The namespace that the request names; empty where its message has no such field.
    fn namespace(&self) -> &str {
        ""
    }

    /// The protobuf encoding of the request.
    fn encoded(&self) -> Bytes;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{health_service, operator_service, test_service, workflow_service};
    use temporalio_protos::grpc::health::v1::HealthCheckRequest;
    use temporalio_protos::temporal::api::operatorservice::v1::ListSearchAttributesRequest;
    use temporalio_protos::temporal::api::testservice::v1::SleepRequest;
    use temporalio_protos::temporal::api::workflowservice::v1::{GetSystemInfoRequest, StartWorkflowExecutionRequest};

    fn names<R: Rpc>(_: &R) -> (&'static str, &'static str) {
        (R::SERVICE, R::METHOD)
    }

    #[test]
    fn a_request_knows_its_method_and_its_namespace() {
        let start = StartWorkflowExecutionRequest { namespace: "shop".into(), ..Default::default() };
        assert_eq!(names(&start), (workflow_service::SERVICE, "StartWorkflowExecution"));
        assert_eq!(start.namespace(), "shop");
        assert_eq!(start.encoded(), start.encode_to_vec());
        assert_eq!(GetSystemInfoRequest::default().namespace(), "");
        let list = ListSearchAttributesRequest { namespace: "shop".into() };
        assert_eq!(names(&list), (operator_service::SERVICE, "ListSearchAttributes"));
        assert_eq!(names(&HealthCheckRequest::default()), (health_service::SERVICE, "Check"));
    }

    #[test]
    fn methods_that_share_a_message_or_take_none_have_requests_of_their_own() {
        let sleep = SleepRequest { duration: Some(prost_wkt_types::Duration { seconds: 1, nanos: 0 }) };
        assert_eq!(names(&sleep), (test_service::SERVICE, "Sleep"));
        let unlock = test_service::UnlockTimeSkippingWithSleep(sleep);
        assert_eq!(names(&unlock), (test_service::SERVICE, "UnlockTimeSkippingWithSleep"));
        assert_eq!(unlock.encoded(), sleep.encode_to_vec());
        assert_eq!(names(&test_service::GetCurrentTime(())), (test_service::SERVICE, "GetCurrentTime"));
        assert!(test_service::GetCurrentTime(()).encoded().is_empty());
    }
}
