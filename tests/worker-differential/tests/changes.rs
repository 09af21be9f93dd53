//! Changes of code that a history was made with: each is caught, at an event that the error names, or let through. As the official core does.

use ostro_worker_differential::official::Official;
use ostro_worker_differential::ours;
use ostro_worker_differential::program::{End, Instr, Kind, Op, Program};
use temporalio_protos::temporal::api::enums::v1::EventType;

/// Code in short: each word is an instruction. `a0` runs an activity of type 0 and waits, `A0` begins it only; likewise `l` local, `c` child,
/// `t` timer, `s` signal, `x` cancel another, `n` Nexus. `!2` cancels the third operation that was begun. `p0?` runs the next instruction if
/// patch 0 is on, `d0` deprecates it, `m0` sets the memo, `k0` a search attribute, `u1` uses a flag, `w1` waits for a signal. `.` completes,
/// `f` fails, `+` continues as new, `-` is cancelled.
fn code(words: &str) -> Program {
    let mut begun = 0;
    Program::of(words.split_whitespace().flat_map(|word| instructions(word, &mut begun)).collect())
}

fn instructions(word: &str, begun: &mut usize) -> Vec<Instr> {
    let letter = word.chars().next().expect("a word");
    let number: u8 = word.trim_end_matches('?')[letter.len_utf8()..].parse().unwrap_or(0);
    let kind = match letter.to_ascii_lowercase() {
        'a' => Kind::Activity,
        'l' => Kind::Local,
        'c' => Kind::Child,
        't' => Kind::Timer,
        's' => Kind::Signal,
        'x' => Kind::CancelExternal,
        'n' => Kind::Nexus,
        _ => return vec![other(letter, number)],
    };
    let register = *begun;
    *begun += 1;
    let begin = Instr::Begin(register, Op { kind, mode: 0, flavour: number });
    if letter.is_lowercase() { vec![begin, Instr::Await(register)] } else { vec![begin] }
}

fn other(letter: char, number: u8) -> Instr {
    match letter {
        '!' => Instr::Cancel(number.into()),
        'p' => Instr::IfPatched(number),
        'd' => Instr::DeprecatePatch(number),
        'm' => Instr::Memo(number),
        'k' => Instr::SearchAttribute(number),
        'u' => Instr::UseFlag(number.into()),
        'w' => Instr::AwaitSignals(number.into()),
        '.' => Instr::End(End::Complete),
        'f' => Instr::End(End::Fail),
        '+' => Instr::End(End::ContinueAsNew),
        '-' => Instr::End(End::Cancel),
        unknown => panic!("no instruction is {unknown}"),
    }
}

const CAUGHT: bool = true;
const LET_THROUGH: bool = false;

const CHANGES: [(&str, &str, bool); 46] = [
    ("a0 .", "a1 .", CAUGHT),
    ("a0 .", "t0 .", CAUGHT),
    ("a0 .", ".", CAUGHT),
    (".", "a0 .", CAUGHT),
    ("a0 t0 .", "t0 a0 .", CAUGHT),
    ("t0 .", "t0 t0 .", CAUGHT),
    ("a0 .", "a0 m0 .", CAUGHT),
    ("m0 .", ".", CAUGHT),
    ("k0 .", ".", CAUGHT),
    ("k0 .", "m0 .", CAUGHT),
    ("m0 .", "m1 .", LET_THROUGH),
    ("k0 .", "k1 .", LET_THROUGH),
    ("l0 .", "l1 .", CAUGHT),
    ("l0 .", ".", CAUGHT),
    ("l0 .", "a0 .", CAUGHT),
    ("a0 .", "l0 .", CAUGHT),
    ("l0 a0 .", "a0 l0 .", CAUGHT),
    ("c0 .", "c1 .", CAUGHT),
    ("c0 .", "a0 .", CAUGHT),
    ("c0 .", ".", CAUGHT),
    ("n0 .", "n1 .", LET_THROUGH),
    ("n0 .", "t0 .", CAUGHT),
    ("s1 .", "s2 .", LET_THROUGH),
    ("s1 .", "x0 .", CAUGHT),
    ("x0 .", ".", CAUGHT),
    (".", "f", CAUGHT),
    (".", "+", CAUGHT),
    (".", "-", CAUGHT),
    ("f", ".", CAUGHT),
    ("+", ".", CAUGHT),
    ("t0 .", "t1 .", LET_THROUGH),
    ("u1 t0 .", "t0 .", LET_THROUGH),
    // Patches: put in, deprecated, taken out, each in its time and too early.
    ("a0 .", "p0? m0 a0 .", LET_THROUGH),
    ("p0? a0 .", "a0 .", CAUGHT),
    ("p0? a0 .", "d0 a0 .", LET_THROUGH),
    ("d0 a0 .", "a0 .", LET_THROUGH),
    ("p0? m0 a0 .", "p0? m0 p1? m1 a0 .", LET_THROUGH),
    ("p0? m0 .", "p1? m0 .", CAUGHT),
    ("d0 d1 .", "d1 .", LET_THROUGH),
    // At once.
    ("A0 A1 .", "A1 A0 .", CAUGHT),
    ("A0 T0 .", "T0 A0 .", CAUGHT),
    // What is taken back within the task leaves nothing.
    ("T0 !0 a0 .", "a0 .", LET_THROUGH),
    ("t0 T1 !1 .", "t0 .", LET_THROUGH),
    ("t0 .", "t0 A0 !1 .", LET_THROUGH),
    ("t0 .", "t0 C0 !1 .", LET_THROUGH),
    ("t0 S0 !1 .", "t0 .", LET_THROUGH),
];

#[tokio::test]
async fn each_change_is_caught_or_let_through_as_by_the_official_core() {
    let mut official = Official::start().await;
    let mut wrong = Vec::new();
    for (number, (before, after, caught)) in CHANGES.into_iter().enumerate() {
        let before_code = code(before);
        // A life that ran to its end.
        let lives = (0..200).map(|life| ours::live(number as u64 * 1_000 + life, &before_code));
        let ended = |kind: EventType| {
            use EventType::*;
            let ends = [
                WorkflowExecutionCompleted,
                WorkflowExecutionFailed,
                WorkflowExecutionCanceled,
                WorkflowExecutionContinuedAsNew,
            ];
            ends.contains(&kind)
        };
        let lived = lives.into_iter().find(|lived| lived.history.last().is_some_and(|last| ended(last.event_type())));
        let history = lived.expect("one of the lives ends").history;
        let after_code = code(after);
        let replayed = ours::replay(&after_code, &history, &format!("change-{number}"), None);
        let said = replayed.failed.clone();
        if said.is_some() != caught || said.as_ref().is_some_and(|said| !said.contains("event")) {
            wrong.push(format!("`{before}` to `{after}`: {said:?}"));
        }
        if let Err(error) = official.check(&after_code, &replayed.trace, replayed.exactly()).await {
            wrong.push(format!("`{before}` to `{after}`, where ours says {said:?}: {error}"));
            official = Official::start().await;
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
