//! The limits of the network.

use std::time::Duration;

/// Files that a server needs besides connections: the store, its log, the listeners, the runtime.
const FILES_RESERVED: u64 = 128;

/// How much of the network anybody may take.
#[derive(Debug, Clone, PartialEq)]
pub struct NetworkLimits {
    /// Connections of all listeners together. Beyond it the oldest silent one is closed for a new one, then the one that has
    /// been idle longest; a new one is refused where all are busy.
    pub connections_max: usize,
    /// Connections of one address (of one /64 of IPv6). The machine itself is exempt.
    pub connections_per_address_max: usize,
    /// Connections that have not sent the head of a request yet; beyond it the oldest of the address that has most of them is
    /// closed.
    pub silent_connections_max: usize,
    /// Time until a connection has sent the head of its first request, its TLS handshake included.
    pub header_timeout: Duration,
    /// Time that a connection may stay without an open request.
    pub idle_timeout: Duration,
    /// Time for a request's body, and a second more for each 16 KiB of it.
    pub body_timeout: Duration,
    /// Requests open at a time on one connection of HTTP/2; more wait in the client. A poll, or a wait for a result, is one.
    pub streams_per_connection_max: u32,
    /// Bytes of all requests that are under way: from their first byte until they are answered, decompressed.
    pub request_bytes_max: usize,
    /// The same of one address. The machine itself is exempt.
    pub request_bytes_per_address_max: usize,
    /// The same of one connection.
    pub request_bytes_per_connection_max: usize,
}

impl Default for NetworkLimits {
    fn default() -> Self {
        Self {
            connections_max: 10_000,
            connections_per_address_max: 1000,
            silent_connections_max: 1024,
            header_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(600),
            body_timeout: Duration::from_secs(30),
            streams_per_connection_max: 10_000,
            request_bytes_max: 256 << 20,
            request_bytes_per_address_max: 128 << 20,
            request_bytes_per_connection_max: 64 << 20,
        }
    }
}

impl NetworkLimits {
    /// The same with no more connections than a process has files for that may open `files`.
    #[must_use]
    pub fn within_files(mut self, files: u64) -> Self {
        let room = usize::try_from(files.saturating_sub(FILES_RESERVED)).unwrap_or(usize::MAX).max(16);
        self.connections_max = self.connections_max.min(room);
        // Whoever has something to say finds a place even where the silent take all that they may.
        self.silent_connections_max = self.silent_connections_max.min(self.connections_max / 2);
        self
    }

    /// Silent connections that one address may have.
    pub(super) fn silent_per_address_max(&self) -> usize {
        (self.silent_connections_max / 8).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_no_more_connections_than_files() {
        let limits = NetworkLimits::default().within_files(1024);
        assert_eq!((limits.connections_max, limits.silent_connections_max), (896, 448));
        assert_eq!(NetworkLimits::default().within_files(1 << 20), NetworkLimits::default());
        assert_eq!(NetworkLimits::default().within_files(0).connections_max, 16);
    }
}
