//! What the network counts.

use std::sync::atomic::Ordering::Relaxed;

use ostro_wire::network::NetworkStats;

use super::text::Text;

pub(super) fn render(stats: &NetworkStats, text: &mut Text) {
    for (name, help, value) in [
        ("ostro_connections", "Connections that are open", &stats.connections_now),
        ("ostro_connections_silent", "Connections that have sent no request yet", &stats.silent_now),
        ("ostro_request_bytes", "Bytes of requests that are under way", &stats.request_bytes_now),
    ] {
        text.gauge(name, help, value.load(Relaxed) as f64);
    }
    text.counter("ostro_connections_accepted_total", "Connections accepted", stats.accepted.load(Relaxed) as f64);
    text.family("ostro_connections_ended_total", "counter", "Connections that were refused or closed by the server");
    for (reason, value) in [
        ("no_room", &stats.refused),
        ("made_room", &stats.evicted),
        ("first_request_too_slow", &stats.too_slow),
        ("idle", &stats.idle),
        ("no_socket", &stats.accept_failures),
    ] {
        text.sample("ostro_connections_ended_total", &[("reason", reason)], value.load(Relaxed) as f64);
    }
    text.family("ostro_requests_cut_total", "counter", "Requests whose body was not read to its end");
    for (reason, value) in [("bytes_under_way", &stats.requests_too_much), ("too_slow", &stats.requests_too_slow)] {
        text.sample("ostro_requests_cut_total", &[("reason", reason)], value.load(Relaxed) as f64);
    }
}
