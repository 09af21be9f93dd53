//! What a test left in histories, in a form that two servers can be compared by.
//!
//! Times, ids, tokens and whatever else differs from run to run is taken out. Workflow tasks are left out: how many of a
//! workflow's events reach its worker in one of them is a matter of speed. Every other event is there with its attributes, beside
//! what followed from it (an activity with its start and its end); what happens at once is in no order.

use std::collections::BTreeMap;
use std::process::Command;
use std::time::{Duration, Instant};

use ostro::client::Filter;
use ostro::{Ostro, Result, WorkflowStatus};
use serde_json::{Map, Value};

/// Set to a file by a test on the reference server, for the same test on an Ostro server.
pub const WRITE_TO: &str = "OSTRO_TEST_HISTORIES";

/// The workflows of a test by their name; of each, its events.
pub type Histories = BTreeMap<String, Vec<Vec<String>>>;

/// Everything that ran on this queue.
pub async fn collect(ostro: &Ostro) -> Result<Histories> {
    let mut histories = Histories::new();
    for found in settled(ostro).await? {
        let history = ostro.workflow::<()>(&found.id).history_of_run(&found.run_id).await?;
        let events = serde_json::from_str::<Value>(&history.to_json())?;
        let events = events["events"].as_array().cloned().unwrap_or_default();
        histories.entry(found.name).or_default().push(canonical(&events, ostro.task_queue()));
    }
    for runs in histories.values_mut() {
        runs.sort();
    }
    Ok(histories)
}

/// The workflows of the queue, once none is open: what a test has left behind is terminated. The reference server's lists are late.
async fn settled(ostro: &Ostro) -> Result<Vec<ostro::client::WorkflowSummary>> {
    let filter = Filter::all().task_queue(ostro.task_queue());
    let begun = Instant::now();
    let mut before = usize::MAX;
    loop {
        let found = ostro.list(&filter, 10_000).await?;
        let open: Vec<_> = found.iter().filter(|found| found.status == WorkflowStatus::Running).collect();
        if open.is_empty() && found.len() == before {
            return Ok(found);
        }
        if begun.elapsed() > Duration::from_secs(3) {
            for left in open {
                // It may close meanwhile.
                let _ = ostro.workflow::<()>(&left.id).terminate("the test has ended").await;
            }
        }
        before = found.len();
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
}

/// An event with what followed from it.
struct Node {
    kind: String,
    attributes: Value,
    then: Vec<usize>,
}

/// Fields that name the event from which another follows.
const PARENTS: [&str; 4] = ["scheduledEventId", "initiatedEventId", "startedEventId", "acceptedEventId"];

fn canonical(events: &[Value], queue: &str) -> Vec<String> {
    let mut nodes: Vec<Node> = Vec::new();
    let mut at: BTreeMap<String, usize> = BTreeMap::new();
    let mut roots = Vec::new();
    for event in events {
        let kind = event["eventType"].as_str().unwrap_or_default().trim_start_matches("EVENT_TYPE_").to_owned();
        let attributes = event.as_object().and_then(|event| {
            event.iter().find(|(name, _)| name.ends_with("EventAttributes")).map(|(_, attributes)| attributes.clone())
        });
        let attributes = attributes.unwrap_or_default();
        if kind.starts_with("WORKFLOW_TASK_") {
            continue;
        }
        let index = nodes.len();
        at.insert(text(&event["eventId"]), index);
        match PARENTS.iter().find_map(|parent| at.get(&text(&attributes[*parent])).copied()) {
            Some(parent) => nodes[parent].then.push(index),
            None => roots.push(index),
        }
        nodes.push(Node { kind, attributes: scrubbed(attributes, queue), then: Vec::new() });
    }
    let mut lines: Vec<String> = roots.into_iter().map(|root| line(&nodes, root)).collect();
    lines.sort();
    lines
}

fn line(nodes: &[Node], index: usize) -> String {
    let node = &nodes[index];
    // Whether a cancelled activity hears of it before its workflow ends is a matter of speed.
    let is_last = |next: &usize| nodes[*next].kind.ends_with("CANCEL_REQUESTED");
    let shown = node.then.iter().position(is_last).map_or(&node.then[..], |last| &node.then[..=last]);
    let then: String = shown.iter().map(|next| format!("\n    -> {}", line(nodes, *next))).collect();
    format!("{} {}{then}", node.kind, node.attributes)
}

fn text(value: &Value) -> String {
    value.as_str().map(str::to_owned).unwrap_or_else(|| value.to_string())
}

/// Fields of attributes that differ from run to run, or say what software was at work.
const LEFT_OUT: &[&str] = &[
    "identity",
    "requestId",
    "runId",
    "originalExecutionRunId",
    "firstExecutionRunId",
    "newExecutionRunId",
    "initialRunId",
    "continuedExecutionRunId",
    "parentInitiatedEventId",
    "workflowTaskCompletedEventId",
    "scheduledEventId",
    "startedEventId",
    "initiatedEventId",
    "acceptedEventId",
    "protocolInstanceId",
    "acceptedRequestMessageId",
    "acceptedRequestSequencingEventId",
    "namespaceId",
    "parentWorkflowNamespaceId",
    "workerVersion",
    "prevAutoResetPoints",
    "sdkMetadata",
    "deploymentVersion",
    "workerDeploymentName",
    "workerDeploymentVersion",
    "historySizeBytes",
    "complete_time",
    "original_schedule_time",
    "workflowExecutionExpirationTime",
    "encodedAttributes",
    "stackTrace",
    "eagerExecutionAccepted",
    "useWorkflowBuildId",
    "inheritBuildId",
    // Which activation of one workflow task a local activity ended in.
    "activation_index",
    // The reference server lets a run that continues as new wait until a second has passed; Ostro does not.
    "firstWorkflowTaskBackoff",
    "updateId",
    "rejectedRequestMessageId",
];

fn scrubbed(value: Value, queue: &str) -> Value {
    match value {
        Value::Object(object) => {
            let mut kept = Map::new();
            for (name, value) in object {
                // A payload is read, so that what differs in it can be taken out.
                let read = value.as_str().filter(|_| name == "data").and_then(decoded);
                let value = read.unwrap_or(value);
                let is_number = value.as_str().is_some_and(|id| id.bytes().all(|byte| byte.is_ascii_digit()));
                let is_numbered = matches!(name.as_str(), "activityId" | "timerId" | "activity_id" | "seq");
                if LEFT_OUT.contains(&name.as_str()) || (is_numbered && (is_number || value.is_number())) {
                    continue;
                }
                let value = scrubbed(value, queue);
                // Whether a default is written or left out is no difference.
                if !is_default(&value) {
                    kept.insert(name, value);
                }
            }
            kept.sort_keys();
            Value::Object(kept)
        }
        Value::Array(values) => values.into_iter().map(|value| scrubbed(value, queue)).collect(),
        Value::String(text) => Value::String(without_ids(&text.replace(queue, "QUEUE"))),
        other => other,
    }
}

fn is_default(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(value) => !value,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty() || text == "0" || text == "0s" || text.ends_with("_UNSPECIFIED"),
        Value::Array(values) => values.is_empty(),
        Value::Object(object) => object.is_empty(),
    }
}

