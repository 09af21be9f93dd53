//! The connections that there are, who has them, and which goes when there is no room.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::time::Instant;

use super::limits::NetworkLimits;
use super::source::Source;
use super::stats::NetworkStats;

/// All connections of a network.
pub(super) struct Registry {
    limits: Arc<NetworkLimits>,
    stats: Arc<NetworkStats>,
    connections: Mutex<Connections>,
}

#[derive(Default)]
struct Connections {
    next: u64,
    /// By age.
    all: BTreeMap<u64, Arc<Presence>>,
    silent: BTreeMap<u64, Source>,
    of_source: HashMap<Source, Counts>,
}

#[derive(Default)]
struct Counts {
    all: usize,
    silent: usize,
}

/// A connection for which there is no room.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum NoRoom {
    #[error("all {0} connections are busy (connections_max)")]
    Full(usize),
    #[error("its address has {0} connections, all busy (connections_per_address_max)")]
    Address(usize),
}

/// What one connection does.
pub(super) struct Presence {
    id: u64,
    source: Source,
    state: Mutex<State>,
    /// Rung when it must go to make room.
    evicted: Notify,
    registry: Arc<Registry>,
}

#[derive(Clone, Copy)]
struct State {
    heard: bool,
    open: usize,
    /// When the connection was made, or its last request ended.
    since: Instant,
}

impl Registry {
    pub(super) fn new(limits: Arc<NetworkLimits>, stats: Arc<NetworkStats>) -> Self {
        Self { limits, stats, connections: Mutex::default() }
    }

    /// Takes a connection in, in the place of another where there is no room.
    pub(super) fn admit(self: &Arc<Self>, source: Source) -> Result<Entry, NoRoom> {
        let mut connections = self.lock();
        self.make_room(&mut connections, source).inspect_err(|_| NetworkStats::count(&self.stats.refused))?;
        let id = connections.next;
        connections.next += 1;
        let state = Mutex::new(State { heard: false, open: 0, since: Instant::now() });
        let presence = Arc::new(Presence { id, source, state, evicted: Notify::new(), registry: self.clone() });
        connections.all.insert(id, presence.clone());
        connections.silent.insert(id, source);
        let counts = connections.of_source.entry(source).or_default();
        (counts.all, counts.silent) = (counts.all + 1, counts.silent + 1);
        NetworkStats::count(&self.stats.accepted);
        self.show(&connections);
        Ok(Entry(presence))
    }

    fn make_room(&self, connections: &mut Connections, source: Source) -> Result<(), NoRoom> {
        let limits = &self.limits;
        let of_source = connections.of_source.get(&source);
        let (all, silent) = of_source.map_or((0, 0), |counts| (counts.all, counts.silent));
        if source.is_limited() && silent >= limits.silent_per_address_max() {
            let gone = connections.oldest_silent(source);
            self.evict(connections, gone);
        } else if source.is_limited() && all >= limits.connections_per_address_max {
            let gone = connections.oldest_silent(source).or_else(|| connections.longest_idle(Some(source)));
            let gone = gone.ok_or(NoRoom::Address(all))?;
            self.evict(connections, Some(gone));
        }
        if connections.silent.len() >= limits.silent_connections_max {
            let gone = connections.most_silent();
            self.evict(connections, gone);
        }
        if connections.all.len() >= limits.connections_max {
            let gone = connections.most_silent().or_else(|| connections.longest_idle(None));
            let gone = gone.ok_or(NoRoom::Full(connections.all.len()))?;
            self.evict(connections, Some(gone));
        }
        Ok(())
    }

    fn evict(&self, connections: &mut Connections, id: Option<u64>) {
        if let Some(presence) = id.and_then(|id| connections.remove(id)) {
            presence.evicted.notify_one();
            NetworkStats::count(&self.stats.evicted);
        }
    }

    fn heard(&self, presence: &Presence) {
        let mut connections = self.lock();
        connections.heard(presence.id);
        self.show(&connections);
    }

