//! Signals, queries and updates: as they are sent, and as workflows that are functions take them.

use std::future::poll_fn;
use std::marker::PhantomData;
use std::rc::Rc;
use std::task::Poll;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{Error, Result};
use crate::payload::{self, Arguments, Payload};
use crate::workflow::scope::{self, Scope};

/// A signal to a workflow `W`, with its arguments: made by the `#[signal]` method's name.
#[must_use = "a message is sent by a handle"]
pub struct Signal<W> {
    pub(crate) name: String,
    pub(crate) arguments: Arguments,
    workflow: PhantomData<fn(W)>,
}

/// A question to a workflow `W` that it answers with a `T`.
#[must_use = "a message is sent by a handle"]
pub struct Query<W, T> {
    pub(crate) name: String,
    pub(crate) arguments: Arguments,
    workflow: PhantomData<fn(W) -> T>,
}

/// A change asked of a workflow `W`, which it may refuse, and answers with a `T` when it is done.
#[must_use = "a message is sent by a handle"]
pub struct Update<W, T> {
    pub(crate) name: String,
    pub(crate) arguments: Arguments,
    pub(crate) id: Option<String>,
    workflow: PhantomData<fn(W) -> T>,
}

impl<W> Signal<W> {
    #[doc(hidden)]
    pub fn new(name: &str, arguments: Arguments) -> Self {
        Self { name: name.to_owned(), arguments, workflow: PhantomData }
    }

    /// A signal by its name, for workflows that are functions or in another language.
    pub fn named(name: impl Into<String>, value: impl Serialize) -> Self {
        Self { name: name.into(), arguments: Arguments::new().with("value", &value), workflow: PhantomData }
    }
}

impl<W, T> Query<W, T> {
    #[doc(hidden)]
    pub fn new(name: &str, arguments: Arguments) -> Self {
        Self { name: name.to_owned(), arguments, workflow: PhantomData }
    }

    /// A query without arguments by its name, for workflows that are functions or in another language.
    pub fn named(name: impl Into<String>) -> Self {
        Self { name: name.into(), arguments: Arguments::new(), workflow: PhantomData }
    }
}

impl<W, T> Update<W, T> {
    #[doc(hidden)]
    pub fn new(name: &str, arguments: Arguments) -> Self {
        Self { name: name.to_owned(), arguments, id: None, workflow: PhantomData }
    }

    /// An update by its name, for workflows in another language.
    pub fn named(name: impl Into<String>, value: impl Serialize) -> Self {
        let arguments = Arguments::new().with("value", &value);
        Self { name: name.into(), arguments, id: None, workflow: PhantomData }
    }

    /// Sent again with the same id it is not done again: the answer is that of the first time.
    pub fn id(mut self, id: impl Into<String>) -> Self {
        self.id = Some(id.into());
        self
    }
}

/// The signals of one name that a workflow gets, in their order. What came before is there.
pub struct Signals<T> {
    name: String,
    scope: Scope,
    value: PhantomData<T>,
}

/// Takes the signals of this name. For workflows that are functions; those with an `impl` block have `#[signal]`.
///
/// ```
/// # use ostro::prelude::*;
/// #[workflow]
/// async fn approval() -> Result<bool> {
///     let mut decisions = workflow::signals::<bool>("decide")?;
///     decisions.recv().await
/// }
/// ```
///
/// # Errors
/// Outside of a workflow.
pub fn signals<T: DeserializeOwned>(name: impl Into<String>) -> Result<Signals<T>> {
    Ok(Signals { name: name.into(), scope: scope::required("workflow::signals()")?, value: PhantomData })
}

impl<T: DeserializeOwned> Signals<T> {
    /// The next one, if it is there. One that cannot be read is dropped with an error in the log.
    pub fn try_recv(&mut self) -> Option<T> {
        loop {
            let mut payloads = self.scope.run.kept.signals.borrow_mut().get_mut(&self.name)?.pop_front()?;
            match payloads.take("value") {
                Ok(value) => return Some(value),
                Err(error) => {
                    tracing::error!(signal = self.name, %error, "a signal is dropped: its input cannot be read");
                }
            }
        }
    }

    /// Waits for the next one.
    ///
    /// # Errors
    /// Cancelled.
    pub async fn recv(&mut self) -> Result<T> {
        poll_fn(|cx| {
            if let Some(value) = self.try_recv() {
                return Poll::Ready(Ok(value));
            }
            if crate::workflow::is_cancelled() {
                return Poll::Ready(Err(Error::cancelled(format_args!(
                    "the wait for signal `{}` was cancelled",
                    self.name
                ))));
            }
            self.scope.run.wait_for_change(cx.waker());
            Poll::Pending
        })
        .await
    }
}

/// Answers a query, from now on and after the end. For workflows that are functions.
///
/// ```
/// # use ostro::prelude::*;
/// use std::rc::Rc;
///
/// #[workflow]
/// async fn long(steps: u32) -> Result<()> {
///     let done = Rc::new(Var::new(0));
///     let shown = done.clone();
///     workflow::on_query("done", move || shown.get())?;
///     for step in 1..=steps {
///         workflow::sleep(Duration::from_secs(60)).await?;
///         done.set(step);
///     }
///     Ok(())
/// }
/// ```
///
/// # Errors
/// Outside of a workflow.
pub fn on_query<T: Serialize>(name: impl Into<String>, answer: impl Fn() -> T + 'static) -> Result<()> {
    let scope = scope::required("workflow::on_query()")?;
    let handler = Rc::new(move |_| -> Result<Payload> { payload::encode(&answer()) });
    scope.run.kept.queries.borrow_mut().insert(name.into(), handler);
    Ok(())
}
