//! Our activities as the SDK's: one type for all of them.
//!
//! The SDK asks a *type* for an activity's name, once, while it is registered. Ours answers with what the registering
//! thread has just put aside, so that no code is generated per activity.

use std::cell::RefCell;
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use temporalio_common::data_converters::RawValue;
use temporalio_common::error::ApplicationFailure;
use temporalio_common::{ActivityDefinition, ActivityError};
use temporalio_sdk::activities::{ActivityContext, ActivityDefinitions, ActivityImplementer, ExecutableActivity};

use crate::activity::attempt::Attempt;
use crate::activity::entry::ActivityEntry;
use crate::activity::functions::{SessionInfo, cancelled_error};
use crate::activity::options::ActivityOptions;
use crate::error::{Error, Result, Standard};
use crate::payload::{self, Payload};
use crate::rate_limit;
use crate::worker::Shared;

/// The header that tells a sticky call about its session.
pub(crate) const SESSION_HEADER: &str = "ostro-session";

thread_local! {
    static REGISTERING: RefCell<&'static str> = const { RefCell::new("") };
}

pub(crate) struct Adapter {
    name: &'static str,
}

/// An activity with what it needs at each run.
pub(crate) struct Implementer {
    pub entry: &'static ActivityEntry,
    pub options: ActivityOptions,
    pub shared: Arc<Shared>,
}

impl Implementer {
    pub fn new(entry: &'static ActivityEntry, shared: Arc<Shared>) -> Self {
        Self { entry, options: (entry.options)(), shared }
    }

    async fn execute(self: Arc<Self>, sdk: ActivityContext, payloads: Vec<Payload>) -> Result<Payload> {
        let name = self.entry.name;
        if let (true, Some(limit)) = (sdk.info().is_local, &self.options.rate_limit) {
            rate_limit::wait_in_process(limit.key_or(name), limit).await;
        }
        let session: Option<SessionInfo> =
            sdk.headers().get(SESSION_HEADER).and_then(|header| payload::decode(header).ok());
        let attempt = Arc::new(Attempt {
            number: sdk.info().attempt,
            sdk: Some(sdk.clone()),
            name: name.to_owned(),
            session,
            dependencies: self.shared.dependencies.clone(),
            mocks: self.shared.mocks.clone(),
            shared: Some(self.shared.clone()),
            relay: None,
            last_details: Default::default(),
        });
        let running = attempt.run(self.entry, &self.options, payloads);
        let result = if self.options.drop_on_cancel {
            tokio::select! {
                biased;
                result = running => result,
                () = sdk.cancelled() => Err(cancelled_error(name)),
            }
        } else {
            running.await
        };
        result.and_then(|payload| {
            payload::check(std::slice::from_ref(&payload), format_args!("the result of activity `{name}`"))?;
            Ok(payload)
        })
    }
}

impl ActivityDefinition for Adapter {
    type Input = RawValue;
    type Output = RawValue;

    fn name(&self) -> &str {
        self.name
    }
}

impl ActivityImplementer for Implementer {
    fn register_all(self: Arc<Self>, definitions: &mut ActivityDefinitions) {
        REGISTERING.set(self.entry.name);
        definitions.register_activity::<Adapter>(self);
    }
}

impl ExecutableActivity for Adapter {
    type Implementer = Implementer;
    const REQUIRES_INSTANCE: bool = true;

    fn definition() -> Self {
        Self { name: REGISTERING.with_borrow(|name| *name) }
    }

    fn execute(
        receiver: Option<Arc<Implementer>>,
        sdk: ActivityContext,
        input: RawValue,
    ) -> BoxFuture<'static, Result<RawValue, ActivityError>> {
        async move {
            let Some(implementer) = receiver else {
                return Err(failed(Error::new("the SDK called an activity without its instance")));
            };
            let payload = implementer.execute(sdk, input.payloads).await.map_err(failed)?;
            Ok(RawValue::new(vec![payload]))
        }
        .boxed()
    }
}

fn failed(error: Error) -> ActivityError {
    if error.is_cancelled() {
        return ActivityError::cancelled();
    }
    // Our failure converter finds the error in it.
    let failure = ApplicationFailure::builder(Box::new(Standard(error)) as Box<dyn std::error::Error + Send + Sync>);
    ActivityError::application(failure.build())
}
