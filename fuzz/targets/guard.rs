//! Whoever calls, with whatever headers, whatever it asks: no answer without a key, and none of a namespace in which the key has
//! no role.

#![no_main]

use axum::http::HeaderMap;
use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use ostro_fuzz::message::{Learned, message};
use ostro_fuzz::source::Source;
use ostro_fuzz::server::METHODS;
use ostro_fuzz::world::{Key, World, run};
use ostro_wire::{CallContext, Namespaces, namespaces};
use ostro_workflows_api::auth::Access;
use prost::Message;
use tonic::Code;

const CALLS_MAX: usize = 40;
/// What a client asks before it knows anything: any key will do.
const FOR_ANY_KEY: [&str; 2] = ["GetSystemInfo", "GetClusterInfo"];

fuzz_target!(|bytes: &[u8]| {
    run(async {
        let world = World::start(Access::KeyRequired, false).await;
        let (services, mut source) = (world.guarded(), Source::new(bytes));
        for _ in 0..CALLS_MAX {
            if source.is_empty() {
                break;
            }
            let method = &METHODS[source.below(METHODS.len())];
            let service = method.parent_service().full_name().to_owned();
            let (headers, key) = headers(&world, &mut source);
            let request: Bytes = match source.rarely(8) {
                true => source.raw(200).to_vec().into(),
                false => message(&method.input(), &mut source, &Learned::default()).encode_to_vec().into(),
            };
            let greeted = world.guard.greet(&service, method.name(), &headers).await;
            let named = namespaces(&service, method.name(), &request);
            // A deadline, so that polls end.
            let context = CallContext::from_network(headers).with_timeout(std::time::Duration::from_millis(20));
            let code = services.call(&service, method.name(), context, request).await.map_or_else(|status| status.code(), |_| Code::Ok);
            let Some(key) = key else {
                assert_eq!(code, Code::Unauthenticated, "{} without a key", method.name());
                assert!(greeted.is_err(), "{} without a key was greeted", method.name());
                continue;
            };
            assert!(greeted.is_ok(), "{} with a key was not greeted", method.name());
            assert_ne!(code, Code::Unauthenticated, "{}", method.name());
            let refused = [Code::PermissionDenied, Code::InvalidArgument].contains(&code);
            assert!(refused || may_read(key, named.as_ref().ok(), method.name()), "{} answered {code:?}", method.name());
        }
        world.end().await;
    });
});

/// Whether a key has any role where the request is.
fn may_read(key: &Key, named: Option<&Namespaces>, method: &str) -> bool {
    let everywhere = key.namespace == "*";
    match named {
        _ if everywhere || FOR_ANY_KEY.contains(&method) => true,
        Some(Namespaces::One(namespace)) => namespace == key.namespace,
        Some(Namespaces::None) | None => false,
    }
}

/// Headers, and the key that they carry.
fn headers<'a>(world: &'a World, source: &mut Source<'_>) -> (HeaderMap, Option<&'a Key>) {
    let mut headers = HeaderMap::new();
    let mut of = |value: String| value.parse().map(|value| headers.insert("authorization", value)).is_ok();
    let key = &world.keys[source.below(world.keys.len())];
    let known = match source.below(8) {
        0..=3 => of(format!("Bearer {}", key.secret)),
        4 => of(format!("bearer  {} ", key.secret)),
        5 => {
            of(format!("Bearer {}x", key.secret));
            false
        }
        6 => {
            of(String::from_utf8_lossy(source.raw(80)).into_owned());
            false
        }
        _ => false,
    };
    (headers, known.then_some(key))
}
