//! Which call comes next: two kinds of worlds, by how often each call comes.

use ostro_sim::model::Run;

use crate::pair::Pair;

#[derive(Debug, Clone, Copy)]
enum Call {
    Start,
    SignalWithStart,
    Signal,
    Schedule,
    Cancel,
    Terminate,
    Reset,
    Update,
    Query,
    PollWorkflow,
    CompleteTask,
    FailTask,
    PollActivity,
    ReportActivity,
    PollNexus,
    AnswerNexus,
    CompleteOperation,
    TimePasses,
    Restart,
}

/// Clients get in each other's way, and workers find little to do.
const BUSY: [(usize, Call); 19] = [
    (10, Call::Start),
    (4, Call::SignalWithStart),
    (6, Call::Signal),
    (4, Call::Schedule),
    (2, Call::Cancel),
    (1, Call::Terminate),
    (2, Call::Reset),
    (7, Call::Update),
    (3, Call::Query),
    (16, Call::PollWorkflow),
    (14, Call::CompleteTask),
    (3, Call::FailTask),
    (8, Call::PollActivity),
    (9, Call::ReportActivity),
    (5, Call::PollNexus),
    (8, Call::AnswerNexus),
    (2, Call::CompleteOperation),
    (10, Call::TimePasses),
    (2, Call::Restart),
];

/// Workflows live long enough to get somewhere.
const CALM: [(usize, Call); 19] = [
    (3, Call::Start),
    (1, Call::SignalWithStart),
    (4, Call::Signal),
    (1, Call::Schedule),
    (1, Call::Cancel),
    (1, Call::Terminate),
    (2, Call::Reset),
    (2, Call::Update),
    (1, Call::Query),
    (20, Call::PollWorkflow),
    (20, Call::CompleteTask),
    (1, Call::FailTask),
    (5, Call::PollActivity),
    (5, Call::ReportActivity),
    (12, Call::PollNexus),
    (14, Call::AnswerNexus),
    (4, Call::CompleteOperation),
    (12, Call::TimePasses),
    (1, Call::Restart),
];

impl Pair {
    /// In every other world.
    pub(super) fn is_calm(&self) -> bool {
        self.seed % 2 == 1
    }

    /// One random call.
    pub fn call(&mut self) {
        self.number += 1;
        match self.next_call() {
            Call::Start => self.start(),
            Call::SignalWithStart => self.signal_with_start(),
            Call::Signal => self.signal(),
            Call::Schedule => self.call_schedule(),
            Call::Cancel => self.cancel(),
            Call::Terminate => self.terminate(),
            Call::Reset => self.reset(),
            Call::Update => self.update(),
            Call::Query => self.query(),
            Call::PollWorkflow => self.poll_workflow(),
            Call::CompleteTask => self.complete_task(),
            Call::FailTask => self.fail_task(),
            Call::PollActivity => self.poll_activity(),
            Call::ReportActivity => self.report_activity(),
            Call::PollNexus => self.poll_nexus(),
            Call::AnswerNexus => self.answer_nexus(),
            Call::CompleteOperation => self.complete_operation(),
            Call::TimePasses => self.advance(),
            Call::Restart => self.restart(),
        }
        self.compare_told();
        if self.below(4) == 0 {
            self.compare_schedules();
            self.compare_operations();
        }
    }

    fn next_call(&mut self) -> Call {
        let table = if self.is_calm() { CALM } else { BUSY };
        loop {
            let call = self.weighted(&table);
            // In a calm world workers mostly come when there is something to do.
            if !self.is_calm() || !self.finds_nothing(call) || self.below(16) == 0 {
                return call;
            }
        }
    }

    fn weighted(&mut self, table: &[(usize, Call)]) -> Call {
        let mut at = self.below(table.iter().map(|(weight, _)| weight).sum());
        for (weight, call) in table {
            match at.checked_sub(*weight) {
                Some(rest) => at = rest,
                None => return *call,
            }
        }
        unreachable!("it is below the sum of the weights")
    }

    fn finds_nothing(&self, call: Call) -> bool {
        let mut runs = self.oracle.runs.iter().filter(|run| run.end.is_none());
        match call {
            Call::PollWorkflow => !runs.any(Run::offers_task),
            Call::CompleteTask | Call::FailTask => self.tasks.is_empty(),
            Call::PollActivity => !runs.any(|run| run.offered_activity().is_some()),
            Call::ReportActivity => self.activities.is_empty(),
            Call::PollNexus => !runs.any(|run| run.offered_operation().is_some()),
            Call::AnswerNexus => self.requests.is_empty(),
            Call::CompleteOperation => self.behind.is_empty(),
            _ => false,
        }
    }
}
