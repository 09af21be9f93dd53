//! The served implementations together, and the one function through which every call goes.

use std::sync::Arc;

use bytes::Bytes;
use tonic::{Code, Status};

use crate::generated::{health_service, operator_service, test_service, workflow_service};
use crate::observer::{Observation, Observer};
use crate::waiting::{WAITING_MAX, Waiting, may_wait};
use crate::{
    BoxFuture, CallContext, Delivery, EncodedAnswer, Guard, Health, Leave, Namespaces, OperatorService, OstroService,
    ServingStatus, TestService, Throttle, WorkflowService, namespaces, ostro_service, status,
};

/// Largest request that is taken unless [`Services::request_bytes_max`] says otherwise: 4 MiB, as a Temporal server.
pub const REQUEST_BYTES_MAX_DEFAULT: usize = 4 * 1024 * 1024;
/// A request about health names a service.
const HEALTH_REQUEST_BYTES_MAX: usize = 4096;

/// The implementations behind one address. Cheap to clone.
#[derive(Clone)]
pub struct Services {
    workflow: Arc<dyn WorkflowService>,
    operator: Arc<dyn OperatorService>,
    test: Arc<dyn TestService>,
    ostro: Arc<dyn OstroService>,
    health: Arc<dyn Health>,
    observer: Option<Arc<dyn Observer>>,
    guard: Option<Arc<dyn Guard>>,
    throttle: Option<Arc<dyn Throttle>>,
    waiting: Arc<Waiting>,
    request_bytes_max: usize,
}

/// Answers UNIMPLEMENTED to everything.
struct Unimplemented;

impl OperatorService for Unimplemented {}
impl TestService for Unimplemented {}
impl OstroService for Unimplemented {}

impl Services {
    /// The workflow service, health that reports every served service as SERVING, and nothing else.
    pub fn new(workflow: Arc<dyn WorkflowService>) -> Self {
        Self {
            workflow,
            operator: Arc::new(Unimplemented),
            test: Arc::new(Unimplemented),
            ostro: Arc::new(Unimplemented),
            health: Arc::new(ServingStatus::default()),
            observer: None,
            guard: None,
            throttle: None,
            waiting: Arc::default(),
            request_bytes_max: REQUEST_BYTES_MAX_DEFAULT,
        }
    }

    /// Serves `operator` as `OperatorService`.
    pub fn with_operator(mut self, operator: Arc<dyn OperatorService>) -> Self {
        self.operator = operator;
        self
    }

    /// Serves `test` as `TestService`.
    pub fn with_test(mut self, test: Arc<dyn TestService>) -> Self {
        self.test = test;
        self
    }

    /// Serves `ostro` as `OstroService`.
    pub fn with_ostro(mut self, ostro: Arc<dyn OstroService>) -> Self {
        self.ostro = ostro;
        self
    }

    /// Serves `health` instead of the default [`ServingStatus`].
    pub fn with_health(mut self, health: Arc<dyn Health>) -> Self {
        self.health = health;
        self
    }

    /// Tells `observer` of every call.
    pub fn with_observer(mut self, observer: Arc<dyn Observer>) -> Self {
        self.observer = Some(observer);
        self
    }

    /// Lets `guard` decide which calls of the network are made. Callers in this process need no leave.
    pub fn with_guard(mut self, guard: Arc<dyn Guard>) -> Self {
        self.guard = Some(guard);
        self
    }

    /// Lets `throttle` count the calls of the network. Callers in this process are not counted.
    pub fn with_throttle(mut self, throttle: Arc<dyn Throttle>) -> Self {
        self.throttle = Some(throttle);
        self
    }

    /// Refuses requests of more than `bytes` (decompressed) with RESOURCE_EXHAUSTED.
    pub fn with_request_bytes_max(mut self, bytes: usize) -> Self {
        self.request_bytes_max = bytes;
        self
    }

    /// Asks the guard who calls; anybody may where there is none.
    pub(crate) fn greet(&self, path: (&str, &str), headers: &http::HeaderMap) -> Option<BoxFuture<Result<(), Status>>> {
        self.guard.as_ref().map(|guard| guard.greet(path.0, path.1, headers))
    }

    /// Largest request to `service` that is taken, in bytes after decompression.
    pub fn request_bytes_max(&self, service: &str) -> usize {
        match service {
            ostro_service::SERVICE => self.request_bytes_max.max(ostro_service::REQUEST_BYTES_MAX),
            // Whoever asks needs no key, and has little to say.
            health_service::SERVICE => HEALTH_REQUEST_BYTES_MAX,
            _ => self.request_bytes_max,
        }
    }

    /// The workflow service itself, for callers that have messages rather than bytes.
    pub fn workflow(&self) -> &Arc<dyn WorkflowService> {
        &self.workflow
    }

