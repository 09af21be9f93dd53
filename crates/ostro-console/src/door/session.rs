//! Who is signed in: keys by the names of sessions, in memory only.
//!
//! ```text
//!  (none) --sign in with a key--> open --sign out | expire | server restarts--> (none)
//! ```

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::secret;

/// How long somebody stays signed in.
pub(crate) const SESSION_LASTS: Duration = Duration::from_secs(12 * 3600);
/// Sessions at a time; the one that would expire first makes room.
const SESSIONS_MAX: usize = 10_000;

/// The sessions that there are.
#[derive(Default)]
pub(crate) struct Sessions {
    open: Mutex<HashMap<String, Session>>,
}

struct Session {
    key: String,
    expires: Instant,
}

impl Sessions {
    /// Signs in with a key; answers the session's name, which the cookie holds.
    ///
    /// # Errors
    /// A system without random bytes.
    pub(crate) fn open(&self, key: String, now: Instant) -> Result<String, getrandom::Error> {
        let name = secret::name()?;
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.len() >= SESSIONS_MAX {
            open.retain(|_, session| session.expires > now);
        }
        if open.len() >= SESSIONS_MAX {
            let oldest = open.iter().min_by_key(|(_, session)| session.expires).map(|(name, _)| name.clone());
            oldest.and_then(|name| open.remove(&name));
        }
        open.insert(name.clone(), Session { key, expires: now + SESSION_LASTS });
        Ok(name)
    }

    /// The key of a session that has not expired.
    pub(crate) fn key(&self, name: &str, now: Instant) -> Option<String> {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.get(name).filter(|session| session.expires > now).map(|session| session.key.clone())
    }

    /// Signs out.
    pub(crate) fn close(&self, name: &str) {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_ends_with_its_time_or_when_it_is_closed() {
        let (sessions, now) = (Sessions::default(), Instant::now());
        let name = sessions.open("ostro_k".to_owned(), now).unwrap();
        assert_eq!(sessions.key(&name, now).as_deref(), Some("ostro_k"));
        assert_eq!(sessions.key(&name, now + SESSION_LASTS), None);
        assert_eq!(sessions.key("another", now), None);
        sessions.close(&name);
        assert_eq!(sessions.key(&name, now), None);
    }

    #[test]
    fn there_is_always_room_for_one_more() {
        let (sessions, now) = (Sessions::default(), Instant::now());
        let first = sessions.open("first".to_owned(), now).unwrap();
        for _ in 0..SESSIONS_MAX {
            sessions.open("later".to_owned(), now + Duration::from_secs(1)).unwrap();
        }
        assert_eq!(sessions.key(&first, now), None);
        assert_eq!(sessions.open.lock().unwrap().len(), SESSIONS_MAX);
    }
}
