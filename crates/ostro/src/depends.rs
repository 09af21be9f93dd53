//! Dependencies: what activities work with and callers do not pass.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex};

use futures_util::future::BoxFuture;

use crate::context;
use crate::error::{Error, Result};

/// A function that makes a dependency: `fn() -> T`, `fn() -> Result<T>`, `async fn() -> T` or `async fn() -> Result<T>`.
///
/// `Kind` tells the four apart and is always inferred.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not make a `{T}`",
    note = "a provider takes no arguments and returns the value, or a Result of it, at once or async"
)]
pub trait Provider<T, Kind>: Copy + Send + 'static {
    /// Makes one.
    fn provide(self) -> BoxFuture<'static, Result<T>>;
}

#[doc(hidden)]
pub struct Plain;
#[doc(hidden)]
pub struct Fallible<E>(E);
#[doc(hidden)]
pub struct Async<F>(F);
#[doc(hidden)]
pub struct AsyncFallible<F, E>(F, E);

impl<F: Fn() -> T + Copy + Send + 'static, T: Send + 'static> Provider<T, Plain> for F {
    fn provide(self) -> BoxFuture<'static, Result<T>> {
        Box::pin(async move { Ok(self()) })
    }
}

impl<F, T, E> Provider<T, Fallible<E>> for F
where
    F: Fn() -> Result<T, E> + Copy + Send + 'static,
    T: Send + 'static,
    E: Into<Error> + Send,
{
    fn provide(self) -> BoxFuture<'static, Result<T>> {
        Box::pin(async move { self().map_err(Into::into) })
    }
}

impl<F, T, Fut> Provider<T, Async<Fut>> for F
where
    F: Fn() -> Fut + Copy + Send + 'static,
    Fut: Future<Output = T> + Send,
    T: Send + 'static,
{
    fn provide(self) -> BoxFuture<'static, Result<T>> {
        Box::pin(async move { Ok(self().await) })
    }
}

impl<F, T, E, Fut> Provider<T, AsyncFallible<Fut, E>> for F
where
    F: Fn() -> Fut + Copy + Send + 'static,
    Fut: Future<Output = Result<T, E>> + Send,
    T: Send + 'static,
    E: Into<Error> + Send,
{
    fn provide(self) -> BoxFuture<'static, Result<T>> {
        Box::pin(async move { self().await.map_err(Into::into) })
    }
}

type Value = Arc<dyn Any + Send + Sync>;
type Cell = Arc<tokio::sync::Mutex<Option<Value>>>;

/// The values of one worker, made when first asked for and dropped with it.
#[derive(Default)]
pub(crate) struct Dependencies {
    cells: Mutex<HashMap<TypeId, Cell>>,
}

impl Dependencies {
    fn cell(&self, provider: TypeId) -> Cell {
        let mut cells = self.cells.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        cells.entry(provider).or_default().clone()
    }

    /// Makes `value` the one of this provider.
    pub fn set<T: Clone + Send + Sync + 'static>(&self, provider: TypeId, value: T) {
        let cell: Cell = Arc::new(tokio::sync::Mutex::new(Some(Arc::new(value))));
        self.cells.lock().unwrap_or_else(std::sync::PoisonError::into_inner).insert(provider, cell);
    }

    async fn get<T, Kind, P>(&self, provider: P) -> Result<T>
    where
        T: Clone + Send + Sync + 'static,
        P: Provider<T, Kind>,
    {
        let cell = self.cell(TypeId::of::<P>());
        let mut value = cell.lock().await;
        if let Some(value) = value.as_ref().and_then(|value| value.downcast_ref::<T>()) {
            return Ok(value.clone());
        }
        let made = made(provider).await?;
        *value = Some(Arc::new(made.clone()));
        Ok(made)
    }
}

async fn made<T, Kind, P: Provider<T, Kind>>(provider: P) -> Result<T> {
    let name = std::any::type_name::<P>();
    provider.provide().await.map_err(|error| {
        let mut wrapped = Error::new(format_args!("the dependency `{name}` could not be made: {error}"));
        wrapped.inner_mut().type_name = error.type_name().map(str::to_owned);
        wrapped.inner_mut().non_retryable = error.is_non_retryable();
        wrapped.inner_mut().cause = Some(error);
        wrapped
    })
}

/// The dependency of the worker that runs this attempt, made at its first use; outside of a worker, a new one.
///
/// # Errors
/// That of the provider, with the name of the dependency.
pub async fn resolve_for_worker<T, Kind, P>(provider: P) -> Result<T>
where
    T: Clone + Send + Sync + 'static,
    P: Provider<T, Kind>,
{
    match context::attempt() {
        Some(attempt) => attempt.dependencies.clone().get(provider).await,
        None => made(provider).await,
    }
}

/// A dependency of this call alone.
///
/// # Errors
/// That of the provider, with the name of the dependency.
pub async fn resolve_for_call<T, Kind, P>(provider: P) -> Result<T>
where
    T: 'static,
    P: Provider<T, Kind>,
{
    made(provider).await
}

/// The worker's value of a provider, as `#[depends(provider)]` gives it: made when first asked for, one for each worker.
///
/// For providers that need another dependency. Outside of a worker a new one is made each time.
///
/// ```
/// # use ostro::prelude::*;
/// # #[derive(Clone)] struct Config { url: String }
/// # #[derive(Clone)] struct Db(String);
/// fn config() -> Config {
///     Config { url: "db.example.org".to_owned() }
/// }
///
/// async fn database() -> Result<Db> {
///     let config: Config = ostro::depends(config).await?;
///     Ok(Db(config.url))
/// }
///
/// #[activity]
/// async fn count(table: String, #[depends(database)] db: Db) -> Result<u64> {
///     Ok((table.len() + db.0.len()) as u64)
/// }
/// ```
pub async fn depends<T, Kind, P>(provider: P) -> Result<T>
where
    T: Clone + Send + Sync + 'static,
    P: Provider<T, Kind>,
{
    resolve_for_worker(provider).await
}
