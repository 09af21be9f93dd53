//! How many requests a namespace may make in a second: the hook.

use tonic::Status;

/// Decides whether a namespace has made too many requests.
pub trait Throttle: Send + Sync + 'static {
    /// Counts a request of a caller that may make it.
    ///
    /// # Errors
    /// RESOURCE_EXHAUSTED, with the quota that is used up.
    fn admit(&self, namespace: &str) -> Result<(), Status>;
}
