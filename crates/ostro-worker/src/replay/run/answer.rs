//! What a task is answered with.

use temporalio_protos::temporal::api::{
    command::v1::Command,
    common::v1::{MeteringMetadata, Payload, Payloads},
    enums::v1::{QueryResultType, VersioningBehavior, WorkflowTaskFailedCause},
    failure::v1::{ApplicationFailureInfo, Failure, failure::FailureInfo},
    protocol::v1::Message,
    query::v1::WorkflowQueryResult,
    sdk::v1::WorkflowTaskCompletedMetadata,
    workflowservice::v1::{
        RespondQueryTaskCompletedRequest, RespondWorkflowTaskCompletedRequest, RespondWorkflowTaskFailedRequest,
    },
};

/// A workflow task is done.
#[derive(Debug, Clone, PartialEq)]
pub struct Completion {
    /// Of the task.
    pub token: Vec<u8>,
    /// In order.
    pub commands: Vec<Command>,
    /// Answers to updates.
    pub messages: Vec<Message>,
    /// Answers to queries.
    pub queries: Vec<QueryAnswer>,
    /// Flags, name and version of the SDK, as far as the history does not have them.
    pub sdk_metadata: WorkflowTaskCompletedMetadata,
    /// As the code said.
    pub versioning_behavior: VersioningBehavior,
    /// A new task is wanted at once: local activities run on.
    pub force_new_task: bool,
    /// Retries of local activities that began in an earlier task.
    pub nonfirst_local_attempts: u32,
}

/// A query's answer.
#[derive(Debug, Clone, PartialEq)]
pub struct QueryAnswer {
    /// Of the task, if it is answered on its own.
    pub token: Vec<u8>,
    /// Its id in the task.
    pub id: String,
    /// What it is.
    pub result: Result<Payload, Box<Failure>>,
}

/// A workflow task failed.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskFailure {
    /// The server is to be told. If not, the task is left to time out, or the query to another worker.
    pub report: bool,
    /// It was a query on its own: [`TaskFailure::into_query_request`].
    pub is_legacy_query: bool,
    /// Of the task.
    pub token: Vec<u8>,
    /// Of the task, from 1.
    pub attempt: u32,
    /// Why, for the server.
    pub cause: WorkflowTaskFailedCause,
    /// Why, for people.
    pub failure: Failure,
}

impl Completion {
    /// The request, but for what its sender knows: namespace, identity, sticky queue, versions, the wish for the next task.
    pub fn into_request(self) -> RespondWorkflowTaskCompletedRequest {
        RespondWorkflowTaskCompletedRequest {
            task_token: self.token,
            commands: self.commands,
            messages: self.messages,
            query_results: self.queries.into_iter().map(QueryAnswer::into_result).collect(),
            sdk_metadata: Some(self.sdk_metadata),
            metering_metadata: Some(MeteringMetadata {
                nonfirst_local_activity_execution_attempts: self.nonfirst_local_attempts,
            }),
            versioning_behavior: self.versioning_behavior as i32,
            force_create_new_workflow_task: self.force_new_task,
            ..RespondWorkflowTaskCompletedRequest::default()
        }
    }
}

impl QueryAnswer {
    fn into_result(self) -> (String, WorkflowQueryResult) {
        let result = match self.result {
            Ok(payload) => WorkflowQueryResult {
                result_type: QueryResultType::Answered as i32,
                answer: Some(Payloads { payloads: vec![payload] }),
                ..WorkflowQueryResult::default()
            },
            Err(failure) => WorkflowQueryResult {
                result_type: QueryResultType::Failed as i32,
                error_message: failure.message.clone(),
                failure: Some(*failure),
                ..WorkflowQueryResult::default()
            },
        };
        (self.id, result)
    }

    /// The request of a query on its own, but for namespace and identity.
    pub fn into_request(self) -> RespondQueryTaskCompletedRequest {
        let task_token = self.token.clone();
        let (_, result) = self.into_result();
        RespondQueryTaskCompletedRequest {
            task_token,
            completed_type: result.result_type,
            query_result: result.answer,
            error_message: result.error_message,
            failure: result.failure,
            ..RespondQueryTaskCompletedRequest::default()
        }
    }
}

impl TaskFailure {
    /// The request for a workflow task, but for namespace and identity.
    pub fn into_request(self) -> RespondWorkflowTaskFailedRequest {
        RespondWorkflowTaskFailedRequest {
            task_token: self.token,
            cause: self.cause as i32,
            failure: Some(self.failure),
            ..RespondWorkflowTaskFailedRequest::default()
        }
    }

    /// The request for a query on its own, but for namespace and identity.
    pub fn into_query_request(self) -> RespondQueryTaskCompletedRequest {
        let result = Err(Box::new(self.failure));
        QueryAnswer { token: self.token, id: String::new(), result }.into_request()
    }
}

pub(super) fn application(message: String) -> Failure {
    let info = FailureInfo::ApplicationFailureInfo(ApplicationFailureInfo::default());
    Failure { message, failure_info: Some(info), ..Failure::default() }
}
