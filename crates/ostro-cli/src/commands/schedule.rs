//! `ostro schedule`.

mod create;

use std::time::SystemTime;

use ostro_wire::json::to_json;
use serde_json::{Value, json};
use temporalio_protos::temporal::api::enums::v1::{ScheduleOverlapPolicy, WorkflowExecutionStatus};
use temporalio_protos::temporal::api::schedule::v1::schedule_action::Action;
use temporalio_protos::temporal::api::schedule::v1::{
    Schedule, ScheduleActionResult, ScheduleListEntry, SchedulePatch, TriggerImmediatelyRequest,
};
use temporalio_protos::temporal::api::workflow::v1::NewWorkflowExecutionInfo;
use temporalio_protos::temporal::api::workflowservice::v1::{
    DeleteScheduleRequest, DescribeScheduleRequest, DescribeScheduleResponse, ListSchedulesRequest,
    PatchScheduleRequest,
};
use uuid::Uuid;

use crate::arguments::{OverlapPolicy, ScheduleCommand};
use crate::failure::Failure;
use crate::printable::line;
use crate::session::Session;
use crate::table::{Table, indented, properties, shortened};
use crate::timestamp;

/// Schedules asked for at once.
const PAGE_SIZE: i32 = 200;
/// Characters of notes in a list.
const NOTES_WIDTH: usize = 40;

/// Runs one of the commands.
pub async fn run(session: &Session, command: ScheduleCommand) -> Result<(), Failure> {
    match command {
        ScheduleCommand::List { query } => list(session, query).await,
        ScheduleCommand::Describe { schedule_id } => describe(session, schedule_id).await,
        ScheduleCommand::Create(arguments) => create::create(session, *arguments).await,
        ScheduleCommand::Delete { schedule_id } => delete(session, schedule_id).await,
        ScheduleCommand::Pause { schedule_id, reason } => {
            patch(session, schedule_id, SchedulePatch { pause: reason, ..Default::default() }, "Paused").await
        }
        ScheduleCommand::Unpause { schedule_id, reason } => {
            patch(session, schedule_id, SchedulePatch { unpause: reason, ..Default::default() }, "Unpaused").await
        }
        ScheduleCommand::Trigger { schedule_id, overlap } => {
            patch(session, schedule_id, trigger(overlap), "Triggered").await
        }
    }
}

async fn list(session: &Session, query: String) -> Result<(), Failure> {
    let mut schedules = Vec::new();
    let mut request = ListSchedulesRequest {
        namespace: session.namespace.clone(),
        maximum_page_size: PAGE_SIZE,
        query,
        ..Default::default()
    };
    loop {
        let page = session.ask(&request).await?;
        schedules.extend(page.schedules);
        if page.next_page_token.is_empty() {
            break;
        }
        request.next_page_token = page.next_page_token;
    }
    session.format.print(|| schedules.iter().map(to_json).collect::<Value>(), || list_text(&schedules));
    Ok(())
}

fn list_text(schedules: &[ScheduleListEntry]) -> String {
    if schedules.is_empty() {
        return "No schedules".into();
    }
    let mut table = Table::new(&["SCHEDULE ID", "STATE", "WORKFLOW TYPE", "LAST ACTION", "NEXT ACTION", "NOTES"]);
    for schedule in schedules {
        let info = schedule.info.clone().unwrap_or_default();
        let last = info.recent_actions.last().and_then(|action| action.actual_time.as_ref());
        let next = info.future_action_times.first().filter(|_| !info.paused);
        table.row(vec![
            schedule.schedule_id.clone(),
            state(info.paused),
            info.workflow_type.unwrap_or_default().name,
            timestamp::seconds(last),
            timestamp::seconds(next),
            shortened(&info.notes, NOTES_WIDTH),
        ]);
    }
    table.render()
}

async fn describe(session: &Session, schedule_id: String) -> Result<(), Failure> {
    let request = DescribeScheduleRequest { namespace: session.namespace.clone(), schedule_id };
    let described = session.ask(&request).await?;
    let waiting = ostro_explain::schedule(&described, SystemTime::now());
    session.format.print(
        || {
            let mut value = to_json(&described);
            value["waiting"] = Value::String(waiting.clone());
            value
        },
        || describe_text(&request.schedule_id, &described, &waiting),
    );
    Ok(())
}

