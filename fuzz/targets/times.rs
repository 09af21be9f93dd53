//! Cron strings of workflows, and specifications of schedules: what is taken has times, one after the other.

#![no_main]

use libfuzzer_sys::fuzz_target;
use ostro_engine::cron;
use ostro_engine::spec::{Compiled, canonical, clean};
use ostro_engine::time::{SECOND, Time};
use ostro_fuzz::message::{Learned, message};
use ostro_fuzz::server::descriptor;
use ostro_fuzz::source::Source;
use prost::Message;
use temporalio_protos::temporal::api::schedule::v1::ScheduleSpec;

const NOW: Time = Time::from_secs(1_750_000_000);
/// A schedule's, as servers make it: the id of a namespace and its own.
const SEED: &str = "6e9a1f2c-4d35-4b0f-9a51-0c6f5f1de8aa-schedule";
/// Times that are looked at.
const TIMES: usize = 20;

fuzz_target!(|bytes: &[u8]| {
    let Some((kind, rest)) = bytes.split_first() else { return };
    match (kind % 4, std::str::from_utf8(rest)) {
        (0, Ok(text)) => of_workflow(text),
        (1, Ok(text)) => of_schedule(ScheduleSpec { cron_string: vec![text.to_owned()], ..Default::default() }),
        (2, Ok(text)) => of_schedule(in_words(text)),
        (3, _) => {
            let kind = descriptor("temporal.api.schedule.v1.ScheduleSpec");
            let spec = message(&kind, &mut Source::new(rest), &Learned::default()).encode_to_vec();
            of_schedule(ScheduleSpec::decode(&spec[..]).expect("it was made from its descriptor"));
        }
        _ => {}
    }
});

fn of_workflow(schedule: &str) {
    if cron::check(schedule).is_err() || schedule.is_empty() {
        return;
    }
    let mut last = NOW;
    for _ in 0..TIMES {
        let Some(wait) = cron::next_wait(schedule, last, last) else { return };
        assert!(wait.is_positive() && (wait % SECOND).is_zero(), "{schedule:?} waits {wait} after {last}");
        last += wait;
    }
}

/// A calendar's fields, one a line.
fn in_words(text: &str) -> ScheduleSpec {
    use temporalio_protos::temporal::api::schedule::v1::CalendarSpec;
    let mut lines = text.split('\n').map(str::to_owned);
    let mut next = || lines.next().unwrap_or_default();
    let calendar = CalendarSpec {
        second: next(),
        minute: next(),
        hour: next(),
        day_of_month: next(),
        month: next(),
        year: next(),
        day_of_week: next(),
        comment: next(),
    };
    ScheduleSpec { calendar: vec![calendar], timezone_name: next(), ..Default::default() }
}

fn of_schedule(spec: ScheduleSpec) {
    let Ok(canonical_form) = canonical(spec.clone()) else { return };
    assert_eq!(canonical(canonical_form.clone()).as_ref(), Ok(&canonical_form), "{spec:?}: canonical twice");
    let mut shown = canonical_form.clone();
    clean(&mut shown);
    let compiled = Compiled::new(&canonical_form, SEED.to_owned()).expect("its time zone was found before");
    let mut last = NOW;
    for next in compiled.times(NOW).take(TIMES) {
        assert!(next.time > last, "{spec:?}: {next:?} after {last}");
        assert!(next.nominal <= next.time, "{spec:?}: {next:?} is too early");
        last = next.time;
    }
    // What is shown means the same.
    if let Ok(again) = canonical(shown).and_then(|shown| Compiled::new(&shown, SEED.to_owned())) {
        assert!(
            again.times(NOW).take(TIMES).eq(compiled.times(NOW).take(TIMES)),
            "{spec:?}: shown otherwise than kept"
        );
    }
}
