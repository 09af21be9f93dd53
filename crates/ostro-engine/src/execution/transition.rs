//! One step of one execution: the state it moves, the time it happens at, and what follows from it elsewhere.

use std::collections::VecDeque;

use super::Execution;
use super::callback::CalledBack;
use super::nexus::What;
use crate::base::error::Result;
use crate::base::ids::Ids;
use crate::base::seal::Seals;
use crate::base::time::Time;
use crate::call::{Answer, Reply, ReplyId};
use crate::config::Config;
use crate::deployment::Deployments;
use crate::execution::workflow::close::Closed;
use crate::execution::workflow::new_run::NewRun;
use crate::namespace::Namespace;
use crate::nexus::Endpoints;
use crate::stored::persistence::{ExecutionId, NamespaceId};

/// What a transition wants done outside its own execution. All of it happens before the commit, in the same commit.
#[derive(Debug)]
pub(crate) enum Effect {
    /// Put the workflow task on its queue, or hand it to a waiting worker.
    OfferWorkflowTask(ExecutionId),
    /// The same for an activity, by scheduled event id.
    OfferActivity(ExecutionId, i64),
    /// The same for a request to a Nexus handler, by the scheduled event id of its operation.
    OfferNexus(ExecutionId, i64, What),
    /// Take such a request off the queue of this namespace and name; off those that leave the server where it is 0.
    WithdrawNexus(ExecutionId, i64, What, NamespaceId, String),
    /// Take the workflow task, or the activity, off the queue of this name.
    WithdrawWorkflowTask(ExecutionId, String),
    WithdrawActivity(ExecutionId, i64, String),
    /// Offer a query to a worker by itself, without a workflow task.
    OfferQuery(ExecutionId, u64),
    StartChild(ExecutionId, i64),
    SignalExternal(ExecutionId, i64),
    CancelExternal(ExecutionId, i64),
    /// Continue-as-new, retry and cron: the next run of the chain.
    StartRun(Box<NewRun>),
    /// Deliver callbacks that are due before the run closes.
    CallBack(ExecutionId, Vec<CalledBack>),
    /// Have a callback sent to a URL outside, by its number.
    OfferCallback(ExecutionId, i64),
    /// The run closed: tell its parent, deal with its children.
    Closed(Box<Closed>),
    /// Try again what could not be told to others while they were set aside.
    Held(ExecutionId),
    /// A deferred answer.
    Answer(Reply),
}

/// A transition in progress. Everything it does is in memory until [`Execution::note_changes`].
pub(crate) struct Transition<'a> {
    pub exec: &'a mut Execution,
    pub now: Time,
    pub config: &'a Config,
    pub namespace: &'a Namespace,
    pub endpoints: &'a Endpoints,
    pub deployments: &'a Deployments,
    pub ids: &'a mut Ids,
    /// For the tokens of tasks and callbacks.
    pub seals: &'a Seals,
    pub effects: &'a mut VecDeque<Effect>,
    /// Executions that may still be opened in the namespace, by its quota; `None`: any number.
    pub executions_left: Option<i64>,
}

impl Transition<'_> {
    pub(crate) fn effect(&mut self, effect: Effect) {
        self.effects.push_back(effect);
    }

    pub(crate) fn answer(&mut self, id: ReplyId, answer: Result<Answer>) {
        self.effects.push_back(Effect::Answer(Reply { id, answer }));
    }

    pub(crate) fn id(&self) -> ExecutionId {
        self.exec.id
    }
}
