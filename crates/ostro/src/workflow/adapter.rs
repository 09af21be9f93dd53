//! Our workflows as the SDK's: one type for all of them, as in `activity/adapter.rs`.

use std::any::Any;
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::{Rc, Weak};
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use temporalio_common::WorkflowDefinition;
use temporalio_common::data_converters::{PayloadConverter, RawValue};
use temporalio_common::error::ApplicationFailure;
use temporalio_common::protos::temporal::api::common::v1::Payloads as ProtoPayloads;
use temporalio_workflow::workflow_interceptors::WorkflowOutputValue;
use temporalio_workflow::workflows::{
    UpdateDefinitionDescriptor, WorkflowDefinitionDescriptor, WorkflowError, WorkflowImplementation,
};
use temporalio_workflow::{WorkflowContext, WorkflowContextView, WorkflowTermination};

use crate::activity::attempt::panic_text;
use crate::error::{Error, ErrorKind, Result, Standard};
use crate::payload::{self, Payload, Payloads};
use crate::registry;
use crate::worker::Shared;
use crate::workflow::entry::{HandlerKind, WorkflowEntry};
use crate::workflow::routine::{Routine, look};
use crate::workflow::run::{Kept, Run};
use crate::workflow::scope::Scope;
use crate::workflow::trap;

thread_local! {
    static REGISTERING: RefCell<&'static str> = const { RefCell::new("") };
}

pub(crate) struct Adapter {
    entry: &'static WorkflowEntry,
    shared: Arc<Shared>,
    kept: Rc<Kept>,
    /// The run owns the SDK's context, which owns this.
    run: Weak<Run>,
}

impl Adapter {
    /// What the SDK is to make an instance with; call it right before registering.
    pub fn factory(entry: &'static WorkflowEntry, shared: Arc<Shared>) -> impl Fn() -> Self + Send + Sync + 'static {
        REGISTERING.set(entry.name);
        move || Self { entry, shared: shared.clone(), kept: Rc::default(), run: Weak::new() }
    }

    fn unknown(&self, what: &str, name: &str, is: fn(&HandlerKind) -> bool) -> Error {
        let workflow = self.entry.name;
        let known = self.entry.names(is);
        Error::misuse("NotFound", format_args!("workflow `{workflow}` has no {what} `{name}`; it has: {known}"))
    }

    fn query(&self, name: &str, payloads: Payloads) -> Result<Payload> {
        if let Some(HandlerKind::Query(handle)) = self.entry.handler(name) {
            let Some(state) = self.kept.state.borrow().clone() else {
                return Err(Error::new("the workflow has not begun yet"));
            };
            return look(self.entry.name, || handle(state, payloads));
        }
        let dynamic = self.kept.queries.borrow().get(name).cloned();
        match dynamic {
            Some(handle) => look(self.entry.name, || handle(payloads)),
            None => Err(self.unknown("query", name, |kind| matches!(kind, HandlerKind::Query(_)))),
        }
    }

    fn validate(&self, name: &str, payloads: Payloads) -> Result<()> {
        let Some(HandlerKind::Update { validate, .. }) = self.entry.handler(name) else {
            return Err(self.unknown("update", name, |kind| matches!(kind, HandlerKind::Update { .. })));
        };
        match (validate, self.kept.state.borrow().clone()) {
            (Some(validate), Some(state)) => look(self.entry.name, || validate(state, payloads)),
            _ => Ok(()),
        }
    }
}

pub(crate) struct Definition;

impl WorkflowDefinition for Definition {
    type Input = RawValue;
    type Output = RawValue;

    fn name(&self) -> &str {
        "ostro"
    }
}

fn raw(input: Box<dyn Any>) -> Vec<Payload> {
    input.downcast::<RawValue>().map(|raw| raw.payloads).unwrap_or_default()
}

impl WorkflowImplementation for Adapter {
    type Run = Definition;
    const HAS_INIT: bool = false;
    const INIT_TAKES_INPUT: bool = false;

    fn name() -> &'static str {
        "ostro"
    }

    fn definition() -> WorkflowDefinitionDescriptor {
        let update = |name: &&str| UpdateDefinitionDescriptor { name: (*name).to_owned(), has_validator: true };
        WorkflowDefinitionDescriptor {
            workflow_type: REGISTERING.with_borrow(|name| (*name).to_owned()),
            has_init: false,
            init_takes_input: false,
            signals: Vec::new(),
            queries: Vec::new(),
            updates: registry::update_names().iter().map(update).collect(),
        }
    }

    fn init(_: WorkflowContextView, _: Option<RawValue>) -> Self {
        unreachable!("workflows are registered with a factory")
    }

