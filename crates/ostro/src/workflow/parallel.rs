//! Many calls at once, so many at a time.

use std::future::Future;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;

use crate::error::Result;

/// How far [`in_parallel`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Calls that have ended well.
    pub done: usize,
    /// All of them.
    pub total: usize,
}

/// Runs a call for each item, at most `at_once` at a time, and gives the results in the items' order.
///
/// `progress` is told after each. The first error ends it, and cancels what is still under way. One workflow's history holds some ten
/// thousand activities; for more give the rest of the items to a new run
/// ([`continue_as_new`](crate::workflow::WorkflowCall::continue_as_new)) when
/// [`continue_as_new_suggested`](crate::workflow::continue_as_new_suggested) says so.
///
/// ```
/// use ostro::prelude::*;
///
/// #[activity]
/// async fn fetch(page: u32) -> Result<String> {
///     Ok(format!("page {page}"))
/// }
///
/// #[workflow]
/// async fn crawl(pages: Vec<u32>) -> Result<Vec<String>> {
///     workflow::in_parallel(pages, 10, fetch, |progress| {
///         workflow::set_current_details(format!("{} of {}", progress.done, progress.total));
///     })
///     .await
/// }
/// ```
pub async fn in_parallel<I, T, F>(
    items: impl IntoIterator<Item = I>,
    at_once: usize,
    call: impl Fn(I) -> F,
    mut progress: impl FnMut(Progress),
) -> Result<Vec<T>>
where
    F: Future<Output = Result<T>>,
{
    let items: Vec<I> = items.into_iter().collect();
    let total = items.len();
    let mut waiting = items.into_iter().enumerate();
    let mut running = FuturesUnordered::new();
    let mut results: Vec<Option<T>> = (0..total).map(|_| None).collect();
    let mut done = 0;
    let numbered = |(number, item): (usize, I)| {
        let call = call(item);
        async move { (number, call.await) }
    };
    running.extend(waiting.by_ref().take(at_once.max(1)).map(numbered));
    while let Some((number, result)) = running.next().await {
        results[number] = Some(result?);
        done += 1;
        progress(Progress { done, total });
        running.extend(waiting.next().map(numbered));
    }
    Ok(results.into_iter().flatten().collect())
}
