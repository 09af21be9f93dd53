//! Random workflow code: routines of instructions, which run as far as they can after each activation.

use std::sync::Arc;

use temporalio_protos::temporal::api::history::v1::HistoryEvent;

use crate::rng::Rng;

/// What an operation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    Timer,
    Activity,
    Local,
    Child,
    Signal,
    CancelExternal,
    Nexus,
}

/// An operation to begin. `mode` is its cancellation type, by the protocol's number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Op {
    pub kind: Kind,
    pub mode: i32,
    /// Distinguishes types and names, so that changes of it are changes of code.
    pub flavour: u8,
}

/// One instruction. Operations are kept in registers of their routine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Instr {
    Begin(usize, Op),
    Await(usize),
    AwaitAny(usize, usize),
    Cancel(usize),
    /// Asks for a patch: if it is on, the next instruction runs, else the one after.
    IfPatched(u8),
    DeprecatePatch(u8),
    SearchAttribute(u8),
    /// Sets the attribute that lists patches, which the core does not allow.
    ReservedAttribute,
    Memo(u8),
    AwaitSignals(usize),
    UseFlag(u32),
    FinishUpdate(bool),
    End(End),
}

/// How a workflow ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    Complete,
    Fail,
    Cancel,
    ContinueAsNew,
}

/// What happens when somebody asks it to cancel itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnCancel {
    Ignore,
    CancelAll,
    End,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Program {
    pub main: Vec<Instr>,
    pub on_signal: Vec<Instr>,
    /// Its first `FinishUpdate` ends the update; none: at once.
    pub on_update: Vec<Instr>,
    pub on_cancel: OnCancel,
    /// Does what this history says instead.
    pub mirror: Option<Arc<Vec<HistoryEvent>>>,
}

impl Program {
    pub fn random(seed: u64) -> Self {
        let mut rng = Rng::new(seed ^ 0x70_726f_6772_616d);
        let length = 2 + rng.below(9);
        let mut main = routine(&mut rng, length);
        if rng.chance(10) {
            let at = rng.below(main.len());
            main.insert(at, Instr::End(random_end(&mut rng)));
        }
        main.push(Instr::End(random_end(&mut rng)));
        let length = rng.below(3);
        let on_signal = routine(&mut rng, length);
        let length = rng.below(3);
        let mut on_update = if rng.chance(50) { routine(&mut rng, length) } else { Vec::new() };
        on_update.push(Instr::FinishUpdate(rng.chance(80)));
        let on_cancel = rng.pick(&[OnCancel::Ignore, OnCancel::CancelAll, OnCancel::End]);
        Self { main, on_signal, on_update, on_cancel, mirror: None }
    }

    /// Code that does what a history of other code says.
    pub fn mirror(events: Vec<HistoryEvent>) -> Self {
        Self { mirror: Some(Arc::new(events)), ..Self::of(Vec::new()) }
    }

    /// Only a main routine; whoever asks it to cancel itself is not heard.
    pub fn of(main: Vec<Instr>) -> Self {
        let on_update = vec![Instr::FinishUpdate(true)];
        Self { main, on_signal: Vec::new(), on_update, on_cancel: OnCancel::Ignore, mirror: None }
    }

    /// The same code with one change.
    pub fn changed(&self, seed: u64) -> Self {
        let mut rng = Rng::new(seed ^ 0x6368_616e_6765);
        let mut changed = self.clone();
        let code = if rng.chance(80) || self.on_signal.is_empty() { &mut changed.main } else { &mut changed.on_signal };
        let at = rng.below(code.len().saturating_sub(1));
        match rng.below(4) {
            0 => drop(code.remove(at)),
            1 => code.insert(at, Instr::Begin(9, random_op(&mut rng))),
            2 if code.len() > 1 => code.swap(at, at + 1),
            _ => match &mut code[at] {
                Instr::Begin(_, op) => *op = random_op(&mut rng),
                other => *other = Instr::Memo(7),
            },
        }
        changed
    }
}

fn random_end(rng: &mut Rng) -> End {
    rng.pick(&[End::Complete, End::Complete, End::Complete, End::Fail, End::Cancel, End::ContinueAsNew])
}

fn random_op(rng: &mut Rng) -> Op {
    use Kind::*;
    let kind = rng.pick(&[
        Timer,
        Timer,
        Activity,
        Activity,
        Activity,
        Local,
        Local,
        Local,
        Child,
        Signal,
        CancelExternal,
        Nexus,
    ]);
    let mode = match kind {
        Activity | Local => rng.below(3),
        Child | Nexus => rng.below(4),
        Timer | Signal | CancelExternal => 0,
    };
    Op { kind, mode: mode as i32, flavour: rng.below(3) as u8 }
}

fn routine(rng: &mut Rng, length: usize) -> Vec<Instr> {
    let mut code = Vec::new();
    for _ in 0..length {
        let register = rng.below(4);
        let other = (register + 1) % 4;
        match rng.below(16) {
            0..4 => code.extend([Instr::Begin(register, random_op(rng)), Instr::Await(register)]),
            4..6 => code.extend([
                Instr::Begin(register, random_op(rng)),
                Instr::Begin(other, random_op(rng)),
                Instr::Await(register),
                Instr::Await(other),
            ]),
            6..8 => code.extend([
                Instr::Begin(register, random_op(rng)),
                Instr::Begin(other, random_op(rng)),
                Instr::AwaitAny(register, other),
                Instr::Cancel(register),
                Instr::Cancel(other),
            ]),
            8 => code.extend([Instr::Begin(register, random_op(rng)), Instr::Cancel(register), Instr::Await(register)]),
            9 => code.push(Instr::Begin(register, random_op(rng))),
            10 => code.push(Instr::Cancel(register)),
            11 => {
                let patched = [Instr::Memo(rng.below(3) as u8), Instr::Begin(register, random_op(rng))];
                code.extend([Instr::IfPatched(rng.below(3) as u8), rng.pick(&patched)]);
            }
            12 => code.push(Instr::DeprecatePatch(rng.below(3) as u8)),
            13 => code.push(rng.pick(&[
                Instr::SearchAttribute(0),
                Instr::SearchAttribute(1),
                Instr::Memo(0),
                Instr::ReservedAttribute,
            ])),
            14 => code.push(Instr::AwaitSignals(1 + rng.below(2))),
            _ => code.push(Instr::UseFlag(rng.below(5) as u32)),
        }
    }
    code
}
