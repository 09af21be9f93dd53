//! `ostro workflow signal`, `query` and `update`: talking to a running workflow.

use ostro_explain::failure;
use ostro_wire::json::to_json;
use serde_json::{Value, json};
use temporalio_protos::temporal::api::enums::v1::UpdateWorkflowExecutionLifecycleStage as Stage;
use temporalio_protos::temporal::api::query::v1::WorkflowQuery;
use temporalio_protos::temporal::api::update::v1::{Input, Meta, Outcome, Request, UpdateRef, WaitPolicy, outcome};
use temporalio_protos::temporal::api::workflowservice::v1::{
    PollWorkflowExecutionUpdateRequest, PollWorkflowExecutionUpdateResponse, QueryWorkflowRequest,
    SignalWorkflowExecutionRequest, UpdateWorkflowExecutionRequest,
};
use uuid::Uuid;

use super::{input_payloads, status_name};
use crate::arguments::{InputArguments, Target, UpdateArguments};
use crate::failure::Failure;
use crate::session::Session;
use crate::{payload, printable};

/// Sends a signal.
pub async fn signal(session: &Session, target: Target, name: String, input: InputArguments) -> Result<(), Failure> {
    let workflow_id = target.workflow_id.clone();
    let request = SignalWorkflowExecutionRequest {
        namespace: session.namespace.clone(),
        workflow_execution: Some(target.into()),
        signal_name: name.clone(),
        input: input_payloads(input)?,
        identity: session.identity.clone(),
        request_id: Uuid::new_v4().to_string(),
        ..Default::default()
    };
    session.ask(&request).await?;
    let json = json!({ "workflowId": workflow_id, "signaled": name });
    session.format.print(|| json, || format!("Signaled {workflow_id}: {name}"));
    Ok(())
}

/// Asks a question and prints the answer.
pub async fn query(session: &Session, target: Target, kind: String, input: InputArguments) -> Result<(), Failure> {
    let workflow_id = target.workflow_id.clone();
    let question = WorkflowQuery { query_type: kind, query_args: input_payloads(input)?, ..Default::default() };
    let request = QueryWorkflowRequest {
        namespace: session.namespace.clone(),
        execution: Some(target.into()),
        query: Some(question),
        ..Default::default()
    };
    let answer = session.ask(&request).await?;
    if let Some(rejected) = answer.query_rejected {
        let status = status_name(rejected.status);
        return Err(Failure::new(
            "query_rejected",
            format!("workflow \"{workflow_id}\" takes no queries: it is {status}"),
        ));
    }
    let result = answer.query_result.as_ref();
    session.format.print(
        || json!({ "workflowId": workflow_id, "result": payload::result_json(result) }),
        || payload::result_text(result),
    );
    Ok(())
}

/// Sends an update, waits as far as asked and prints its outcome. A failed update is a failure of the command.
pub async fn update(session: &Session, arguments: UpdateArguments) -> Result<(), Failure> {
    let wanted = Stage::from(arguments.wait);
    let request = update_request(session, arguments, wanted)?;
    let sent = session.poll(&request).await?;
    let reference = sent.update_ref.unwrap_or_default();
    let mut progress =
        PollWorkflowExecutionUpdateResponse { outcome: sent.outcome, stage: sent.stage, ..Default::default() };
    while progress.outcome.is_none() && progress.stage < i32::from(wanted) {
        progress = poll(session, &reference, wanted).await?;
    }
    print_update(session, &reference, progress.outcome.as_ref());
    match progress.outcome.and_then(|outcome| outcome.value) {
        Some(outcome::Value::Failure(failure)) => {
            let words =
                format!("update \"{}\" failed: {}", reference.update_id, printable::line(&failure::line(&failure)));
            Err(Failure::new("update_failed", words))
        }
        _ => Ok(()),
    }
}

fn update_request(
    session: &Session,
    arguments: UpdateArguments,
    wanted: Stage,
) -> Result<UpdateWorkflowExecutionRequest, Failure> {
    let update_id = arguments.update_id.unwrap_or_else(|| Uuid::new_v4().to_string());
    let input = Input { name: arguments.name, args: input_payloads(arguments.input)?, ..Default::default() };
    let request = Request {
        meta: Some(Meta { update_id, identity: session.identity.clone() }),
        input: Some(input),
        ..Default::default()
    };
    Ok(UpdateWorkflowExecutionRequest {
        namespace: session.namespace.clone(),
        workflow_execution: Some(arguments.target.into()),
        wait_policy: Some(WaitPolicy { lifecycle_stage: wanted.into() }),
        request: Some(request),
        ..Default::default()
    })
}

async fn poll(
    session: &Session,
    reference: &UpdateRef,
    wanted: Stage,
) -> Result<PollWorkflowExecutionUpdateResponse, Failure> {
    let request = PollWorkflowExecutionUpdateRequest {
        namespace: session.namespace.clone(),
        update_ref: Some(reference.clone()),
        identity: session.identity.clone(),
        wait_policy: Some(WaitPolicy { lifecycle_stage: wanted.into() }),
    };
    session.poll(&request).await
}

fn print_update(session: &Session, reference: &UpdateRef, outcome: Option<&Outcome>) {
    session.format.print(|| update_json(reference, outcome), || update_text(reference, outcome));
}

fn update_json(reference: &UpdateRef, outcome: Option<&Outcome>) -> Value {
    let mut json =
        json!({ "updateId": reference.update_id, "stage": if outcome.is_some() { "COMPLETED" } else { "ACCEPTED" } });
    match outcome.and_then(|outcome| outcome.value.as_ref()) {
        Some(outcome::Value::Success(result)) => json["result"] = payload::result_json(Some(result)),
        Some(outcome::Value::Failure(failure)) => json["failure"] = to_json(failure),
        None => {}
    }
    json
}

/// The result alone, so that it can be piped; nothing for a failure, which becomes the error.
fn update_text(reference: &UpdateRef, outcome: Option<&Outcome>) -> String {
    match outcome.and_then(|outcome| outcome.value.as_ref()) {
        Some(outcome::Value::Success(result)) => payload::result_text(Some(result)),
        Some(outcome::Value::Failure(_)) => String::new(),
        None => format!("Accepted as {}", reference.update_id),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_update_is_accepted_or_has_its_result() {
        let reference = UpdateRef { update_id: "u1".into(), ..Default::default() };
        let result = payload::arguments(&[json!(4)]).expect("one");
        let outcome = Outcome { value: Some(outcome::Value::Success(result)) };
        assert_eq!(update_text(&reference, None), "Accepted as u1");
        assert_eq!(update_text(&reference, Some(&outcome)), "4");
        assert_eq!(
            update_json(&reference, Some(&outcome)).to_string(),
            r#"{"updateId":"u1","stage":"COMPLETED","result":4}"#
        );
    }
}
