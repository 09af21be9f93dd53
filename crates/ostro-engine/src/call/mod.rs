//! Everything that the engine can be asked, each with the type of its answer.

mod answer;

use temporalio_protos::temporal::api::{
    operatorservice::v1 as operator, schedule::v1 as schedule, workflowservice::v1 as service,
};

pub use answer::{
    DescribedQueue, HistoryPosition, HistorySlice, Reply, ReplyId, StartAnswer, WorkflowTaskAnswer,
    WorkflowTaskCompletedAnswer,
};

use crate::base::time::Time;
pub use crate::namespace::ResolvedNamespace;
use crate::nexus::{incoming, outgoing};

/// What the engine can be asked, with the type of its answer.
pub trait Request: Sized + Send + 'static {
    /// What the engine answers.
    type Answer: Send + 'static;

    /// The request as one of all.
    fn into_call(self) -> Call;
    /// The typed answer; `None` where the engine answered something else, which is a bug.
    fn from_answer(answer: Answer) -> Option<Self::Answer>;
}

macro_rules! table {
    ($($name:ident($request:ty) -> $answer:ty;)*) => {
        /// A request to the engine. What the engine is asked is a call; what workflow code decides is a command.
        #[derive(Debug)]
        pub enum Call {
            $($name(Box<$request>),)*
        }

        /// The answer to a [`Call`] of the same name.
        #[derive(Debug)]
        pub enum Answer {
            $($name(Box<$answer>),)*
        }

        impl Call {
            /// The call's name, for logs and metrics.
            pub fn name(&self) -> &'static str {
                match self {
                    $(Self::$name(_) => stringify!($name),)*
                }
            }
        }

        $(impl Request for $request {
            type Answer = $answer;

            fn into_call(self) -> Call {
                Call::$name(Box::new(self))
            }

            fn from_answer(answer: Answer) -> Option<$answer> {
                match answer {
                    Answer::$name(answer) => Some(*answer),
                    _ => None,
                }
            }
        })*
    };
}

