//! A queue between threads that is bounded by bytes, not by entries.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Entries wait here for the writer. `push` blocks while more than `bytes_max` wait; one entry always fits, however large.
pub(crate) struct Queue<T> {
    inner: Mutex<Inner<T>>,
    filled: Condvar,
    drained: Condvar,
    bytes_max: usize,
}

struct Inner<T> {
    entries: VecDeque<(T, usize)>,
    bytes: usize,
    closed: bool,
}

/// How much one `drain` may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DrainLimits {
    pub entries: usize,
    pub bytes: usize,
}

impl<T> Queue<T> {
    pub(crate) fn new(bytes_max: usize) -> Self {
        let inner = Inner { entries: VecDeque::new(), bytes: 0, closed: false };
        Self { inner: Mutex::new(inner), filled: Condvar::new(), drained: Condvar::new(), bytes_max }
    }

    /// Appends an entry; hands it back if the queue is closed.
    pub(crate) fn push(&self, entry: T, bytes: usize) -> Result<(), T> {
        let mut inner = self.lock();
        while !inner.closed && !inner.entries.is_empty() && inner.bytes + bytes > self.bytes_max {
            inner = self.drained.wait(inner).unwrap_or_else(PoisonError::into_inner);
        }
        if inner.closed {
            return Err(entry);
        }
        inner.bytes += bytes;
        inner.entries.push_back((entry, bytes));
        if inner.entries.len() == 1 {
            self.filled.notify_one();
        }
        Ok(())
    }

    /// Waits for entries; `false` once the queue is closed and everything was taken.
    pub(crate) fn wait(&self) -> bool {
        let mut inner = self.lock();
        while inner.entries.is_empty() && !inner.closed {
            inner = self.filled.wait(inner).unwrap_or_else(PoisonError::into_inner);
        }
        !inner.entries.is_empty()
    }

    /// Moves the first entries to `into`, if there are any.
    pub(crate) fn drain(&self, limits: DrainLimits, into: &mut Vec<T>) {
        let mut inner = self.lock();
        let mut taken = 0;
        while let Some(&(_, bytes)) = inner.entries.front() {
            if !into.is_empty() && (into.len() == limits.entries || taken + bytes > limits.bytes) {
                break;
            }
            taken += bytes;
            into.extend(inner.entries.pop_front().map(|(entry, _)| entry));
        }
        inner.bytes -= taken;
        self.drained.notify_all();
    }

    /// Whether nothing waits, and more may come.
    pub(crate) fn is_idle(&self) -> bool {
        let inner = self.lock();
        inner.entries.is_empty() && !inner.closed
    }

    /// No entry is taken from now on; those that wait still are drained.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.filled.notify_all();
        self.drained.notify_all();
    }

    /// Closes the queue and drops what waits.
    pub(crate) fn abandon(&self) {
        self.close();
        let mut inner = self.lock();
        inner.bytes = 0;
        let abandoned = std::mem::take(&mut inner.entries);
        drop(inner);
        drop(abandoned);
    }

    pub(crate) fn bytes(&self) -> usize {
        self.lock().bytes
    }

    fn lock(&self) -> MutexGuard<'_, Inner<T>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: DrainLimits = DrainLimits { entries: 2, bytes: 10 };

    fn drain(queue: &Queue<u32>) -> Vec<u32> {
        let mut taken = Vec::new();
        if queue.wait() {
            queue.drain(LIMITS, &mut taken);
        }
        taken
    }

    #[test]
    fn drains_in_order_up_to_its_limits() {
        let queue = Queue::new(100);
        for (entry, bytes) in [(1, 1), (2, 1), (3, 8), (4, 3), (5, 50)] {
            queue.push(entry, bytes).unwrap();
        }
        assert_eq!(queue.bytes(), 63);
        assert_eq!(drain(&queue), [1, 2], "two entries");
        assert_eq!(drain(&queue), [3], "four would pass ten bytes");
        assert_eq!(drain(&queue), [4]);
        assert_eq!(drain(&queue), [5], "a large entry goes alone");
        assert_eq!(queue.bytes(), 0);
        queue.close();
        assert!(drain(&queue).is_empty());
        assert_eq!(queue.push(6, 1), Err(6));
    }

    #[test]
    fn push_waits_until_there_is_room() {
        let queue = Queue::new(10);
        queue.push(1, 100).unwrap();
        std::thread::scope(|scope| {
            let pushed = scope.spawn(|| queue.push(2, 1));
            assert_eq!(drain(&queue), [1]);
            pushed.join().unwrap().unwrap();
        });
        assert_eq!(drain(&queue), [2]);
    }
}
