//! Activities of the SDK itself.

use std::time::Duration;

use futures_util::FutureExt;

use crate::activity::ActivityOptions;
use crate::activity::entry::ActivityEntry;
use crate::activity::heartbeat;
use crate::context;
use crate::error::{Error, Result};
use crate::payload::{self, Payload};

/// Names the queue of the worker that runs it.
pub(crate) const SESSION_QUEUE: &str = "ostro:session_queue";
/// Heartbeats for as long as its session lasts.
pub(crate) const SESSION_LEASE: &str = "ostro:session_lease";

const BEAT: Duration = Duration::from_secs(1);

pub(crate) static ENTRIES: [ActivityEntry; 2] = [
    ActivityEntry {
        name: SESSION_QUEUE,
        options: ActivityOptions::default,
        invoke: |_| async { session_queue() }.boxed(),
    },
    ActivityEntry { name: SESSION_LEASE, options: ActivityOptions::default, invoke: |_| session_lease().boxed() },
];

fn session_queue() -> Result<Payload> {
    match context::attempt().and_then(|attempt| attempt.shared.clone()) {
        Some(shared) => payload::encode(&*shared.session_queue),
        None => Err(Error::new("a session needs a worker")),
    }
}

/// Until it is cancelled, or the worker stops.
async fn session_lease() -> Result<Payload> {
    let shared = context::attempt().and_then(|attempt| attempt.shared.clone());
    let Some(shared) = shared else { return Err(Error::new("a session needs a worker")) };
    let mut stopping = shared.stopping.clone();
    while !*stopping.borrow() {
        heartbeat(());
        // An error says that the worker is gone.
        if let Ok(Err(_)) = tokio::time::timeout(BEAT, stopping.changed()).await {
            break;
        }
    }
    payload::encode(&())
}
