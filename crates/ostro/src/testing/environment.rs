//! An engine for a test.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use ostro_wire::test_service::{GetCurrentTime, UnlockTimeSkippingWithSleep};
use temporalio_common::protos::temporal::api::testservice::v1::SleepRequest;

use crate::activity::ActivityFn;
use crate::client::rpc;
use crate::error::{Error, Result};
use crate::ostro_handle::Ostro;
use crate::testing::mocks::{self, Mock, MockCalls, Mocks};
use crate::worker::WorkerBuilder;

/// An engine that keeps nothing, with activities to replace and a clock to turn.
///
/// While a test waits for a result, time jumps to the next timer whenever nothing is being worked on: days pass in milliseconds.
///
/// ```standalone_crate
/// use ostro::prelude::*;
/// use ostro::testing::TestEnvironment;
///
/// #[activity]
/// async fn charge(cents: u32) -> Result<String> {
///     Err(Error::new("this would cost money"))
/// }
///
/// #[workflow]
/// async fn order(cents: u32) -> Result<String> {
///     workflow::sleep(Duration::from_secs(30 * 24 * 3600)).await?;
///     charge(cents).await
/// }
///
/// # #[tokio::main] async fn main() -> Result<()> {
/// let env = TestEnvironment::start().await?;
/// let charged = env.mock(charge {}, |cents: u32| Ok(format!("charged {cents}")));
/// let worker = env.worker().spawn()?;
///
/// assert_eq!(order(250).execute(env.ostro()).await?, "charged 250");
/// assert_eq!(charged.count(), 1);
/// worker.shutdown().await
/// # }
/// ```
pub struct TestEnvironment {
    ostro: Ostro,
    mocks: Arc<Mocks>,
}

impl TestEnvironment {
    /// Starts one: a few milliseconds.
    pub async fn start() -> Result<Self> {
        let ostro = Ostro::builder().ephemeral().time_skipping().open().await?;
        Ok(Self { ostro, mocks: Arc::default() })
    }

    /// Replaced activities on another engine, with its own clock: a server, a cluster.
    pub fn on(ostro: Ostro) -> Self {
        Self { ostro, mocks: Arc::default() }
    }

    /// The engine.
    pub fn ostro(&self) -> &Ostro {
        &self.ostro
    }

    /// Has `mock` run instead of this activity in workers of this environment, wherever they call it. Gives a count of its calls.
    ///
    /// What it returns as an error is retried as the activity's options say.
    pub fn mock<A: ActivityFn, Arguments>(&self, _activity: A, mock: impl Mock<A::Output, Arguments>) -> MockCalls<A> {
        mocks::install(&self.mocks, mock)
    }

    /// A worker with the replaced activities.
    pub fn worker(&self) -> WorkerBuilder {
        self.ostro.worker().mocks(self.mocks.clone())
    }

    /// The engine's time.
    pub async fn now(&self) -> Result<SystemTime> {
        let now = rpc::time(rpc::ask(&self.ostro, "the clock", &GetCurrentTime(())).await?.time);
        now.ok_or_else(|| Error::engine("the engine has no time"))
    }

    /// Lets this much of the engine's time pass: what is due in it happens, in its order.
    pub async fn sleep(&self, duration: Duration) -> Result<()> {
        let request = UnlockTimeSkippingWithSleep(SleepRequest { duration: rpc::duration(Some(duration)) });
        rpc::ask(&self.ostro, "the clock", &request).await.map(drop)
    }
}
