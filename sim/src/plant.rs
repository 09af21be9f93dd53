//! Bugs that tests plant between the engine and the store, to see that the invariants catch them.

use ostro_engine::call::Call;
use ostro_engine::engine::Secrets;
use ostro_engine::persistence::{ItemKey, ItemKind, Write};
use ostro_engine::token::TaskToken;
use prost::Message;
use temporalio_protos::temporal::api::history::v1::History;

use crate::store::Store;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plant {
    /// Replies leave before what they tell of is durable: a missing sync.
    ReplyBeforeCommit,
    /// State rows lose the moment at which the engine must look at the execution: a lost wake-up.
    LoseWakeUp,
    /// A state row does not tell that a workflow task waits: after a crash nobody gets it.
    LoseWaitingTask,
    /// The row of an activity that ended is not deleted: it runs again after a crash.
    KeepEndedActivity,
    /// Activities are stored with one attempt less than they had: a retry too many.
    ForgetAttempt,
    /// One batch of events gets lost: a gap.
    LoseEvents,
    /// An activity row forgets, on disk, that its attempt is with a worker: a second dispatch after a crash.
    ForgetStarted,
    /// Buffered events are not stored: an acknowledged signal gets lost.
    LoseBufferedEvents,
    /// The token of an attempt that is over is taken for that of the one under way.
    TakeStaleToken,
}

impl Plant {
    pub const ALL: [Self; 9] = [
        Self::ReplyBeforeCommit,
        Self::LoseWakeUp,
        Self::LoseWaitingTask,
        Self::KeepEndedActivity,
        Self::ForgetAttempt,
        Self::LoseEvents,
        Self::ForgetStarted,
        Self::LoseBufferedEvents,
        Self::TakeStaleToken,
    ];
}

/// A planted bug, or none.
#[derive(Debug, Default)]
pub struct Planted {
    plant: Option<Plant>,
    seen: u64,
}

/// The bug strikes at each so-many-th occasion.
const EVERY: u64 = 3;

impl Planted {
    pub fn new(plant: Option<Plant>) -> Self {
        Self { plant, seen: 0 }
    }

    pub fn is(&self, plant: Plant) -> bool {
        self.plant == Some(plant)
    }

    fn strikes(&mut self) -> bool {
        self.seen += 1;
        self.seen.is_multiple_of(EVERY)
    }

    /// Spoils the writes of one output as the planted bug does.
    pub fn spoil(&mut self, writes: &mut Vec<Write>) {
        match self.plant {
            None | Some(Plant::ReplyBeforeCommit | Plant::TakeStaleToken) => {}
            Some(Plant::LoseEvents) => writes.retain(|w| !(matches!(w, Write::AppendHistory { .. }) && self.strikes())),
            Some(Plant::KeepEndedActivity) => {
                writes.retain(|w| !(matches!(w, Write::DeleteItem { kind: ItemKind::Activity, .. }) && self.strikes()));
            }
            Some(Plant::LoseBufferedEvents) => writes
                .retain(|w| !(matches!(w, Write::PutItem { kind: ItemKind::BufferedEvent, .. }) && self.strikes())),
            Some(plant) => writes.iter_mut().for_each(|write| self.change(plant, write)),
        }
    }

    /// Spoils a call on its way in: an attempt's token becomes that of the attempt under way.
    pub fn freshen(&self, call: &mut Call, store: &Store) {
        let (Some(Plant::TakeStaleToken), Call::CompleteActivity(request)) = (self.plant, call) else { return };
        let Ok(mut token) = TaskToken::peek(&request.task_token) else { return };
        let rows = store.0.borrow();
        let key = (ItemKind::Activity, ItemKey::Id(token.scheduled_event_id));
        if let Some((value, _)) = rows.items.get(&token.execution).and_then(|items| items.get(&key)) {
            let activity = decode_activity(value);
            if activity.started_time != 0 {
                (token.attempt, token.started_time) = (activity.attempt, activity.started_time);
                request.task_token = token.to_bytes(&Secrets::predictable(0).seals);
            }
        }
    }

    fn change(&mut self, plant: Plant, write: &mut Write) {
        match (plant, write) {
            (Plant::LoseWakeUp, Write::PutState { next_due: due @ Some(_), .. }) if self.strikes() => *due = None,
            (Plant::LoseWaitingTask, Write::PutState { waiting: queue @ Some(_), .. }) if self.strikes() => {
                *queue = None;
            }
            (Plant::ForgetAttempt, Write::PutItem { kind: ItemKind::Activity, value, .. }) => {
                let mut activity = decode_activity(value);
                if activity.attempt > 1 {
                    activity.attempt -= 1;
                    *value = activity.encode_to_vec().into();
                }
            }
            (Plant::ForgetStarted, Write::PutItem { kind: ItemKind::Activity, value, waiting, .. }) => {
                let mut activity = decode_activity(value);
                if activity.started_time != 0 && self.strikes() {
                    activity.started_time = 0;
                    *waiting = Some(activity.queue().into());
                    *value = activity.encode_to_vec().into();
                }
            }
            _ => {}
        }
    }
}

/// An activity's row.
pub fn decode_activity(value: &[u8]) -> ostro_engine::stored::execution::Activity {
    Message::decode(value).expect("the engine wrote it")
}

/// A batch of events.
pub fn decode_events(events: &[u8]) -> History {
    Message::decode(events).expect("the engine wrote it")
}
