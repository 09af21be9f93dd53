//! How many streams of one namespace are open.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::model::error::{Code, Error, Result};

/// Streams of one namespace, at a time.
const STREAMS_MAX: usize = 1000;

/// The streams of an API.
#[derive(Default)]
pub(crate) struct OpenStreams {
    by_namespace: Mutex<HashMap<String, usize>>,
}

/// A stream that is open until this is dropped.
pub(crate) struct OpenStream {
    all: Arc<OpenStreams>,
    namespace: String,
}

impl OpenStreams {
    /// Counts one more stream; refused with 429 where there are too many.
    pub(crate) fn open(self: &Arc<Self>, namespace: &str) -> Result<OpenStream> {
        let mut open = self.by_namespace.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.entry(namespace.to_owned()).or_default();
        if *count >= STREAMS_MAX {
            let message = format!("namespace {namespace} has {STREAMS_MAX} streams open: close some, then open others");
            return Err(Error::new(Code::TooMuch, message));
        }
        *count += 1;
        drop(open);
        Ok(OpenStream { all: self.clone(), namespace: namespace.to_owned() })
    }
}

impl Drop for OpenStream {
    fn drop(&mut self) {
        let mut open = self.all.by_namespace.lock().unwrap_or_else(PoisonError::into_inner);
        match open.get_mut(&self.namespace) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(open.remove(&self.namespace)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_have_a_limit_for_each_namespace_and_are_forgotten_when_they_end() {
        let streams = Arc::new(OpenStreams::default());
        let open: Vec<_> = (0..STREAMS_MAX).map(|_| streams.open("a").expect("room")).collect();
        assert!(streams.open("a").is_err() && streams.open("b").is_ok());
        drop(open);
        assert!(streams.open("a").is_ok());
        assert!(streams.by_namespace.lock().expect("whole").is_empty());
    }
}
