//! A run of a workflow from its start to its end, a file per transition.

pub(crate) mod backoff;
pub(crate) mod cancel;
pub(crate) mod close;
pub(crate) mod import;
pub(crate) mod new_run;
pub(crate) mod options;
pub(crate) mod pause;
pub(crate) mod reset;
pub(crate) mod signal;
pub(crate) mod start;
pub(crate) mod terminate;
pub(crate) mod time_out;
