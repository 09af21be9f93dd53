//! Calls of the gRPC services, as requests of every type with whatever in them, to a whole server.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| ostro_fuzz::server::run(bytes));
