//! How many calls of a worker wait for tasks.

/// As many as Temporal's own workers have at a server.
const AT_SERVER: usize = 5;
/// A call brings one task for each commit of the engine, so more of them share one; within a process each costs no more than its memory.
const IN_PROCESS: usize = 64;

/// How many calls for tasks of one kind a worker leaves waiting where nobody says another number.
pub fn pollers(is_in_process: bool) -> usize {
    if is_in_process { IN_PROCESS } else { AT_SERVER }
}