    /// The operator service itself.
    pub fn operator(&self) -> &Arc<dyn OperatorService> {
        &self.operator
    }

    /// Calls `method` of `service` (full protobuf name) with an encoded request; the answer is the encoded response.
    ///
    /// Used by the network and by callers in this process. UNIMPLEMENTED for an unknown service or method,
    /// RESOURCE_EXHAUSTED above [`Services::request_bytes_max`], DEADLINE_EXCEEDED when the context's deadline passes;
    /// dropping the future drops the method's future.
    pub fn call(
        &self,
        service: &str,
        method: &str,
        mut context: CallContext,
        request: Bytes,
    ) -> BoxFuture<EncodedAnswer> {
        let limit = self.request_bytes_max(service);
        if request.len() > limit {
            return refuse(status::request_too_large(request.len(), limit));
        }
        let observation = self.observation(service, method, &context);
        let deadline = context.deadline;
        if !context.delivery.is_watching() {
            context.delivery = Delivery::watching();
        }
        let (delivery, from_network) = (context.delivery.clone(), context.from_network);
        let guard = self.guard.as_ref().filter(|_| context.from_network);
        let leave = guard.map(|guard| guard.admit(service, method, &context.headers, &request));
        let throttle = self.throttle.clone().filter(|_| context.from_network);
        let waiting = (context.from_network && may_wait(method)).then(|| self.waiting.clone());
        let namespace = match (&throttle, &waiting) {
            (None, None) => None,
            _ => namespaces(service, method, &request).ok(),
        };
        let answer = self.dispatch(service, method, context, request);
        let answer = async move {
            let leave = match leave {
                Some(leave) => leave.await?,
                None => Leave::default(),
            };
            // Whoever has no leave has no part in what the namespace may do.
            let Some(Namespaces::One(namespace)) = namespace else { return leave.during(answer).await };
            throttle.map_or(Ok(()), |throttle| throttle.admit(&namespace))?;
            let _waits = waiting.map(|waiting| waiting.enter(namespace, WAITING_MAX)).transpose()?;
            leave.during(answer).await
        };
        Box::pin(async move {
            let answer = match deadline {
                None => answer.await,
                Some(deadline) => tokio::time::timeout_at(deadline.into(), answer)
                    .await
                    .unwrap_or_else(|_| Err(status::deadline_exceeded())),
            };
            match &answer {
                Err(_) => delivery.lost(),
                // One on the network has it when it is written.
                Ok(_) if !from_network => delivery.delivered(),
                Ok(_) => {}
            }
            if let Some(observation) = observation {
                observation.finish(answer.as_ref().map_or_else(Status::code, |_| Code::Ok));
            }
            answer
        })
    }

    fn dispatch(&self, service: &str, method: &str, context: CallContext, request: Bytes) -> BoxFuture<EncodedAnswer> {
        match service {
            workflow_service::SERVICE => {
                workflow_service::dispatch(Arc::clone(&self.workflow), context, method, request)
            }
            operator_service::SERVICE => {
                operator_service::dispatch(Arc::clone(&self.operator), context, method, request)
            }
            test_service::SERVICE => test_service::dispatch(Arc::clone(&self.test), context, method, request),
            ostro_service::SERVICE => ostro_service::dispatch(Arc::clone(&self.ostro), context, method, request),
            health_service::SERVICE => health_service::dispatch(Arc::clone(&self.health), context, method, request),
            unknown => refuse(status::unknown_service(unknown)),
        }
    }

    fn observation(&self, service: &str, method: &str, context: &CallContext) -> Option<Observation> {
        let observer = self.observer.as_ref()?;
        let names = known_names(service, method)?;
        Some(Observation::begin(Arc::clone(observer), names, context.from_network))
    }
}

/// The static names of a method that exists: labels of metrics stay bounded whatever callers send.
fn known_names(service: &str, method: &str) -> Option<(&'static str, &'static str)> {
    let (service, methods): (&'static str, &'static [&'static str]) = match service {
        workflow_service::SERVICE => (workflow_service::SERVICE, &workflow_service::METHODS),
        operator_service::SERVICE => (operator_service::SERVICE, &operator_service::METHODS),
        test_service::SERVICE => (test_service::SERVICE, &test_service::METHODS),
        ostro_service::SERVICE => (ostro_service::SERVICE, &ostro_service::METHODS),
        health_service::SERVICE => (health_service::SERVICE, &health_service::METHODS),
        _ => return None,
    };
    let method = methods.iter().find(|known| **known == method)?;
    Some((service, method))
}

fn refuse(status: Status) -> BoxFuture<EncodedAnswer> {
    Box::pin(std::future::ready(Err(status)))
}