    fn run(
        sdk: WorkflowContext<Self>,
        input: Option<RawValue>,
    ) -> LocalBoxFuture<'static, Result<Box<dyn WorkflowOutputValue>, WorkflowTermination>> {
        let (entry, shared, kept) = sdk.state(|this| (this.entry, this.shared.clone(), this.kept.clone()));
        let run = Run::new(entry, sdk.clone(), shared, kept);
        sdk.state_mut(|this| this.run = Rc::downgrade(&run));
        let payloads = Payloads::new(input.unwrap_or_default().payloads);
        let scope = Scope::of(run.clone());
        // Made here, not at the first poll: handlers of signals that are there already run before the entrypoint.
        let created = catch_unwind(AssertUnwindSafe(|| (entry.create)(payloads.clone())))
            .unwrap_or_else(|panic| Err(trap::of_panic(entry.name, &panic_text(panic))));
        let code = match created {
            Ok(state) => {
                run.kept.state.replace(Some(state.clone()));
                (entry.run)(state, payloads)
            }
            Err(error) => futures_util::future::ready(Err(error)).boxed_local(),
        };
        let routine = Routine::entrypoint(scope, code);
        async move { settle(&run, routine.await) }.boxed_local()
    }

    fn decode_signal_input(
        _: &str,
        payloads: ProtoPayloads,
        _: &PayloadConverter,
    ) -> Result<Option<Box<dyn Any>>, WorkflowError> {
        Ok(Some(Box::new(RawValue::new(payloads.payloads))))
    }

    fn dispatch_signal(
        sdk: WorkflowContext<Self>,
        name: &str,
        input: Box<dyn Any>,
    ) -> LocalBoxFuture<'static, Result<(), WorkflowError>> {
        let (entry, kept, run) = sdk.state(|this| (this.entry, this.kept.clone(), this.run.upgrade()));
        let payloads = Payloads::new(raw(input));
        let done = || futures_util::future::ready(Ok(())).boxed_local();
        let Some(run) = run else { return done() };
        let (Some(HandlerKind::Signal(handle)), Some(state)) = (entry.handler(name), kept.state.borrow().clone())
        else {
            kept.signals.borrow_mut().entry(name.to_owned()).or_default().push_back(payloads);
            run.progress();
            return done();
        };
        let name = name.to_owned();
        let routine = Routine::handler(Scope::of(run.clone()), handle(state, payloads));
        async move {
            match routine.await {
                Ok(()) => {}
                // Whoever sends nonsense must not end a workflow with it, and there is nobody to tell.
                Err(error) if error.type_name() == Some("InvalidPayload") => {
                    tracing::error!(workflow = entry.name, signal = name, %error, "a signal is dropped: its input cannot be read");
                }
                Err(error) => run.fail(error),
            }
            Ok(())
        }
        .boxed_local()
    }

    fn decode_query_input(
        _: &str,
        payloads: &ProtoPayloads,
        _: &PayloadConverter,
    ) -> Result<Option<Box<dyn Any>>, WorkflowError> {
        Ok(Some(Box::new(RawValue::new(payloads.payloads.clone()))))
    }

    fn dispatch_query(
        &self,
        _: WorkflowContextView,
        name: &str,
        input: Box<dyn Any>,
    ) -> Result<Box<dyn WorkflowOutputValue>, WorkflowError> {
        let payload = self.query(name, Payloads::new(raw(input))).map_err(execution)?;
        payload::check(std::slice::from_ref(&payload), format_args!("the answer of query `{name}`"))
            .map_err(execution)?;
        Ok(Box::new(RawValue::new(vec![payload])))
    }

    fn decode_update_input(
        _: &str,
        payloads: ProtoPayloads,
        _: &PayloadConverter,
    ) -> Result<Option<Box<dyn Any>>, WorkflowError> {
        Ok(Some(Box::new(RawValue::new(payloads.payloads))))
    }

    fn dispatch_update(
        sdk: WorkflowContext<Self>,
        name: &str,
        input: Box<dyn Any>,
    ) -> LocalBoxFuture<'static, Result<Box<dyn WorkflowOutputValue>, WorkflowError>> {
        let (entry, kept, run) = sdk.state(|this| (this.entry, this.kept.clone(), this.run.upgrade()));
        let state = kept.state.borrow().clone();
        let (Some(HandlerKind::Update { handle, .. }), Some(state), Some(run)) = (entry.handler(name), state, run)
        else {
            let error =
                sdk.state(|this| this.unknown("update", name, |kind| matches!(kind, HandlerKind::Update { .. })));
            return futures_util::future::ready(Err(execution(error))).boxed_local();
        };
        let routine = Routine::handler(Scope::of(run), handle(state, Payloads::new(raw(input))));
        let name = name.to_owned();
        async move {
            let payload = routine.await.map_err(execution)?;
            payload::check(std::slice::from_ref(&payload), format_args!("the result of update `{name}`"))
                .map_err(execution)?;
            Ok(Box::new(RawValue::new(vec![payload])) as Box<dyn WorkflowOutputValue>)
        }
        .boxed_local()
    }

    fn validate_update(&self, _: WorkflowContextView, name: &str, input: Box<dyn Any>) -> Result<(), WorkflowError> {
        self.validate(name, Payloads::new(raw(input))).map_err(execution)
    }
}

/// Our failure converter finds the error in it.
fn execution(error: Error) -> WorkflowError {
    WorkflowError::Execution(Box::new(Standard(error.bounded())))
}

/// What becomes of the workflow. Every error fails it: none leaves it stuck.
fn settle(run: &Run, result: Result<Payload>) -> Result<Box<dyn WorkflowOutputValue>, WorkflowTermination> {
    let workflow = run.entry.name;
    let checked = result.and_then(|payload| {
        payload::check(std::slice::from_ref(&payload), format_args!("the result of workflow `{workflow}`"))?;
        Ok(payload)
    });
    match checked {
        Ok(payload) => Ok(Box::new(RawValue::new(vec![payload]))),
        Err(mut error) => Err(match error.kind() {
            ErrorKind::ContinueAsNew => match error.inner_mut().continuation.take() {
                Some(continuation) => *continuation,
                None => failed(error),
            },
            ErrorKind::Cancelled if run.sdk.cancellation_token().is_cancelled() => WorkflowTermination::cancelled(),
            _ => failed(error),
        }),
    }
}

fn failed(error: Error) -> WorkflowTermination {
    let source: Box<dyn std::error::Error + Send + Sync> = Box::new(Standard(error.bounded()));
    WorkflowTermination::failed_application(ApplicationFailure::builder(source).build())
}
