//! Between the types of the worker core and those of the official one.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ostro_worker::replay::decision::{self as own, Annotations, Decision, Request};
use ostro_worker::replay::job::{self, Activation, ActivityOutcome, Job, NexusOutcome, Outcome};
use prost_wkt_types::Timestamp;
use temporalio_protos::coresdk::{
    activity_result::{self as ar, ActivityResolution, activity_resolution::Status},
    child_workflow::{self as cw, ChildWorkflowResult, child_workflow_result},
    common::WorkerDeploymentVersion,
    nexus::{NexusOperationResult, nexus_operation_result},
    workflow_activation::{self as wa, workflow_activation_job::Variant, *},
    workflow_commands::{
        QueryResult, UpdateResponse, query_result, signal_external_workflow_execution::Target,
        update_response::Response, workflow_command::Variant as Command, *,
    },
    workflow_completion::Success,
};
use temporalio_protos::temporal::api::{
    command::v1::{command::Attributes, *},
    common::v1::{Header, WorkflowExecution},
};

/// An activation as the official core would give it.
pub fn activation(of: Activation, run_id: &str) -> WorkflowActivation {
    WorkflowActivation {
        run_id: run_id.to_owned(),
        timestamp: of.now.map(timestamp),
        is_replaying: of.replaying,
        history_length: of.history_length,
        jobs: of.jobs.into_iter().map(|job| variant(job).into()).collect(),
        available_internal_flags: of.lang_flags,
        history_size_bytes: of.history_bytes,
        continue_as_new_suggested: of.continue_as_new_suggested,
        deployment_version_for_current_task: of.deployment_version.map(|version| WorkerDeploymentVersion {
            deployment_name: version.deployment_name.to_string(),
            build_id: version.build_id.to_string(),
        }),
        last_sdk_version: of.last_sdk_version.to_string(),
        suggest_continue_as_new_reasons: of.continue_as_new_reasons,
        target_worker_deployment_version_changed: of.target_version_changed,
    }
}

fn variant(job: Job) -> Variant {
    match job {
        Job::Start(start) => {
            let job::Start { attributes, workflow_id, seed, start_time } = *start;
            Variant::InitializeWorkflow(start_workflow_from_attribs(attributes, workflow_id, seed, start_time))
        }
        Job::TimerFired(seq) => Variant::FireTimer(FireTimer { seq }),
        Job::Reseed(randomness_seed) => Variant::UpdateRandomSeed(UpdateRandomSeed { randomness_seed }),
        Job::Query(query) => Variant::QueryWorkflow(query_to_job(query.id, query.query)),
        Job::Cancel { reason } => Variant::CancelWorkflow(CancelWorkflow { reason }),
        Job::Signal(signal) => Variant::SignalWorkflow((signal.attributes, signal.event_id).into()),
        Job::ActivityResolved { seq, local, outcome } => {
            let result = Some(ActivityResolution { status: Some(activity(outcome)) });
            Variant::ResolveActivity(ResolveActivity { seq, result, is_local: local })
        }
        Job::HasPatch(patch_id) => Variant::NotifyHasPatch(NotifyHasPatch { patch_id }),
        Job::ChildStarted(seq, start) => {
            let status = Some(child_start(start));
            Variant::ResolveChildWorkflowExecutionStart(ResolveChildWorkflowExecutionStart { seq, status })
        }
        Job::ChildResolved(seq, outcome) => {
            let result = Some(ChildWorkflowResult { status: Some(child(outcome)) });
            Variant::ResolveChildWorkflowExecution(ResolveChildWorkflowExecution { seq, result })
        }
        Job::SignalResolved(seq, failed) => {
            let cause = failed.as_ref().map_or(0, |failed| failed.cause as i32);
            let failure = failed.map(|failed| *failed.failure);
            Variant::ResolveSignalExternalWorkflow(ResolveSignalExternalWorkflow { seq, failure, cause })
        }
        Job::CancelResolved(seq, failed) => {
            let cause = failed.as_ref().map_or(0, |failed| failed.cause as i32);
            let failure = failed.map(|failed| *failed.failure);
            Variant::ResolveRequestCancelExternalWorkflow(ResolveRequestCancelExternalWorkflow { seq, failure, cause })
        }
        Job::Update(update) => Variant::DoUpdate(do_update(*update)),
        Job::NexusStarted(seq, start) => {
            use wa::resolve_nexus_operation_start::Status;
            let status = Some(match start {
                job::NexusStart::Started(token) => Status::OperationToken(token),
                job::NexusStart::Sync => Status::StartedSync(true),
                job::NexusStart::Failed(failure) => Status::Failed(*failure),
            });
            Variant::ResolveNexusOperationStart(ResolveNexusOperationStart { seq, status })
        }
        Job::NexusResolved(seq, outcome) => {
            use nexus_operation_result::Status;
            let status = Some(match outcome {
                NexusOutcome::Completed(payload) => Status::Completed(payload),
                NexusOutcome::Failed(failure) => Status::Failed(*failure),
                NexusOutcome::Cancelled(failure) => Status::Cancelled(*failure),
                NexusOutcome::TimedOut(failure) => Status::TimedOut(*failure),
            });
            Variant::ResolveNexusOperation(ResolveNexusOperation { seq, result: Some(NexusOperationResult { status }) })
        }
    }
}

