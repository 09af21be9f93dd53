//! `TestService`: the clock, for tests that do not want to wait.

use std::sync::Arc;

use ostro_engine::error::{Error, ErrorKind};
use ostro_engine::time::{Span, from_duration, from_timestamp, timestamp};
use ostro_wire::{Answer, CallContext, TestService};
use temporalio_protos::temporal::api::testservice::v1 as service;

use super::status::status;
use crate::clock::{Clock, SkippingClock};
use crate::shell::{ClockCall, EngineHandle, Wake};

/// Serves a server whose clock can skip.
pub(crate) struct TestClock {
    pub engine: EngineHandle,
    pub clock: Arc<SkippingClock>,
}

impl TestClock {
    async fn call<T: Default>(&self, call: ClockCall) -> Answer<T> {
        self.engine.clock(call).await.map_err(status)?;
        Ok(T::default().into())
    }

    async fn sleep_for(&self, request: service::SleepRequest, unlock: bool) -> Answer<service::SleepResponse> {
        let span = from_duration(&request.duration);
        if span < Span::ZERO {
            let message = "Duration is negative: time does not run backwards.";
            return Err(status(Error::new(ErrorKind::InvalidArgument, message)));
        }
        self.call(ClockCall::Sleep { until: Wake::After(span), unlock }).await
    }
}

#[async_trait::async_trait]
impl TestService for TestClock {
    async fn lock_time_skipping(
        &self,
        _context: &CallContext,
        _request: service::LockTimeSkippingRequest,
    ) -> Answer<service::LockTimeSkippingResponse> {
        self.call(ClockCall::Lock).await
    }

    async fn unlock_time_skipping(
        &self,
        _context: &CallContext,
        _request: service::UnlockTimeSkippingRequest,
    ) -> Answer<service::UnlockTimeSkippingResponse> {
        self.call(ClockCall::Unlock).await
    }

    async fn sleep(&self, _context: &CallContext, request: service::SleepRequest) -> Answer<service::SleepResponse> {
        self.sleep_for(request, false).await
    }

    async fn sleep_until(
        &self,
        _context: &CallContext,
        request: service::SleepUntilRequest,
    ) -> Answer<service::SleepResponse> {
        let until = Wake::At(from_timestamp(&request.timestamp));
        self.call(ClockCall::Sleep { until, unlock: false }).await
    }

    async fn unlock_time_skipping_with_sleep(
        &self,
        _context: &CallContext,
        request: service::SleepRequest,
    ) -> Answer<service::SleepResponse> {
        self.sleep_for(request, true).await
    }

    async fn get_current_time(&self, _context: &CallContext, _request: ()) -> Answer<service::GetCurrentTimeResponse> {
        Ok(service::GetCurrentTimeResponse { time: timestamp(self.clock.now()) }.into())
    }
}
