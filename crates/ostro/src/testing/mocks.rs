//! Activities replaced.

use std::collections::HashMap;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::activity::ActivityFn;
use crate::error::Result;
use crate::payload::{self, Payload, Payloads};

type Replacement = Arc<dyn Fn(Payloads) -> BoxFuture<'static, Result<Payload>> + Send + Sync>;

#[derive(Default)]
pub(crate) struct Mocks(Mutex<HashMap<String, Replacement>>);

impl Mocks {
    pub fn find(&self, name: &str) -> Option<Replacement> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).get(name).cloned()
    }

    pub fn set(&self, name: &str, replacement: Replacement) {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).insert(name.to_owned(), replacement);
    }
}

/// What stands in for an activity: a function of its arguments (up to six) that returns a `Result` of what it returns.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not stand in for an activity that returns `{T}`",
    note = "a mock is `|argument: Type, ..| Ok(value)`, with the activity's arguments and a value of its type"
)]
pub trait Mock<T, Arguments>: Send + Sync + 'static {
    #[doc(hidden)]
    fn call(&self, payloads: Payloads) -> Result<Payload>;
}

macro_rules! mock {
    ($($name:ident),*) => {
        impl<F, T, $($name),*> Mock<T, ($($name,)*)> for F
        where
            F: Fn($($name),*) -> Result<T> + Send + Sync + 'static,
            T: Serialize,
            $($name: DeserializeOwned,)*
        {
            #[allow(non_snake_case, unused_mut)]
            fn call(&self, mut payloads: Payloads) -> Result<Payload> {
                $(let $name = payloads.take(stringify!($name))?;)*
                payloads.finish()?;
                payload::encode(&self($($name),*)?)
            }
        }
    };
}
mock!();
mock!(A);
mock!(A, B);
mock!(A, B, C);
mock!(A, B, C, D);
mock!(A, B, C, D, E);
mock!(A, B, C, D, E, G);

/// How often a mock was called.
#[derive(Clone)]
pub struct MockCalls<T> {
    calls: Arc<AtomicUsize>,
    of: PhantomData<fn() -> T>,
}

impl<T> MockCalls<T> {
    /// Calls so far, retries among them.
    pub fn count(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }
}

pub(crate) fn install<A: ActivityFn, Arguments>(mocks: &Mocks, mock: impl Mock<A::Output, Arguments>) -> MockCalls<A> {
    let calls = Arc::new(AtomicUsize::new(0));
    let (mock, counted) = (Arc::new(mock), calls.clone());
    mocks.set(
        A::NAME,
        Arc::new(move |payloads| {
            let (mock, counted) = (mock.clone(), counted.clone());
            async move {
                counted.fetch_add(1, Ordering::SeqCst);
                mock.call(payloads)
            }
            .boxed()
        }),
    );
    MockCalls { calls, of: PhantomData }
}