/// Hands the table of all calls to a macro: `Name(Request) -> Answer;`.
macro_rules! each_call {
    ($with:ident) => {
        $with! {
            StartWorkflow(service::StartWorkflowExecutionRequest) -> StartAnswer;
            SignalWithStart(service::SignalWithStartWorkflowExecutionRequest) -> service::SignalWithStartWorkflowExecutionResponse;
            SignalWorkflow(service::SignalWorkflowExecutionRequest) -> service::SignalWorkflowExecutionResponse;
            CancelWorkflow(service::RequestCancelWorkflowExecutionRequest) -> service::RequestCancelWorkflowExecutionResponse;
            TerminateWorkflow(service::TerminateWorkflowExecutionRequest) -> service::TerminateWorkflowExecutionResponse;
            ResetWorkflow(service::ResetWorkflowExecutionRequest) -> service::ResetWorkflowExecutionResponse;
            UpdateOptions(service::UpdateWorkflowExecutionOptionsRequest) -> service::UpdateWorkflowExecutionOptionsResponse;
            PauseWorkflow(service::PauseWorkflowExecutionRequest) -> service::PauseWorkflowExecutionResponse;
            UnpauseWorkflow(service::UnpauseWorkflowExecutionRequest) -> service::UnpauseWorkflowExecutionResponse;
            DeleteWorkflow(service::DeleteWorkflowExecutionRequest) -> service::DeleteWorkflowExecutionResponse;
            QueryWorkflow(service::QueryWorkflowRequest) -> service::QueryWorkflowResponse;
            UpdateWorkflow(WithDeadline<service::UpdateWorkflowExecutionRequest>) -> service::UpdateWorkflowExecutionResponse;
            UpdateWithStart(WithDeadline<UpdateWithStart>) -> service::ExecuteMultiOperationResponse;
            PollUpdate(WithDeadline<service::PollWorkflowExecutionUpdateRequest>) -> service::PollWorkflowExecutionUpdateResponse;
            DescribeWorkflow(service::DescribeWorkflowExecutionRequest) -> service::DescribeWorkflowExecutionResponse;
            ReadHistory(ReadHistory) -> HistoryPosition;
            ResetSticky(service::ResetStickyTaskQueueRequest) -> service::ResetStickyTaskQueueResponse;
            PollWorkflowTask(WithDeadline<service::PollWorkflowTaskQueueRequest>) -> WorkflowTaskAnswer;
            CompleteWorkflowTask(service::RespondWorkflowTaskCompletedRequest) -> WorkflowTaskCompletedAnswer;
            FailWorkflowTask(service::RespondWorkflowTaskFailedRequest) -> service::RespondWorkflowTaskFailedResponse;
            CompleteQuery(service::RespondQueryTaskCompletedRequest) -> service::RespondQueryTaskCompletedResponse;
            PollActivityTask(WithDeadline<service::PollActivityTaskQueueRequest>) -> service::PollActivityTaskQueueResponse;
            PollNexusTask(WithDeadline<service::PollNexusTaskQueueRequest>) -> service::PollNexusTaskQueueResponse;
            CompleteNexusTask(service::RespondNexusTaskCompletedRequest) -> service::RespondNexusTaskCompletedResponse;
            FailNexusTask(service::RespondNexusTaskFailedRequest) -> service::RespondNexusTaskFailedResponse;
            AskNexusWorker(incoming::AskNexusWorker) -> Option<incoming::NexusWorkerAnswer>;
            TakeOutgoing(outgoing::TakeOutgoing) -> Option<outgoing::OutgoingRequest>;
            OperationNotDelivered(outgoing::OperationNotDelivered) -> ();
            CallbackAnswered(outgoing::CallbackAnswered) -> ();
            CompleteNexusOperation(outgoing::CompleteNexusOperation) -> ();
            CreateNexusEndpoint(operator::CreateNexusEndpointRequest) -> operator::CreateNexusEndpointResponse;
            UpdateNexusEndpoint(operator::UpdateNexusEndpointRequest) -> operator::UpdateNexusEndpointResponse;
            DeleteNexusEndpoint(operator::DeleteNexusEndpointRequest) -> operator::DeleteNexusEndpointResponse;
            GetNexusEndpoint(operator::GetNexusEndpointRequest) -> operator::GetNexusEndpointResponse;
            ListNexusEndpoints(operator::ListNexusEndpointsRequest) -> operator::ListNexusEndpointsResponse;
            HeartbeatActivity(service::RecordActivityTaskHeartbeatRequest) -> service::RecordActivityTaskHeartbeatResponse;
            HeartbeatActivityById(service::RecordActivityTaskHeartbeatByIdRequest) -> service::RecordActivityTaskHeartbeatByIdResponse;
            CompleteActivity(service::RespondActivityTaskCompletedRequest) -> service::RespondActivityTaskCompletedResponse;
            CompleteActivityById(service::RespondActivityTaskCompletedByIdRequest) -> service::RespondActivityTaskCompletedByIdResponse;
            FailActivity(service::RespondActivityTaskFailedRequest) -> service::RespondActivityTaskFailedResponse;
            FailActivityById(service::RespondActivityTaskFailedByIdRequest) -> service::RespondActivityTaskFailedByIdResponse;
            CancelActivity(service::RespondActivityTaskCanceledRequest) -> service::RespondActivityTaskCanceledResponse;
            CancelActivityById(service::RespondActivityTaskCanceledByIdRequest) -> service::RespondActivityTaskCanceledByIdResponse;
            PauseActivity(service::PauseActivityRequest) -> service::PauseActivityResponse;
            UnpauseActivity(service::UnpauseActivityRequest) -> service::UnpauseActivityResponse;
            ResetActivity(service::ResetActivityRequest) -> service::ResetActivityResponse;
            UpdateActivityOptions(service::UpdateActivityOptionsRequest) -> service::UpdateActivityOptionsResponse;
            ShutdownWorker(service::ShutdownWorkerRequest) -> service::ShutdownWorkerResponse;
            DescribeTaskQueue(service::DescribeTaskQueueRequest) -> DescribedQueue;
            RegisterNamespace(service::RegisterNamespaceRequest) -> service::RegisterNamespaceResponse;
            DescribeNamespace(service::DescribeNamespaceRequest) -> service::DescribeNamespaceResponse;
            ListNamespaces(service::ListNamespacesRequest) -> service::ListNamespacesResponse;
            UpdateNamespace(service::UpdateNamespaceRequest) -> service::UpdateNamespaceResponse;
            DeprecateNamespace(service::DeprecateNamespaceRequest) -> service::DeprecateNamespaceResponse;
            DeleteNamespace(operator::DeleteNamespaceRequest) -> operator::DeleteNamespaceResponse;
            AddSearchAttributes(operator::AddSearchAttributesRequest) -> operator::AddSearchAttributesResponse;
            RemoveSearchAttributes(operator::RemoveSearchAttributesRequest) -> operator::RemoveSearchAttributesResponse;
            ListSearchAttributes(operator::ListSearchAttributesRequest) -> operator::ListSearchAttributesResponse;
            StartBatch(service::StartBatchOperationRequest) -> service::StartBatchOperationResponse;
            StopBatch(service::StopBatchOperationRequest) -> service::StopBatchOperationResponse;
            DescribeBatch(service::DescribeBatchOperationRequest) -> service::DescribeBatchOperationResponse;
            ListBatches(service::ListBatchOperationsRequest) -> service::ListBatchOperationsResponse;
            RunningBatches(crate::batch::RunningBatches) -> Vec<crate::stored::batch::Batch>;
            ProgressBatch(crate::batch::Progress) -> bool;
            CreateSchedule(service::CreateScheduleRequest) -> service::CreateScheduleResponse;
            DescribeSchedule(service::DescribeScheduleRequest) -> service::DescribeScheduleResponse;
            UpdateSchedule(service::UpdateScheduleRequest) -> service::UpdateScheduleResponse;
            PatchSchedule(service::PatchScheduleRequest) -> service::PatchScheduleResponse;
            DeleteSchedule(service::DeleteScheduleRequest) -> service::DeleteScheduleResponse;
            ListScheduleMatchingTimes(service::ListScheduleMatchingTimesRequest) -> service::ListScheduleMatchingTimesResponse;
            ScheduleRows(ScheduleRows) -> Vec<crate::schedule::Row>;
            ScheduleEntries(ScheduleEntries) -> Vec<schedule::ScheduleListEntry>;
            StartActivityExecution(service::StartActivityExecutionRequest) -> service::StartActivityExecutionResponse;
            DescribeActivityExecution(service::DescribeActivityExecutionRequest) -> service::DescribeActivityExecutionResponse;
            RequestCancelActivityExecution(service::RequestCancelActivityExecutionRequest) -> service::RequestCancelActivityExecutionResponse;
            TerminateActivityExecution(service::TerminateActivityExecutionRequest) -> service::TerminateActivityExecutionResponse;
            DeleteActivityExecution(service::DeleteActivityExecutionRequest) -> service::DeleteActivityExecutionResponse;
            PauseActivityExecution(service::PauseActivityExecutionRequest) -> service::PauseActivityExecutionResponse;
            UnpauseActivityExecution(service::UnpauseActivityExecutionRequest) -> service::UnpauseActivityExecutionResponse;
            ResetActivityExecution(service::ResetActivityExecutionRequest) -> service::ResetActivityExecutionResponse;
            UpdateActivityExecutionOptions(service::UpdateActivityExecutionOptionsRequest) -> service::UpdateActivityExecutionOptionsResponse;
            StartNexusOperation(service::StartNexusOperationExecutionRequest) -> service::StartNexusOperationExecutionResponse;
            DescribeNexusOperation(service::DescribeNexusOperationExecutionRequest) -> service::DescribeNexusOperationExecutionResponse;
            NexusOperationProgress(service::PollNexusOperationExecutionRequest) -> service::PollNexusOperationExecutionResponse;
            CancelNexusOperation(service::RequestCancelNexusOperationExecutionRequest) -> service::RequestCancelNexusOperationExecutionResponse;
            TerminateNexusOperation(service::TerminateNexusOperationExecutionRequest) -> service::TerminateNexusOperationExecutionResponse;
            DeleteNexusOperation(service::DeleteNexusOperationExecutionRequest) -> service::DeleteNexusOperationExecutionResponse;
            UpdateTaskQueueConfig(service::UpdateTaskQueueConfigRequest) -> service::UpdateTaskQueueConfigResponse;
            UpdateBuildIds(service::UpdateWorkerBuildIdCompatibilityRequest) -> service::UpdateWorkerBuildIdCompatibilityResponse;
            GetBuildIds(service::GetWorkerBuildIdCompatibilityRequest) -> service::GetWorkerBuildIdCompatibilityResponse;
            TaskReachability(service::GetWorkerTaskReachabilityRequest) -> service::GetWorkerTaskReachabilityResponse;
            CreateDeployment(service::CreateWorkerDeploymentRequest) -> service::CreateWorkerDeploymentResponse;
            CreateDeploymentVersion(service::CreateWorkerDeploymentVersionRequest) -> service::CreateWorkerDeploymentVersionResponse;
            DescribeDeployment(service::DescribeWorkerDeploymentRequest) -> service::DescribeWorkerDeploymentResponse;
            DescribeDeploymentVersion(service::DescribeWorkerDeploymentVersionRequest) -> service::DescribeWorkerDeploymentVersionResponse;
            ListDeployments(service::ListWorkerDeploymentsRequest) -> service::ListWorkerDeploymentsResponse;
            SetCurrentVersion(service::SetWorkerDeploymentCurrentVersionRequest) -> service::SetWorkerDeploymentCurrentVersionResponse;
            SetRampingVersion(service::SetWorkerDeploymentRampingVersionRequest) -> service::SetWorkerDeploymentRampingVersionResponse;
            SetDeploymentManager(service::SetWorkerDeploymentManagerRequest) -> service::SetWorkerDeploymentManagerResponse;
            UpdateVersionMetadata(service::UpdateWorkerDeploymentVersionMetadataRequest) -> service::UpdateWorkerDeploymentVersionMetadataResponse;
            DeleteDeploymentVersion(service::DeleteWorkerDeploymentVersionRequest) -> service::DeleteWorkerDeploymentVersionResponse;
            DeleteDeployment(service::DeleteWorkerDeploymentRequest) -> service::DeleteWorkerDeploymentResponse;
            ImportExecution(ImportExecution) -> ImportedExecution;
            ResolveNamespace(ResolveNamespace) -> ResolvedNamespace;
            ExpireExecutions(ExpireExecutions) -> usize;
            DetachActivity(DetachActivity) -> ();
        }
    };
}