fn describe_text(schedule_id: &str, described: &DescribeScheduleResponse, waiting: &str) -> String {
    let schedule = described.schedule.clone().unwrap_or_default();
    let info = described.info.clone().unwrap_or_default();
    let set = schedule.state.clone().unwrap_or_default();
    let policies = schedule.policies.unwrap_or_default();
    let workflow = workflow(&schedule);
    let count = |count: i64| if count == 0 { String::new() } else { count.to_string() };
    let left = if set.limited_actions { set.remaining_actions.to_string() } else { String::new() };
    let mut text = properties(&[
        ("Schedule", schedule_id.to_owned()),
        ("State", state(set.paused)),
        ("Waiting", waiting.to_owned()),
        ("Notes", set.notes),
        ("Workflow", workflow.workflow_id),
        ("Type", workflow.workflow_type.unwrap_or_default().name),
        ("Task queue", workflow.task_queue.unwrap_or_default().name),
        ("Overlap", overlap_name(policies.overlap_policy())),
        ("Time zone", schedule.spec.map(|spec| spec.timezone_name).unwrap_or_default()),
        ("Actions", info.action_count.to_string()),
        ("Actions left", left),
        ("Skipped", count(info.overlap_skipped)),
        ("Missed", count(info.missed_catchup_window)),
        ("Waiting", count(info.buffer_size)),
        ("Dropped", count(info.buffer_dropped)),
        ("Created", timestamp::seconds(info.create_time.as_ref())),
        ("Updated", timestamp::seconds(info.update_time.as_ref())),
    ]);
    for (title, lines) in [
        ("Running", info.running_workflows.iter().map(|run| format!("{}\n", line(&run.workflow_id))).collect()),
        ("Recent", recent(&info.recent_actions)),
        ("Next", info.future_action_times.iter().map(|time| format!("{}\n", timestamp::seconds(Some(time)))).collect()),
    ] {
        let lines: String = lines;
        if !lines.is_empty() {
            text += &format!("{title}\n{}", indented(&lines));
        }
    }
    text
}

fn recent(actions: &[ScheduleActionResult]) -> String {
    let shown = |action: &ScheduleActionResult| {
        let status = WorkflowExecutionStatus::try_from(action.start_workflow_status).unwrap_or_default();
        let workflow = action.start_workflow_result.clone().unwrap_or_default().workflow_id;
        let workflow = line(&workflow);
        format!("{}  {workflow}  {status:?}\n", timestamp::seconds(action.actual_time.as_ref()))
    };
    actions.iter().rev().map(shown).collect()
}

async fn delete(session: &Session, schedule_id: String) -> Result<(), Failure> {
    let request =
        DeleteScheduleRequest { namespace: session.namespace.clone(), schedule_id, identity: session.identity.clone() };
    session.ask(&request).await?;
    let id = &request.schedule_id;
    session.format.print(|| json!({ "deleted": id }), || format!("Deleted schedule {id}"));
    Ok(())
}

async fn patch(session: &Session, schedule_id: String, patch: SchedulePatch, done: &str) -> Result<(), Failure> {
    let request = PatchScheduleRequest {
        namespace: session.namespace.clone(),
        schedule_id,
        patch: Some(patch),
        identity: session.identity.clone(),
        request_id: Uuid::new_v4().to_string(),
    };
    session.ask(&request).await?;
    let id = &request.schedule_id;
    session.format.print(|| json!({ done.to_lowercase(): id }), || format!("{done} schedule {id}"));
    Ok(())
}

fn trigger(overlap: Option<OverlapPolicy>) -> SchedulePatch {
    let overlap_policy = overlap.map_or(0, |policy| ScheduleOverlapPolicy::from(policy) as i32);
    let trigger_immediately = Some(TriggerImmediatelyRequest { overlap_policy, scheduled_time: None });
    SchedulePatch { trigger_immediately, ..Default::default() }
}

fn workflow(schedule: &Schedule) -> NewWorkflowExecutionInfo {
    match schedule.action.clone().and_then(|action| action.action) {
        Some(Action::StartWorkflow(workflow)) => workflow,
        None => NewWorkflowExecutionInfo::default(),
    }
}

fn state(paused: bool) -> String {
    if paused { "Paused" } else { "Active" }.to_owned()
}

fn overlap_name(policy: ScheduleOverlapPolicy) -> String {
    format!("{policy:?}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use temporalio_protos::temporal::api::schedule::v1::{ScheduleInfo, ScheduleListInfo, ScheduleState};

    #[test]
    fn a_list_and_a_description() {
        let time = Some(prost_wkt_types::Timestamp { seconds: 1_795_352_512, nanos: 0 });
        let info = ScheduleListInfo {
            notes: "until Monday".into(),
            paused: true,
            future_action_times: time.into_iter().collect(),
            ..Default::default()
        };
        let entry = ScheduleListEntry { schedule_id: "nightly".into(), info: Some(info), ..Default::default() };
        assert_eq!(
            list_text(&[entry]),
            "SCHEDULE ID  STATE   WORKFLOW TYPE  LAST ACTION  NEXT ACTION  NOTES\n\
             nightly      Paused                 -            -            until Monday\n"
        );
        let info =
            ScheduleInfo { action_count: 3, future_action_times: time.into_iter().collect(), ..Default::default() };
        let schedule = Schedule {
            state: Some(ScheduleState { limited_actions: true, remaining_actions: 2, ..Default::default() }),
            ..Default::default()
        };
        let described = DescribeScheduleResponse { schedule: Some(schedule), info: Some(info), ..Default::default() };
        assert_eq!(
            describe_text("nightly", &described, "Waiting for it."),
            "Schedule      nightly\nState         Active\nWaiting       Waiting for it.\nOverlap       Unspecified\nActions       3\nActions left  2\n\
             Next\n  2026-11-22 13:01:52Z\n"
        );
    }
}
