//! What is above every tab: the state in a sentence, facts, actions, the tabs, commands to copy.

use ostro_explain::{Reason, duration};
use temporalio_protos::temporal::api::enums::v1::WorkflowExecutionStatus;
use temporalio_protos::temporal::api::workflowservice::v1::DescribeWorkflowExecutionResponse;

use super::copy::{Command, commands};
use crate::action::{self, Action};
use crate::door::{Rights, Visitor};
use crate::moment::{self, Clock};
use crate::page::status::{Badge, badge, is_open};
use crate::run::Place;
use crate::shown;

/// Sentences that are shown at once; the others are folded.
const SENTENCES: usize = 3;

/// What is above every tab.
pub(crate) struct Head {
    pub id: String,
    pub kind: String,
    pub status: Badge,
    pub sentences: Vec<Sentence>,
    pub more: Vec<Sentence>,
    pub facts: Vec<Fact>,
    pub tabs: Vec<Tab>,
    pub actions: Vec<Link>,
    pub commands: Vec<Command>,
    pub list: String,
}

/// One thing that it waits for.
pub(crate) struct Sentence {
    pub pieces: Vec<(bool, String)>,
    /// Of style: `blocked`, or what has become of a run that is closed.
    pub class: &'static str,
}

/// A fact in a word and a value; a time where it is one.
pub(crate) struct Fact {
    pub label: &'static str,
    pub text: String,
    pub time: moment::Shown,
}

/// A tab.
pub(crate) struct Tab {
    pub name: &'static str,
    pub address: String,
    pub here: bool,
}

/// A way to an action.
pub(crate) struct Link {
    pub name: &'static str,
    pub address: String,
    pub destroys: bool,
}

/// The tabs: name, and the end of the address.
const TABS: [(&str, &str); 4] =
    [("Timeline", ""), ("History", "/history"), ("Input and result", "/data"), ("Relations", "/relations")];

impl Head {
    /// Of a described run; `here` is the name of the tab, `origin` where the browser reaches this server.
    pub(crate) fn of(
        visitor: &Visitor,
        place: &Place,
        described: &DescribeWorkflowExecutionResponse,
        reasons: &[Reason],
        rights: Rights,
        here: &str,
        origin: &str,
    ) -> Self {
        let info = described.workflow_execution_info.clone().unwrap_or_default();
        let clock = visitor.clock();
        let mut sentences: Vec<Sentence> = reasons.iter().map(|reason| sentence(reason, info.status())).collect();
        let more = sentences.split_off(sentences.len().min(SENTENCES));
        let tab = |(name, rest): (&'static str, &str)| Tab {
            name,
            address: place.address(&visitor.base, rest),
            here: name == here,
        };
        let paused = described.workflow_extended_info.as_ref().is_some_and(|info| info.pause_info.is_some());
        let actions = Action::of_workflow(is_open(info.status()), paused).iter();
        let actions = actions.filter(|action| rights.operate || !action.changes());
        Self {
            id: shown::whole(&place.id),
            kind: shown::line(info.r#type.as_ref().map_or("", |kind| &kind.name)),
            status: badge(info.status()),
            sentences,
            more,
            facts: facts(place, described, &clock),
            tabs: TABS.into_iter().map(tab).collect(),
            actions: actions.map(|action| link(visitor, place, *action, "")).collect(),
            commands: commands(place, origin),
            list: format!("{}/workflows", crate::link::namespace(&visitor.base, &place.namespace)),
        }
    }
}

/// The link to an action on a run, or on one of its activities.
pub(crate) fn link(visitor: &Visitor, place: &Place, action: Action, activity: &str) -> Link {
    let address = action::address(&visitor.base, place, action, activity);
    Link { name: action.verb(), address, destroys: action.destroys() }
}

fn sentence(reason: &Reason, status: WorkflowExecutionStatus) -> Sentence {
    let class = match (is_open(status), reason.blocked) {
        (true, true) => "blocked",
        (true, false) => "",
        (false, _) => badge(status).class,
    };
    Sentence { pieces: shown::pieces(&reason.sentence), class }
}

fn facts(place: &Place, described: &DescribeWorkflowExecutionResponse, clock: &Clock) -> Vec<Fact> {
    let info = described.workflow_execution_info.clone().unwrap_or_default();
    let text = |label, text: String| Fact { label, text, time: moment::Shown::default() };
    let time = |label, time: moment::Shown| Fact { label, text: String::new(), time };
    let took = moment::between(info.start_time.as_ref(), info.close_time.as_ref());
    let version = info.versioning_info.as_ref().and_then(|versioning| versioning.deployment_version.as_ref());
    let version = version.map(|version| format!("{}:{}", version.deployment_name, version.build_id));
    let all = [
        time("Started", clock.shown(info.start_time.as_ref())),
        time("Closed", clock.shown(info.close_time.as_ref())),
        text("Took", took.map(duration::text).unwrap_or_default()),
        text("Task queue", shown::line(&info.task_queue)),
        text("Version", version.map(|version| shown::line(&version)).unwrap_or_default()),
        text("Events", format!("{}, {}", shown::count(info.history_length), shown::bytes(info.history_size_bytes))),
        text("Run", shown::whole(&place.run)),
    ];
    all.into_iter().filter(|fact| !fact.text.is_empty() || !fact.time.iso.is_empty()).collect()
}
