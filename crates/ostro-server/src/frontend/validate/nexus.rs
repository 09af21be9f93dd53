//! Requests about Nexus: the engine knows what is wrong with an endpoint; callbacks are checked where they come in.

use ostro_engine::config::Config;
use ostro_engine::config::callback_address;
use ostro_engine::error::{Error, ErrorKind, Result};
use ostro_engine::nexus::callback::SYSTEM_URL;
use temporalio_protos::temporal::api::common::v1::{Callback, callback::Variant};
use temporalio_protos::temporal::api::failure::v1::{Failure, failure::FailureInfo};
use temporalio_protos::temporal::api::nexus::v1 as nexus;
use temporalio_protos::temporal::api::operatorservice::v1 as operator;
use temporalio_protos::temporal::api::workflowservice::v1 as service;

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

/// The error of a handler, in its newer form or in the one before it.
#[allow(deprecated, reason = "SDKs that know no newer form still send it")]
pub(super) fn handler_failure(request: &service::RespondNexusTaskFailedRequest) -> Result<()> {
    let is_handlers = |failure: &Failure| matches!(failure.failure_info, Some(FailureInfo::NexusHandlerFailureInfo(_)));
    match (&request.error, &request.failure) {
        (None, None) => Err(Error::invalid("request must contain error or failure")),
        (Some(error), _) => details(error.failure.as_ref()),
        (None, Some(failure)) if is_handlers(failure) => Ok(()),
        (None, Some(_)) => {
            Err(Error::invalid("request Failure must contain error or failure with NexusHandlerFailureInfo"))
        }
    }
}

/// The end of an operation without success, in its older form.
#[allow(deprecated, reason = "SDKs that know no newer form still send it")]
pub(super) fn operation_error(response: &Option<nexus::Response>) -> Result<()> {
    let Some(nexus::response::Variant::StartOperation(started)) = response.as_ref().and_then(|it| it.variant.as_ref())
    else {
        return Ok(());
    };
    match &started.variant {
        Some(nexus::start_operation_response::Variant::OperationError(error)) => details(error.failure.as_ref()),
        _ => Ok(()),
    }
}

fn details(failure: Option<&nexus::Failure>) -> Result<()> {
    let details = failure.map_or(&[][..], |failure| &failure.details);
    // Read as it will be: what only a parser that ignores it takes, since it nests too deep, could never be read again.
    match details.is_empty() || serde_json::from_slice::<serde_json::Value>(details).is_ok() {
        true => Ok(()),
        false => Err(Error::invalid("failure details must be JSON serializable")),
    }
}

/// Refuses callbacks that go where they may not; the engine knows the tokens of its own. Their headers are told in small letters from here on.
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
    Ok(())
}

#[cfg(test)]
#[allow(deprecated, reason = "SDKs that know no newer form still send it")]
mod tests {
    use ostro_engine::nexus::failures::{handler, server};

    use super::*;

    fn failed(error: Option<&str>, failure: Option<Failure>) -> service::RespondNexusTaskFailedRequest {
        let failure_of = |details: &str| nexus::Failure { details: details.as_bytes().to_vec(), ..Default::default() };
        let error =
            error.map(|details| nexus::HandlerError { failure: Some(failure_of(details)), ..Default::default() });
        service::RespondNexusTaskFailedRequest { error, failure, ..Default::default() }
    }

    #[test]
    fn only_errors_of_handlers_are_answers() {
        let refused = |request| handler_failure(&request).map_err(|error| error.message).err();
        assert_eq!(refused(failed(None, Some(handler("INTERNAL", "m")))), None);
        assert_eq!(refused(failed(Some(""), None)), None);
        assert_eq!(refused(failed(Some("{}"), Some(server("m", false)))), None);
        for (request, words) in [
            (failed(None, None), "request must contain error or failure"),
            (
                failed(None, Some(server("m", false))),
                "request Failure must contain error or failure with NexusHandlerFailureInfo",
            ),
            (failed(Some("{"), None), "failure details must be JSON serializable"),
        ] {
            assert_eq!(refused(request).as_deref(), Some(words));
        }
    }

    #[test]
    fn the_details_of_an_old_error_are_json() {
        let response = |details: &str| {
            let failure = Some(nexus::Failure { details: details.as_bytes().to_vec(), ..Default::default() });
            let error = nexus::UnsuccessfulOperationError { failure, ..Default::default() };
            let variant = Some(nexus::start_operation_response::Variant::OperationError(error));
            let started = nexus::StartOperationResponse { variant };
            Some(nexus::Response { variant: Some(nexus::response::Variant::StartOperation(started)) })
        };
        assert!(operation_error(&response("{")).is_err());
        assert!(operation_error(&response(r#"{"a": [1]}"#)).is_ok() && operation_error(&None).is_ok());
    }
}
