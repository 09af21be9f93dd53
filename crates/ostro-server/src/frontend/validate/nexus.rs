//! Requests about Nexus: the engine knows what is wrong with an endpoint; callbacks are checked where they come in.

use ostro_engine::config::Config;
use ostro_engine::error::{Error, ErrorKind, Result};
use ostro_engine::nexus::callback::{self, SYSTEM_URL};
use ostro_engine::nexus::callback_address;
use temporalio_protos::temporal::api::common::v1::{Callback, callback::Variant};
use temporalio_protos::temporal::api::operatorservice::v1 as operator;

use super::Check;

/// Callbacks of one execution, as on the reference server; so is the next.
const CALLBACKS_MAX: usize = 2000;
const HEADER_BYTES_MAX: usize = 8192;

macro_rules! checked_by_the_engine {
    ($($request:ident),*) => {
        $(impl Check for operator::$request {
            fn check(&mut self, _limits: &Config) -> Result<()> {
                Ok(())
            }
        })*
    };
}

checked_by_the_engine!(
    CreateNexusEndpointRequest,
    UpdateNexusEndpointRequest,
    DeleteNexusEndpointRequest,
    GetNexusEndpointRequest,
    ListNexusEndpointsRequest
);

/// Refuses callbacks that go nowhere, or where they may not; their headers are told in small letters from here on.
pub(super) fn callbacks(callbacks: &mut [Callback], limits: &Config) -> Result<()> {
    if callbacks.len() > CALLBACKS_MAX {
        let message = format!("cannot attach more than {CALLBACKS_MAX} callbacks to an execution");
        return Err(Error::invalid(message));
    }
    callbacks.iter_mut().try_for_each(|each| check_callback(each, limits))
}

fn check_callback(callback: &mut Callback, limits: &Config) -> Result<()> {
    let Some(Variant::Nexus(nexus)) = &mut callback.variant else {
        return Err(Error::new(
            ErrorKind::Unimplemented,
            "unknown callback variant: a Nexus callback is the one there is",
        ));
    };
    if nexus.url != SYSTEM_URL {
        callback_address::check(&nexus.url, &limits.callback_addresses).map_err(Error::invalid)?;
    }
    let bytes: usize = nexus.header.iter().map(|(key, value)| key.len() + value.len()).sum();
    if bytes > HEADER_BYTES_MAX {
        let message = format!("invalid header: header size longer than max allowed size of {HEADER_BYTES_MAX}");
        return Err(Error::invalid(message));
    }
    nexus.header = std::mem::take(&mut nexus.header).into_iter().map(|(k, v)| (k.to_ascii_lowercase(), v)).collect();
    callback::destination(callback).map(drop).map_err(Error::invalid)
}