    fn remove(&self, presence: &Presence) {
        let mut connections = self.lock();
        connections.remove(presence.id);
        self.show(&connections);
    }

    fn show(&self, connections: &Connections) {
        self.stats.connections_now.store(connections.all.len() as u64, Relaxed);
        self.stats.silent_now.store(connections.silent.len() as u64, Relaxed);
    }

    fn lock(&self) -> MutexGuard<'_, Connections> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Connections {
    fn oldest_silent(&self, source: Source) -> Option<u64> {
        self.silent.iter().find(|(_, of)| **of == source).map(|(id, _)| *id)
    }

    /// The oldest silent connection of the address that has most of them.
    fn most_silent(&self) -> Option<u64> {
        let (source, _) =
            self.of_source.iter().filter(|(_, counts)| counts.silent > 0).max_by_key(|(_, c)| c.silent)?;
        self.oldest_silent(*source)
    }

    fn longest_idle(&self, source: Option<Source>) -> Option<u64> {
        let of_source = self.all.values().filter(|presence| source.is_none_or(|source| presence.source == source));
        let idle = of_source.filter_map(|presence| Some((presence.idle_since()?, presence.id)));
        idle.min().map(|(_, id)| id)
    }

    fn heard(&mut self, id: u64) {
        if let Some(source) = self.silent.remove(&id)
            && let Some(counts) = self.of_source.get_mut(&source)
        {
            counts.silent -= 1;
        }
    }

    fn remove(&mut self, id: u64) -> Option<Arc<Presence>> {
        let presence = self.all.remove(&id)?;
        self.heard(id);
        let counts = self.of_source.get_mut(&presence.source)?;
        counts.all -= 1;
        if counts.all == 0 {
            self.of_source.remove(&presence.source);
        }
        Some(presence)
    }
}

/// A connection's place; dropped with the connection.
pub(super) struct Entry(Arc<Presence>);

impl Entry {
    pub(super) fn presence(&self) -> &Arc<Presence> {
        &self.0
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.0.registry.remove(&self.0);
    }
}

/// Why a connection is closed from this side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Over {
    /// Its place is another's.
    Evicted,
    /// Its first request did not come.
    Silent,
    /// Nothing was asked any more.
    Idle,
}

impl Presence {
    pub(super) fn source(&self) -> Source {
        self.source
    }

    /// Notes that a request has begun, until what is answered is dropped.
    pub(super) fn open(self: &Arc<Self>) -> OpenRequest {
        let first = {
            let mut state = self.state();
            state.open += 1;
            !std::mem::replace(&mut state.heard, true)
        };
        if first {
            self.registry.heard(self);
        }
        OpenRequest(self.clone())
    }

    /// Completes once the connection must go.
    pub(super) async fn over(&self) -> Over {
        tokio::select! {
            () = self.evicted.notified() => Over::Evicted,
            over = self.overdue() => over,
        }
    }

    async fn overdue(&self) -> Over {
        let (limits, stats) = (&self.registry.limits, &self.registry.stats);
        loop {
            let State { heard, open, since } = *self.state();
            let patience = if heard { limits.idle_timeout } else { limits.header_timeout };
            // A request that goes on is looked at again as late as it could have become idle.
            let since = if open > 0 { Instant::now() } else { since };
            if since.elapsed() >= patience && open == 0 {
                let (over, counter) = if heard { (Over::Idle, &stats.idle) } else { (Over::Silent, &stats.too_slow) };
                NetworkStats::count(counter);
                return over;
            }
            tokio::time::sleep_until(since + patience).await;
        }
    }

    fn idle_since(&self) -> Option<Instant> {
        let state = self.state();
        (state.open == 0).then_some(state.since)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request that is not answered yet.
pub(super) struct OpenRequest(Arc<Presence>);

impl Drop for OpenRequest {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.open -= 1;
        state.since = Instant::now();
    }
}

#[cfg(test)]
#[path = "registry_tests.rs"]
mod tests;
