//! Tables of transitions that are executed: a machine can do what its table says and nothing else.

use std::fmt::Debug;

use crate::replay::error::{Error, Result};

/// A machine's table.
pub(crate) trait Table {
    type State: Copy + Eq + Debug + 'static;
    type Trigger: Copy + Eq + Debug + 'static;
    /// For errors.
    const NAME: &'static str;
    /// State, trigger, next state.
    const ROWS: &'static [(Self::State, Self::Trigger, Self::State)];
}

/// Takes the row of `trigger`.
///
/// # Errors
/// There is none: the history and the code do not go together.
pub(crate) fn step<M: Table>(state: &mut M::State, trigger: M::Trigger) -> Result<()> {
    let row = M::ROWS.iter().find(|(from, on, _)| from == state && *on == trigger);
    let Some((from, on, to)) = row else {
        return Err(Error::nondeterminism(format!("{} that is {state:?} cannot take {trigger:?}", M::NAME)));
    };
    #[cfg(test)]
    taken::note(M::NAME, format!("{from:?} -- {on:?} --> {to:?}"));
    let _ = (from, on);
    *state = *to;
    Ok(())
}

/// Writes a table as one would draw it.
macro_rules! transitions {
    ($machine:ident, $name:literal: $($from:ident -- $on:ident --> $to:ident;)*) => {
        impl $crate::replay::machine::transition::Table for $machine {
            type State = State;
            type Trigger = Trigger;
            const NAME: &'static str = $name;
            const ROWS: &'static [(State, Trigger, State)] = &[$((State::$from, Trigger::$on, State::$to)),*];
        }
    };
}
pub(crate) use transitions;

/// Which rows a test has taken.
#[cfg(test)]
pub(crate) mod taken {
    use std::cell::RefCell;
    use std::collections::BTreeSet;

    use super::Table;

    thread_local! {
        static TAKEN: RefCell<BTreeSet<(&'static str, String)>> = const { RefCell::new(BTreeSet::new()) };
    }

    pub fn note(machine: &'static str, row: String) {
        TAKEN.with_borrow_mut(|taken| {
            taken.insert((machine, row));
        });
    }

    /// Fails if a row of the table was never taken by this test.
    pub fn all_of<M: Table>() {
        let missing: Vec<String> = M::ROWS
            .iter()
            .map(|(from, on, to)| format!("{from:?} -- {on:?} --> {to:?}"))
            .filter(|row| TAKEN.with_borrow(|taken| !taken.contains(&(M::NAME, row.clone()))))
            .collect();
        assert!(missing.is_empty(), "no case of this test takes {missing:#?}");
    }
}