fn activity(outcome: ActivityOutcome) -> Status {
    match outcome {
        ActivityOutcome::Completed(result) => Status::Completed(ar::Success { result }),
        ActivityOutcome::Failed(failure) => {
            Status::Failed(ar::Failure { failure: Some(*failure), ..Default::default() })
        }
        ActivityOutcome::Cancelled(failure) => Status::Cancelled(ar::Cancellation { failure: Some(*failure) }),
        ActivityOutcome::Backoff { attempt, backoff, original_schedule_time } => Status::Backoff(ar::DoBackoff {
            attempt,
            backoff_duration: Some(duration(backoff)),
            original_schedule_time: original_schedule_time.map(timestamp),
        }),
    }
}

fn child_start(start: job::ChildStart) -> wa::resolve_child_workflow_execution_start::Status {
    use wa::resolve_child_workflow_execution_start::Status;
    match start {
        job::ChildStart::Started(run_id) => Status::Succeeded(ResolveChildWorkflowExecutionStartSuccess { run_id }),
        job::ChildStart::Failed { workflow_id, workflow_type, cause } => {
            let cause = cause as i32;
            Status::Failed(ResolveChildWorkflowExecutionStartFailure { workflow_id, workflow_type, cause })
        }
        job::ChildStart::Cancelled(failure) => {
            Status::Cancelled(ResolveChildWorkflowExecutionStartCancelled { failure: Some(*failure) })
        }
    }
}

fn child(outcome: Outcome) -> child_workflow_result::Status {
    use child_workflow_result::Status;
    match outcome {
        Outcome::Completed(result) => Status::Completed(cw::Success { result }),
        Outcome::Failed(failure) => Status::Failed(cw::Failure { failure: Some(*failure) }),
        Outcome::Cancelled(failure) => Status::Cancelled(cw::Cancellation { failure: Some(*failure) }),
    }
}

fn do_update(update: job::Update) -> DoUpdate {
    let (meta, input) = (update.request.meta, update.request.input.unwrap_or_default());
    DoUpdate {
        id: meta.as_ref().map(|meta| meta.update_id.clone()).unwrap_or_default(),
        protocol_instance_id: update.instance_id,
        name: input.name,
        input: input.args.map(|args| args.payloads).unwrap_or_default(),
        headers: input.header.map(|header| header.fields).unwrap_or_default(),
        meta,
        run_validator: update.run_validator,
    }
}

/// What the code said, for the worker core.
pub fn decision(success: Success) -> Decision {
    let requests = success.commands.into_iter().map(|command| {
        let annotations = Annotations::new(command.user_metadata, command.event_group_markers);
        own::Requested { request: request(command.variant.expect("every command is something")), annotations }
    });
    Decision {
        requests: requests.collect(),
        lang_flags: success.used_internal_flags,
        versioning_behavior: success.versioning_behavior.try_into().unwrap_or_default(),
    }
}

