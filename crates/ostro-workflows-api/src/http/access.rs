//! The caller as handlers take it: refused before the handler runs unless its role suffices.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use http::request::Parts;
use ostro_wire::network::Held;

use crate::model::access::{ApiKey, Caller, EVERY_NAMESPACE, Role};
use crate::model::error::{Code, Error};
use crate::service::api::Api;
use crate::service::keys::identity::Identity;

/// In which of its namespaces a key acts; without it in the first.
const NAMESPACE_HEADER: &str = "x-ostro-namespace";

macro_rules! allowed {
    ($($(#[$documentation:meta])* $name:ident;)*) => {$(
        $(#[$documentation])*
        #[derive(Debug)]
        pub struct $name(pub Caller);

        impl FromRequestParts<Arc<Api>> for $name {
            type Rejection = Error;

            async fn from_request_parts(parts: &mut Parts, api: &Arc<Api>) -> Result<Self, Error> {
                caller(parts, api, Role::$name).await.map(Self)
            }
        }
    )*};
}

allowed! {
    /// A caller that may read.
    Reader;
    /// A caller that may act as a worker.
    Worker;
    /// A caller that may change executions, schedules and workflows.
    Operator;
    /// A caller that may do everything.
    Admin;
}

async fn caller(parts: &Parts, api: &Api, needed: Role) -> Result<Caller, Error> {
    if let Some(Err(refusal)) = parts.extensions.get::<Held>().map(Held::check) {
        return Err(Error::new(Code::TooMuch, refusal.message()));
    }
    let wanted = parts.headers.get(NAMESPACE_HEADER).and_then(|value| value.to_str().ok());
    let caller = match api.door.identify(&parts.headers).await? {
        Identity::Key(key, hash) => Caller { key: Some(hash), ..by_key(api, &key, wanted)? },
        Identity::Anonymous => anonymous(api, wanted),
    };
    if caller.role < needed {
        let (has, needs) = (caller.role.name(), needed.name());
        let message =
            format!("the key {} is a {has} of namespace {}; this needs {needs}", caller.subject, caller.namespace);
        return Err(Error::new(Code::Forbidden, message));
    }
    match api.settings.throttle.as_ref().map(|throttle| throttle.admit(&caller.namespace)) {
        Some(Err(refusal)) => Err(Error::new(Code::TooMuch, refusal.message())),
        _ => Ok(caller),
    }
}

fn anonymous(api: &Api, wanted: Option<&str>) -> Caller {
    let namespace = wanted.unwrap_or(&api.settings.namespace).to_owned();
    Caller { namespace, role: Role::Admin, subject: String::new(), key: None }
}

fn by_key(api: &Api, key: &ApiKey, wanted: Option<&str>) -> Result<Caller, Error> {
    let first = key.grants.first().map(|grant| grant.namespace.as_str());
    let own = first.map(|first| if first == EVERY_NAMESPACE { api.settings.namespace.as_str() } else { first });
    let namespace = wanted.or(own).unwrap_or(&api.settings.namespace);
    let Some(role) = key.role_in(namespace).filter(|_| namespace != EVERY_NAMESPACE) else {
        return Err(Error::new(Code::Forbidden, format!("the key {} has no role in namespace {namespace}", key.id)));
    };
    Ok(Caller { namespace: namespace.to_owned(), role, subject: key.id.clone(), key: None })
}
