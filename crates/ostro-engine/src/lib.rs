//! What an execution is and how it moves.
//!
//! The engine is pure: it reads no clock, does no I/O and draws no randomness of its own. Time, identifiers' entropy and
//! stored rows come in with the call; writes and answers go out in one [`Output`](engine::Output), which the shell
//! commits as one unit before any answer leaves.

pub mod error;
pub mod persistence;
pub mod time;

pub use error::{Error, ErrorKind};
