//! Requests about Nexus: the engine knows what is wrong with an endpoint; callbacks are checked where they come in.

use ostro_engine::config::Config;
use ostro_engine::error::{Error, Result};
use ostro_engine::nexus::callback;
use temporalio_protos::temporal::api::common::v1::Callback;
use temporalio_protos::temporal::api::operatorservice::v1 as operator;

use super::Check;

/// Callbacks of one workflow, as on the reference server.
const CALLBACKS_MAX: usize = 32;

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

/// Refuses callbacks that go nowhere.
pub(super) fn callbacks(callbacks: &[Callback]) -> Result<()> {
    if callbacks.len() > CALLBACKS_MAX {
        let message = format!("cannot attach more than {CALLBACKS_MAX} callbacks to a workflow");
        return Err(Error::invalid(message));
    }
    callbacks.iter().try_for_each(|each| callback::address(each).map(drop).map_err(Error::invalid))
}
