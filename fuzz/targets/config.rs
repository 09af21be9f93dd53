//! The configuration file: it is used, or refused in words that name the key.

#![no_main]

use libfuzzer_sys::fuzz_target;
use ostro_server::Config;

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match Config::parse(text) {
        Err(error) => assert!(!error.to_string().is_empty()),
        Ok(config) => {
            let limits = config.read_limits();
            assert!(limits.connections > 0 && !limits.pool.time.is_zero());
            assert!(!config.retention_interval().is_zero());
            assert!(config.network.clone().within_files(1024).connections_max > 0);
            // What was read twice is the same.
            assert_eq!(Config::parse(text).expect("it was read before"), config);
        }
    }
});
