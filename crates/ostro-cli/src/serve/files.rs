//! How many files the process may have: each connection is one.

use ostro_wire::NetworkLimits;
use rustix::process::{Resource, getrlimit, setrlimit};

/// Raises the limit as far as the system lets this process, and keeps connections below it.
pub(super) fn make_room(limits: &mut NetworkLimits) {
    let mut files = getrlimit(Resource::Nofile);
    if files.current != files.maximum {
        let raised = rustix::process::Rlimit { current: files.maximum, maximum: files.maximum };
        match setrlimit(Resource::Nofile, raised) {
            Ok(()) => files.current = files.maximum,
            Err(error) => tracing::warn!(%error, "the limit of open files stays as it is"),
        }
    }
    // `None` is no limit.
    let Some(current) = files.current else { return };
    let wanted = limits.connections_max;
    *limits = limits.clone().within_files(current);
    if limits.connections_max < wanted {
        tracing::warn!(
            files = current,
            connections = limits.connections_max,
            "fewer connections are taken than connections_max = {wanted}: raise the limit of open files (ulimit -n)"
        );
    }
}