pub(crate) use each_call;

each_call!(table);

/// A call that may wait, with the moment by which the client wants an answer.
#[derive(Debug, Clone)]
pub struct WithDeadline<R> {
    pub request: R,
    /// `Time::MAX` where the client set none.
    pub deadline: Time,
}

/// An update, with the start of its workflow where no run is there to take it: both or neither.
#[derive(Debug, Clone)]
pub struct UpdateWithStart {
    pub start: service::StartWorkflowExecutionRequest,
    pub update: service::UpdateWorkflowExecutionRequest,
}

/// Asks where an execution's history stands; optionally waits until it has grown.
#[derive(Debug, Clone)]
pub struct ReadHistory {
    pub namespace: String,
    pub workflow_id: String,
    /// Empty for the newest run.
    pub run_id: String,
    /// The first event that the client has not seen.
    pub from: i64,
    /// Answer only once there is something at or after `from`, the run closed, or the deadline is near.
    pub wait: bool,
    /// Wait for the close of the run, not for just any event.
    pub close_only: bool,
    pub deadline: Time,
}

/// Asks for a namespace's number and the types of its search attributes.
#[derive(Debug, Clone)]
pub struct ResolveNamespace {
    pub namespace: String,
}

/// Asks for what lists filter schedules by: all of a namespace.
#[derive(Debug, Clone)]
pub struct ScheduleRows {
    pub namespace: String,
}

/// Asks for some schedules as lists show them; those that are gone are left out.
#[derive(Debug, Clone)]
pub struct ScheduleEntries {
    pub namespace: String,
    pub schedule_ids: Vec<String>,
}

/// Says that an attempt goes on outside of the process that took it, which will not answer for it.
#[derive(Debug, Clone)]
pub struct DetachActivity {
    pub task_token: Vec<u8>,
}

/// Deletes closed executions whose retention is over; answers how many there were.
#[derive(Debug, Clone)]
pub struct ExpireExecutions {
    pub executions: Vec<crate::stored::persistence::ExecutionId>,
}

/// Takes over a run that another server began, from its whole history.
#[derive(Debug, Clone, Default)]
pub struct ImportExecution {
    pub namespace: String,
    /// Empty: what the history says.
    pub workflow_id: String,
    /// Empty: what the history says.
    pub run_id: String,
    pub events: Vec<temporalio_protos::temporal::api::history::v1::HistoryEvent>,
}

/// The run as it is here now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportedExecution {
    pub workflow_id: String,
    pub run_id: String,
    /// `WorkflowExecutionStatus`.
    pub status: i32,
}
