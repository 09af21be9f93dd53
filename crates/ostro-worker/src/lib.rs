//! What a worker is, apart from the language of its workflows.
//!
//! [`replay`] is its heart: pure, like the engine. A history goes in, and what the code may see comes out; what the code decided goes in, and
//! commands come out. See `docs/internals/worker.md`.

// The protocol deprecates fields that servers and other SDKs still use.
#![allow(deprecated)]

pub mod replay;