fn request(command: Command) -> Request {
    match command {
        Command::StartTimer(it) => Request::StartTimer(it.seq, span(it.start_to_fire_timeout).unwrap_or_default()),
        Command::CancelTimer(it) => Request::CancelTimer(it.seq),
        Command::ScheduleActivity(it) => schedule_activity(it),
        Command::RequestCancelActivity(it) => Request::CancelActivity(it.seq),
        Command::ScheduleLocalActivity(it) => Request::ScheduleLocalActivity(Arc::new(local_activity(it))),
        Command::RequestCancelLocalActivity(it) => Request::CancelLocalActivity(it.seq),
        Command::StartChildWorkflowExecution(it) => start_child(it),
        Command::CancelChildWorkflowExecution(it) => Request::CancelChild(it.child_workflow_seq, it.reason),
        Command::SignalExternalWorkflowExecution(it) => signal_external(it),
        Command::CancelSignalWorkflow(it) => Request::CancelSignal(it.seq),
        Command::RequestCancelExternalWorkflowExecution(it) => {
            let target = it.workflow_execution.unwrap_or_default();
            let (namespace, workflow_id, run_id) = (target.namespace, target.workflow_id, target.run_id);
            let target = own::ExternalCancel { namespace, workflow_id, run_id, reason: it.reason };
            Request::CancelExternal(it.seq, Box::new(target))
        }
        Command::ScheduleNexusOperation(it) => {
            let (seq, cancellation) = (it.seq, nexus_cancellation(it.cancellation_type));
            let Attributes::ScheduleNexusOperationCommandAttributes(attributes) = it.into() else { unreachable!() };
            Request::ScheduleNexus(Box::new(own::ScheduleNexus { seq, cancellation, attributes }))
        }
        Command::RequestCancelNexusOperation(it) => Request::CancelNexus(it.seq),
        Command::SetPatchMarker(it) => Request::Patch { id: it.patch_id, deprecated: it.deprecated },
        Command::UpsertWorkflowSearchAttributes(it) => {
            Request::UpsertSearchAttributes(it.search_attributes.unwrap_or_default())
        }
        Command::ModifyWorkflowProperties(it) => Request::UpsertMemo(it.upserted_memo.unwrap_or_default()),
        Command::UpdateResponse(it) => update_response(it),
        Command::RespondToQuery(it) => query_answer(it),
        Command::CompleteWorkflowExecution(it) => Request::Complete(it.result),
        Command::FailWorkflowExecution(it) => Request::Fail(Box::new(it.failure.unwrap_or_default())),
        Command::CancelWorkflowExecution(it) => Request::Cancelled(it.details),
        Command::ContinueAsNewWorkflowExecution(it) => {
            let Attributes::ContinueAsNewWorkflowExecutionCommandAttributes(attributes) =
                continue_as_new_cmd_to_api(it, false)
            else {
                unreachable!()
            };
            Request::ContinueAsNew(Box::new(own::ContinueAsNew { attributes, ..Default::default() }))
        }
    }
}

fn schedule_activity(it: ScheduleActivity) -> Request {
    let (seq, cancellation) = (it.seq, activity_cancellation(it.cancellation_type));
    let Attributes::ScheduleActivityTaskCommandAttributes(attributes) = schedule_activity_cmd_to_api(it, false) else {
        unreachable!()
    };
    Request::ScheduleActivity(Box::new(own::ScheduleActivity { seq, cancellation, attributes, ..Default::default() }))
}

fn local_activity(it: ScheduleLocalActivity) -> own::LocalActivity {
    own::LocalActivity {
        seq: it.seq,
        activity_id: it.activity_id,
        activity_type: it.activity_type,
        attempt: it.attempt,
        original_schedule_time: it.original_schedule_time.map(time),
        header: (!it.headers.is_empty()).then_some(Header { fields: it.headers }),
        arguments: it.arguments,
        schedule_to_close: span(it.schedule_to_close_timeout),
        schedule_to_start: span(it.schedule_to_start_timeout),
        start_to_close: span(it.start_to_close_timeout),
        retry_policy: it.retry_policy.unwrap_or_default(),
        local_retry_threshold: span(it.local_retry_threshold),
        cancellation: activity_cancellation(it.cancellation_type),
        include_arguments_in_marker: it.include_arguments_in_marker,
    }
}

