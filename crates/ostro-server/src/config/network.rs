//! The table `[network]`: each limit of the network by its name.

use std::time::Duration;

use ostro_engine::time::Span;
use ostro_wire::NetworkLimits;
use toml::Value;

use super::human::{self, Parsed};

macro_rules! network {
    ($($field:ident: $kind:ident,)*) => {
        /// Every key of `[network]`.
        pub(super) const KEYS: &[&str] = &[$(stringify!($field)),*];

        /// Sets the limit `key`, which is one of [`KEYS`].
        pub(super) fn set(limits: &mut NetworkLimits, key: &str, value: &Value) -> Parsed<()> {
            match key {
                $(stringify!($field) => limits.$field = $kind(value)?,)*
                _ => {}
            }
            Ok(())
        }

        /// Whether all fields are here: a new one does not compile until it has its kind.
        #[allow(dead_code)]
        fn complete(limits: NetworkLimits) {
            let NetworkLimits { $($field: _),* } = limits;
        }
    };
}

network! {
    connections_max: count,
    connections_per_address_max: count,
    silent_connections_max: count,
    header_timeout: time,
    idle_timeout: time,
    body_timeout: time,
    streams_per_connection_max: count,
    request_bytes_max: size,
    request_bytes_per_address_max: size,
    request_bytes_per_connection_max: size,
}

/// Without any there would be no server.
fn count<T: TryFrom<u64>>(value: &Value) -> Parsed<T> {
    let count = Some(human::count(value)?).filter(|count| *count > 0).ok_or("a whole number, 1 or more")?;
    T::try_from(count).map_err(|_| "a smaller number")
}

fn size(value: &Value) -> Parsed<usize> {
    usize::try_from(human::size(value)?).map_err(|_| "a smaller number")
}

fn time(value: &Value) -> Parsed<Duration> {
    let span = Some(human::span(value)?).filter(|span| span.is_positive());
    span.map(Span::to_std).ok_or("a duration of more than nothing, such as \"10s\"")
}