fn decoded(data: &str) -> Option<Value> {
    use base64::prelude::{BASE64_STANDARD, Engine};
    serde_json::from_slice(&BASE64_STANDARD.decode(data).ok()?).ok()
}

/// The text with `ID` for each UUID, dashes or not, and `TIME` for each time.
fn without_ids(text: &str) -> String {
    const DASHED: &str = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
    const PLAIN: &str = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";
    const TIME: &str = "dddd-dd-ddTdd:dd:dd";
    let mut result = String::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        if let Some(shape) = [DASHED, PLAIN].into_iter().find(|shape| has_shape(rest, shape)) {
            result.push_str("ID");
            rest = &rest[shape.len()..];
        } else if has_shape(rest, TIME) {
            result.push_str("TIME");
            // With its fraction, and its zone.
            rest = rest[TIME.len()..].trim_start_matches(|c: char| c == '.' || c == 'Z' || c.is_ascii_digit());
        } else {
            result.push(first);
            rest = &rest[first.len_utf8()..];
        }
    }
    result
}

/// Whether the text begins so: `x` is a hexadecimal digit, `d` a decimal one.
fn has_shape(text: &str, shape: &str) -> bool {
    let fits = |(byte, shape): (u8, u8)| match shape {
        b'x' => byte.is_ascii_hexdigit(),
        b'd' => byte.is_ascii_digit(),
        other => byte == other,
    };
    text.len() >= shape.len() && text.bytes().zip(shape.bytes()).all(fits)
}

/// Runs the test of this name on an Ostro server over TCP, in a process of its own, and fails where it left other histories.
pub fn compare(test: &str, reference: &Histories) {
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    let program = std::env::current_exe().expect("this program");
    let output = Command::new(program).args(["--exact", test, "--nocapture"]).env(WRITE_TO, file.path()).output();
    let output = output.expect("the same test on an Ostro server");
    assert!(output.status.success(), "{test}: {}", String::from_utf8_lossy(&output.stderr));
    let ours: Histories = serde_json::from_slice(&std::fs::read(file.path()).expect("its histories")).expect("JSON");
    let differences = differences(reference, &ours);
    assert!(differences.is_empty(), "histories of the reference server (-) and of Ostro (+) differ:\n{differences}");
    let runs: usize = ours.values().map(Vec::len).sum();
    println!("{runs} histories are alike");
}

fn differences(reference: &Histories, ours: &Histories) -> String {
    let mut text = String::new();
    for name in reference.keys().chain(ours.keys().filter(|name| !reference.contains_key(*name))) {
        let (theirs, ours) = (lines(reference, name), lines(ours, name));
        let only = |here: &[String], there: &[String], sign: char| -> String {
            let mut there = there.to_vec();
            let missing = here.iter().filter(|line| match there.iter().position(|other| other == *line) {
                Some(found) => {
                    there.swap_remove(found);
                    false
                }
                None => true,
            });
            missing.map(|line| format!("{sign} {line}\n")).collect()
        };
        let (removed, added) = (only(&theirs, &ours, '-'), only(&ours, &theirs, '+'));
        if !removed.is_empty() || !added.is_empty() {
            text += &format!("workflow `{name}`:\n{removed}{added}");
        }
    }
    text
}

fn lines(histories: &Histories, name: &str) -> Vec<String> {
    histories.get(name).into_iter().flatten().flatten().cloned().collect()
}