fn start_child(it: StartChildWorkflowExecution) -> Request {
    let seq = it.seq;
    let cancellation = match it.cancellation_type {
        0 => own::ChildCancellation::Abandon,
        1 => own::ChildCancellation::Try,
        2 => own::ChildCancellation::WaitCompleted,
        _ => own::ChildCancellation::WaitRequested,
    };
    let Attributes::StartChildWorkflowExecutionCommandAttributes(attributes) =
        start_child_workflow_cmd_to_api(it, false)
    else {
        unreachable!()
    };
    Request::StartChild(Box::new(own::StartChild { seq, cancellation, attributes, ..Default::default() }))
}

fn signal_external(it: SignalExternalWorkflowExecution) -> Request {
    let (namespace, execution, child_workflow_only) = match it.target.expect("a target") {
        Target::ChildWorkflowId(workflow_id) => {
            (String::new(), WorkflowExecution { workflow_id, run_id: String::new() }, true)
        }
        Target::WorkflowExecution(of) => {
            (of.namespace, WorkflowExecution { workflow_id: of.workflow_id, run_id: of.run_id }, false)
        }
    };
    let attributes = SignalExternalWorkflowExecutionCommandAttributes {
        namespace,
        execution: Some(execution),
        signal_name: it.signal_name,
        input: (!it.args.is_empty())
            .then_some(temporalio_protos::temporal::api::common::v1::Payloads { payloads: it.args }),
        header: (!it.headers.is_empty()).then_some(Header { fields: it.headers }),
        child_workflow_only,
        ..Default::default()
    };
    Request::SignalExternal(it.seq, Box::new(attributes))
}

fn update_response(it: UpdateResponse) -> Request {
    match it.response.expect("an answer") {
        Response::Accepted(_) => Request::AcceptUpdate(it.protocol_instance_id),
        Response::Rejected(failure) => Request::RejectUpdate(it.protocol_instance_id, Box::new(failure)),
        Response::Completed(payload) => Request::CompleteUpdate(it.protocol_instance_id, Box::new(payload)),
    }
}

fn query_answer(it: QueryResult) -> Request {
    let result = match it.variant.expect("an answer") {
        query_result::Variant::Succeeded(success) => Ok(success.response.unwrap_or_default()),
        query_result::Variant::Failed(failure) => Err(Box::new(failure)),
    };
    Request::AnswerQuery(it.query_id, result)
}

fn activity_cancellation(of: i32) -> own::ActivityCancellation {
    match of {
        0 => own::ActivityCancellation::Try,
        1 => own::ActivityCancellation::Wait,
        _ => own::ActivityCancellation::Abandon,
    }
}

fn nexus_cancellation(of: i32) -> own::NexusCancellation {
    match of {
        0 => own::NexusCancellation::WaitCompleted,
        1 => own::NexusCancellation::Abandon,
        2 => own::NexusCancellation::Try,
        _ => own::NexusCancellation::WaitRequested,
    }
}

fn span(span: Option<prost_wkt_types::Duration>) -> Option<Duration> {
    span.map(|span| Duration::new(span.seconds as u64, span.nanos as u32))
}

fn duration(span: Duration) -> prost_wkt_types::Duration {
    prost_wkt_types::Duration { seconds: span.as_secs() as i64, nanos: span.subsec_nanos() as i32 }
}

fn time(time: Timestamp) -> SystemTime {
    UNIX_EPOCH + Duration::new(time.seconds as u64, time.nanos as u32)
}

pub fn timestamp(time: SystemTime) -> Timestamp {
    let since = time.duration_since(UNIX_EPOCH).expect("tests are after 1970");
    Timestamp { seconds: since.as_secs() as i64, nanos: since.subsec_nanos() as i32 }
}
