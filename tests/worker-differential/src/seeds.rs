//! One seed: code, its life, and all its replays, in both cores.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::author::prefixes;
use crate::compare::{self, Exactly, Exchange};
use crate::official::Official;
use crate::ours::{self, Lived};
use crate::program::Program;

/// What seeds have shown.
#[derive(Debug, Default, Clone, Copy)]
pub struct Counts {
    pub seeds: u64,
    pub lives: u64,
    pub replays: u64,
    pub activations: u64,
    /// Lives and replays that both cores hold to be nondeterminism: the server admitted an update and delivered a signal at once.
    pub unreplayable: u64,
    pub changes: u64,
    pub changes_caught: u64,
}

/// Runs a seed.
///
/// # Errors
/// The first difference, with the seed and where.
pub async fn check(seed: u64, official: &mut Official, counts: &mut Counts) -> Result<(), String> {
    counts.seeds += 1;
    let program = Program::random(seed);
    let lived = catch_unwind(AssertUnwindSafe(|| ours::live(seed, &program)));
    let lived = lived.map_err(|_| format!("seed {seed}: panic in life"))?;
    counts.unreplayable += u64::from(lived.failed.is_some());
    if !lived.heartbeats {
        counts.lives += 1;
        count(&lived.trace, counts);
        let checked = official.check(&program, &lived.trace, Exactly::ButTimes).await;
        checked.map_err(|error| format!("seed {seed}, its life: {error}"))?;
    }
    replays(seed, &program, &lived, official, counts).await?;
    changes(seed, &program, &lived, official, counts).await
}

async fn replays(
    seed: u64,
    program: &Program,
    lived: &Lived,
    official: &mut Official,
    counts: &mut Counts,
) -> Result<(), String> {
    let mut ends = prefixes(&lived.history);
    if ends.last() != Some(&lived.history.len()) {
        ends.push(lived.history.len());
    }
    for end in ends {
        let events = &lived.history[..end];
        let run_id = format!("replay-{seed}-{end}");
        let whole = ours::replay(program, events, &run_id, None);
        counts.unreplayable += u64::from(whole.failed.is_some());
        let paged = ours::replay(program, events, &run_id, Some(1 + (seed % 7) as usize));
        if whole.trace[1..] != paged.trace[1..] {
            let names = |trace: &[Exchange]| trace.iter().map(compare::name).collect::<Vec<_>>().join("\n  ");
            let (whole, paged) = (names(&whole.trace), names(&paged.trace));
            return Err(format!("seed {seed}: a replay of {end} events in pages differs: {whole}\nnot\n{paged}"));
        }
        counts.replays += 1;
        count(&whole.trace, counts);
        let checked = official.check(program, &whole.trace, whole.exactly()).await;
        checked.map_err(|error| format!("seed {seed}, replay of {end} events: {error}"))?;
    }
    Ok(())
}

/// A change of the code is caught by both, at the same activation, or by none.
async fn changes(
    seed: u64,
    program: &Program,
    lived: &Lived,
    official: &mut Official,
    counts: &mut Counts,
) -> Result<(), String> {
    for change in 0..2 {
        let changed = program.changed(seed * 2 + change);
        let run_id = format!("change-{seed}-{change}");
        let replayed = ours::replay(&changed, &lived.history, &run_id, None);
        counts.changes += 1;
        counts.changes_caught += u64::from(replayed.failed.is_some());
        let checked = official.check(&changed, &replayed.trace, replayed.exactly()).await;
        checked.map_err(|error| {
            format!(
                "seed {seed}, change {change} (ours says {:?}): {error}
{program:#?}
{changed:#?}",
                replayed.failed
            )
        })?;
    }
    Ok(())
}

fn count(trace: &[Exchange], counts: &mut Counts) {
    counts.activations += trace.iter().filter(|exchange| matches!(exchange, Exchange::Activation(_))).count() as u64;
}
