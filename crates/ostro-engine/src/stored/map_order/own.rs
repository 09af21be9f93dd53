//! Where maps are in the engine's own messages: mostly deep in those of the protocol that they hold.

use super::protocol::*;
use super::{Field, Maps, Ordered};
use crate::stored::batch::Batch;
use crate::stored::deployment::{DeploymentState, VersionState};
use crate::stored::execution::{
    AcceptedUpdate, Activity, AdmittedUpdate, CallbackState, Child, Core, NexusCancel, NexusOperation, NexusRequest,
    Properties, SignalExternal, Standalone, StandaloneNexusOperation, Start,
};
use crate::stored::schedule;

/// `Message { number of a field: what is in it }`, the numbers in order.
macro_rules! ordered {
    ($($message:ty { $($number:literal: $field:expr),* })*) => {
        $(impl Ordered for $message {
            const MAPS: &'static Maps = &Maps { fields: &[$(($number, $field)),*] };
        })*
    };
}

const fn own<M: Ordered>() -> Field {
    Field::Message(M::MAPS)
}

const fn of(maps: &'static Maps) -> Field {
    Field::Message(maps)
}

/// How an operation ended: the completion of a callback.
static COMPLETION: Maps = Maps { fields: &[(1, of(&COMMON_V1_PAYLOAD)), (2, of(&FAILURE_V1_FAILURE))] };

ordered! {
    Core { 30: of(&SDK_V1_USERMETADATA), 31: of(&FAILURE_V1_FAILURE), 60: own::<Standalone>() }
    Start { 1: of(&HISTORY_V1_WORKFLOWEXECUTIONSTARTEDEVENTATTRIBUTES) }
    Properties { 1: of(&COMMON_V1_MEMO), 2: of(&COMMON_V1_SEARCHATTRIBUTES) }
    Activity {
        2: of(&HISTORY_V1_ACTIVITYTASKSCHEDULEDEVENTATTRIBUTES),
        10: of(&COMMON_V1_PAYLOADS),
        13: of(&FAILURE_V1_FAILURE)
    }
    Standalone {
        1: of(&COMMON_V1_PAYLOADS),
        2: of(&FAILURE_V1_FAILURE),
        8: own::<Activity>(),
        9: own::<StandaloneNexusOperation>()
    }
    StandaloneNexusOperation { 1: own::<NexusOperation>() }
    Child { 2: of(&HISTORY_V1_STARTCHILDWORKFLOWEXECUTIONINITIATEDEVENTATTRIBUTES), 6: of(&SDK_V1_USERMETADATA) }
    SignalExternal { 2: of(&HISTORY_V1_SIGNALEXTERNALWORKFLOWEXECUTIONINITIATEDEVENTATTRIBUTES) }
    AcceptedUpdate { 4: of(&UPDATE_V1_OUTCOME), 5: of(&UPDATE_V1_REQUEST) }
    AdmittedUpdate { 3: of(&UPDATE_V1_REQUEST) }
    CallbackState { 1: of(&WORKFLOW_V1_CALLBACKINFO), 3: of(&COMPLETION) }
    NexusOperation {
        2: of(&HISTORY_V1_NEXUSOPERATIONSCHEDULEDEVENTATTRIBUTES),
        4: own::<NexusRequest>(),
        7: own::<NexusCancel>()
    }
    NexusCancel { 3: own::<NexusRequest>() }
    NexusRequest { 6: of(&FAILURE_V1_FAILURE) }
    schedule::Record {
        3: of(&SCHEDULE_V1_SCHEDULE),
        5: of(&COMMON_V1_MEMO),
        6: of(&COMMON_V1_SEARCHATTRIBUTES),
        11: of(&COMMON_V1_PAYLOADS),
        12: of(&FAILURE_V1_FAILURE)
    }
    // Its maps are in order; what their values hold is not.
    DeploymentState { 13: Field::Map(&Maps { fields: &[(2, own::<VersionState>())] }) }
    VersionState { 11: Field::Map(&Maps { fields: &[(2, of(&COMMON_V1_PAYLOAD))] }) }
    Batch { 3: of(&WORKFLOWSERVICE_V1_STARTBATCHOPERATIONREQUEST) }
}
