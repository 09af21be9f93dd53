//! Where a connection comes from, as far as limits tell addresses apart.

use std::net::{IpAddr, Ipv6Addr};

/// The part of an IPv6 address that one host has for itself.
const HOST_BITS: u32 = 64;

/// An address to which limits apply together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Source {
    /// This machine: its own programs, and proxies in front of the server.
    Loopback,
    Address(IpAddr),
}

impl Source {
    pub(crate) fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            address if address.is_loopback() => Self::Loopback,
            IpAddr::V6(address) => {
                Self::Address(Ipv6Addr::from_bits(address.to_bits() >> HOST_BITS << HOST_BITS).into())
            }
            address => Self::Address(address),
        }
    }

    /// Whether the limits of one address hold for it.
    pub(crate) fn is_limited(self) -> bool {
        self != Self::Loopback
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_one_host_are_one() {
        let of = |text: &str| Source::of(text.parse().unwrap());
        assert_eq!(of("127.0.0.9"), Source::Loopback);
        assert_eq!(of("::ffff:127.0.0.1"), of("::1"));
        assert_eq!(of("2001:db8::1"), of("2001:db8::2:3:4:5"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
        assert_eq!(of("::ffff:10.0.0.1"), of("10.0.0.1"));
        assert_ne!(of("10.0.0.1"), of("10.0.0.2"));
    }
}
