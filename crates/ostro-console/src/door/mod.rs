//! Who asks, and what it may: the cookie of a key, the token of a form, and the guard before each call.

mod cookie;
mod guarded;
mod rights;
mod secret;
mod session;
mod visitor;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use ostro_wire::{Caller, Guard, Throttle};
use tokio::sync::watch;

pub(crate) use cookie::{FORM_COOKIE, SESSION_COOKIE, cookie, delete as delete_cookie, set as set_cookie};
pub(crate) use guarded::guarded;
pub(crate) use rights::Rights;
pub(crate) use session::{SESSION_LASTS, Sessions};
pub(crate) use visitor::Visitor;

use secret::Secret;

/// Wait for a call that answers at once.
const CALL_TIMEOUT: Duration = Duration::from_secs(15);

/// How the console is served.
#[derive(Clone)]
pub struct Settings {
    /// The namespace that it opens with.
    pub namespace: String,
    /// Decides which calls are made, by the key of who is signed in; all of them without one.
    pub guard: Option<Arc<dyn Guard>>,
    /// Counts the calls of namespaces; any number without one.
    pub throttle: Option<Arc<dyn Throttle>>,
    /// Whether it is reached by TLS; what a proxy says (`X-Forwarded-Proto`) counts too.
    pub tls: bool,
    /// The time; tests have one of their own.
    pub now: fn() -> SystemTime,
    /// The version that pages show.
    pub version: &'static str,
}

/// The console: a way to the engine, and who is signed in.
pub struct Console {
    engine: Caller,
    pub(crate) settings: Settings,
    pub(crate) sessions: Sessions,
    secret: Secret,
    stopping: watch::Sender<bool>,
}

impl Console {
    /// A console over `engine`, which may be in process or on the network. Nothing is asked yet.
    ///
    /// # Errors
    /// A system without random bytes: cookies and the tokens of forms could be guessed.
    pub fn new(engine: Caller, settings: Settings) -> Result<Arc<Self>, getrandom::Error> {
        Ok(Arc::new(Self {
            engine: engine.with_timeout(CALL_TIMEOUT),
            settings,
            sessions: Sessions::default(),
            secret: Secret::new()?,
            stopping: watch::Sender::new(false),
        }))
    }

    /// Ends every live page, so that the listener can stop; browsers come back by themselves.
    pub fn stop(&self) {
        self.stopping.send_replace(true);
    }

    /// Completes once the console stops.
    pub(crate) async fn stopped(&self) {
        // An error says that the console is gone.
        drop(self.stopping.subscribe().wait_for(|stopping| *stopping).await);
    }
}
