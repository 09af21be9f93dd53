//! A timer.

use std::time::Duration;

use temporalio_protos::temporal::api::{
    command::v1::{
        CancelTimerCommandAttributes, Command, StartTimerCommandAttributes, command::Attributes as Command_,
    },
    enums::v1::CommandType,
    history::v1::{HistoryEvent, history_event::Attributes},
};

use super::transition::{step, transitions};
use super::{Context, Effect, Effects, unexpected_command, unexpected_event};
use crate::replay::decision::Annotations;
use crate::replay::error::{Error, Result};
use crate::replay::job::Job;
use crate::replay::times::duration;

transitions! { Timer, "a timer":
    Created -- Sent --> Created;
    Created -- Started --> Running;
    Created -- Cancel --> TakenBack;
    Running -- Fired --> Fired;
    Running -- Cancel --> CancelCreated;
    CancelCreated -- Cancel --> CancelCreated;
    CancelCreated -- Sent --> CancelSent;
    CancelSent -- Canceled --> Canceled;
    TakenBack -- Cancel --> TakenBack;
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Created,
    Running,
    Fired,
    CancelCreated,
    CancelSent,
    Canceled,
    TakenBack,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trigger {
    Sent,
    Started,
    Fired,
    Cancel,
    Canceled,
}

#[derive(Debug)]
pub(crate) struct Timer {
    state: State,
    seq: u32,
    annotations: Annotations,
}

impl Timer {
    /// The timer and the command that starts it.
    pub fn new(seq: u32, span: Duration, annotations: Annotations) -> (Self, Command) {
        let attributes =
            StartTimerCommandAttributes { timer_id: seq.to_string(), start_to_fire_timeout: Some(duration(span)) };
        let command = annotations.on(Command_::StartTimerCommandAttributes(attributes));
        (Self { state: State::Created, seq, annotations }, command)
    }

    pub fn cancel(&mut self, annotations: Annotations, out: &mut Effects) -> Result<()> {
        self.annotations.overridden_by(annotations);
        let before = self.state;
        step::<Self>(&mut self.state, Trigger::Cancel)?;
        if before == State::Running {
            let attributes = CancelTimerCommandAttributes { timer_id: self.seq.to_string() };
            let command = self.annotations.on(Command_::CancelTimerCommandAttributes(attributes));
            out.push(Effect::Command(Box::new(command)));
        }
        Ok(())
    }

    pub fn is_taken_back(&self) -> bool {
        self.state == State::TakenBack
    }

    pub fn is_over(&self) -> bool {
        matches!(self.state, State::Fired | State::Canceled | State::TakenBack)
    }

    pub fn on_command(&mut self, command: CommandType) -> Result<()> {
        match command {
            CommandType::StartTimer | CommandType::CancelTimer => step::<Self>(&mut self.state, Trigger::Sent),
            other => unexpected_command("a timer", other),
        }
    }

    pub fn on_event(&mut self, event: HistoryEvent, _: &mut Context<'_>, out: &mut Effects) -> Result<()> {
        match event.attributes {
            Some(Attributes::TimerStartedEventAttributes(_)) => step::<Self>(&mut self.state, Trigger::Started),
            Some(Attributes::TimerCanceledEventAttributes(_)) => step::<Self>(&mut self.state, Trigger::Canceled),
            Some(Attributes::TimerFiredEventAttributes(fired)) => {
                step::<Self>(&mut self.state, Trigger::Fired)?;
                if fired.timer_id != self.seq.to_string() {
                    let what = format!("timer {} fired where the code has timer {}", fired.timer_id, self.seq);
                    return Err(Error::nondeterminism(what));
                }
                out.push(Effect::Job(Job::TimerFired(self.seq)));
                Ok(())
            }
            _ => unexpected_event("a timer", &event),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replay::machine::transition::taken;
    use crate::replay::testing::{attributes, context, run};

    fn timer() -> Timer {
        Timer::new(3, Duration::from_secs(1), Annotations::default()).0
    }

    #[test]
    fn takes_every_row() {
        let (started, fired) = (attributes::timer_started(), attributes::timer_fired("3"));
        let mut one = timer();
        one.on_command(CommandType::StartTimer).unwrap();
        assert!(run(|out| one.on_event(started.clone(), &mut context!(), out)).is_empty());
        assert!(matches!(run(|out| one.on_event(fired, &mut context!(), out))[..], [Effect::Job(Job::TimerFired(3))]));
        assert!(one.is_over());

        let mut back = timer();
        assert!(run(|out| back.cancel(Annotations::default(), out)).is_empty());
        assert!(run(|out| back.cancel(Annotations::default(), out)).is_empty());
        assert!(back.is_taken_back());

        let mut gone = timer();
        run(|out| gone.on_event(started.clone(), &mut context!(), out));
        assert!(matches!(run(|out| gone.cancel(Annotations::default(), out))[..], [Effect::Command(_)]));
        assert!(run(|out| gone.cancel(Annotations::default(), out)).is_empty());
        gone.on_command(CommandType::CancelTimer).unwrap();
        run(|out| gone.on_event(attributes::timer_canceled(), &mut context!(), out));
        assert!(gone.is_over());
        taken::all_of::<Timer>();
    }

    #[test]
    fn another_timers_end_is_nondeterminism() {
        let mut timer = timer();
        run(|out| timer.on_event(attributes::timer_started(), &mut context!(), out));
        let error = timer.on_event(attributes::timer_fired("4"), &mut context!(), &mut Vec::new()).unwrap_err();
        assert!(error.to_string().contains("timer 4 fired where the code has timer 3"), "{error}");
    }
}
