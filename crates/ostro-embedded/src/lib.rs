//! The engine within a program: what both SDKs run on when no server is named.

mod access;
mod address;
mod embedded;
mod pollers;
mod transport;

pub use access::{Access, AccessError, connection_sentence, is_this_machine, pair, read};
pub use address::{ADDRESS_VARIABLE, Address, AddressError, DATA_DEFAULT};
pub use embedded::{Builder, Embedded, Error};
pub use pollers::pollers;
