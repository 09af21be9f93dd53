//! Calls that the guard has let through: the same as those of the network, asked with the key of who is signed in.

use std::sync::Arc;

use http::HeaderMap;
use ostro_wire::{BoxFuture, Caller, EncodedAnswer, EncodedCall, Guard, Throttle, Transport};

/// A transport that asks the guard before each call.
struct Guarded {
    engine: Caller,
    guard: Option<Arc<dyn Guard>>,
    throttle: Option<Arc<dyn Throttle>>,
    headers: HeaderMap,
}

/// A caller of the engine with the key that `headers` name.
pub(crate) fn guarded(
    engine: &Caller,
    guard: Option<Arc<dyn Guard>>,
    throttle: Option<Arc<dyn Throttle>>,
    headers: HeaderMap,
) -> Caller {
    Caller::new(Guarded { engine: engine.clone(), guard, throttle, headers })
}

impl Transport for Guarded {
    fn call(&self, call: EncodedCall<'_>) -> BoxFuture<EncodedAnswer> {
        let leave =
            self.guard.as_ref().map(|guard| guard.admit(call.service, call.method, &self.headers, &call.request));
        let (engine, throttle) = (self.engine.clone(), self.throttle.clone());
        let (service, method) = (call.service.to_owned(), call.method.to_owned());
        let namespace = call.namespace.to_owned();
        let (request, timeout) = (call.request, call.timeout);
        Box::pin(async move {
            let leave = match leave {
                Some(leave) => leave.await?,
                None => ostro_wire::Leave::default(),
            };
            if let Some(throttle) = throttle.filter(|_| !namespace.is_empty()) {
                throttle.admit(&namespace)?;
            }
            let call = EncodedCall { service: &service, method: &method, namespace: &namespace, request, timeout };
            leave.during(engine.call(call)).await
        })
    }
}
