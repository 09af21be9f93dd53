//! ScheduleNexusOperation and RequestCancelNexusOperation.

use prost::Message;
use temporalio_protos::temporal::api::{
    command::v1::{RequestCancelNexusOperationCommandAttributes, ScheduleNexusOperationCommandAttributes},
    enums::v1::WorkflowTaskFailedCause as Cause,
    history::v1::{
        NexusOperationCancelRequestedEventAttributes, NexusOperationScheduledEventAttributes, history_event::Attributes,
    },
};

use super::{Checker, Refusal};
use crate::base::time::{Span, duration, from_duration};
use crate::config::FOREVER;
use crate::execution::history::Extras;
use crate::execution::nexus::What;
use crate::execution::{Execution, Transition};
use crate::nexus::system;
use crate::stored::execution::NexusOperation;

/// Operations that are under way in one execution.
const PENDING_MAX: usize = 2000;
/// Bytes of the keys and values of an operation's header.
const HEADER_BYTES_MAX: usize = 8192;
/// What the server itself says in headers.
const RESERVED_HEADERS: [&str; 1] = ["request-timeout"];

impl<'a> Checker<'a> {
    pub(super) fn schedule_nexus(&mut self, a: &'a ScheduleNexusOperationCommandAttributes) -> Result<(), Refusal> {
        let cause = Cause::BadScheduleNexusOperationAttributes;
        let refuse = |message: String| Err(Refusal::new(cause, message));
        if a.endpoint == system::ENDPOINT {
            let (input, namespace) = (a.input.as_ref(), &self.namespace.name);
            if let Err(message) = system::request(&a.service, &a.operation, input, namespace, self.config) {
                return refuse(message);
            }
        } else if self.endpoints.by_name(&a.endpoint).is_none() {
            return refuse(format!("endpoint \"{}\" not found", a.endpoint));
        }
        for (what, name) in [("Service", &a.service), ("Operation", &a.operation)] {
            if name.len() > self.config.id_length_max {
                let limit = self.config.id_length_max;
                return refuse(format!(
                    "ScheduleNexusOperationCommandAttributes.{what} exceeds length limit of {limit}"
                ));
            }
        }
        let time_outs = [
            ("ScheduleToCloseTimeout", &a.schedule_to_close_timeout),
            ("ScheduleToStartTimeout", &a.schedule_to_start_timeout),
            ("StartToCloseTimeout", &a.start_to_close_timeout),
        ];
        if let Some((name, _)) = time_outs.iter().find(|(_, span)| from_duration(span) < Span::ZERO) {
            return refuse(format!("ScheduleNexusOperationCommandAttributes.{name} is invalid: negative duration"));
        }
        let input = a.input.as_ref().map_or(0, Message::encoded_len);
        if input > self.config.blob_bytes_max {
            return Err(Refusal::fatal(cause, "ScheduleNexusOperationCommandAttributes.Input exceeds size limit"));
        }
        let header: usize = a.nexus_header.iter().map(|(key, value)| key.len() + value.len()).sum();
        if let Some(key) = a.nexus_header.keys().find(|key| RESERVED_HEADERS.contains(&key.to_lowercase().as_str())) {
            return refuse(format!(
                "ScheduleNexusOperationCommandAttributes.NexusHeader contains a disallowed header key: \"{key}\""
            ));
        }
        if header > HEADER_BYTES_MAX {
            return refuse("ScheduleNexusOperationCommandAttributes.NexusHeader exceeds size limit".to_owned());
        }
        self.nexus_operations += 1;
        if self.nexus_operations > PENDING_MAX {
            return Err(Refusal::new(
                Cause::PendingNexusOperationsLimitExceeded,
                format!("workflow has reached the pending nexus operation limit of {PENDING_MAX} for this namespace"),
            ));
        }
        Ok(())
    }

    pub(super) fn cancel_nexus(&mut self, a: &'a RequestCancelNexusOperationCommandAttributes) -> Result<(), Refusal> {
        let (cause, event) = (Cause::BadRequestCancelNexusOperationAttributes, a.scheduled_event_id);
        let Some(operation) = self.exec.nexus.get(&event) else {
            if self.exec.nexus_end_is_buffered(event) {
                return Ok(());
            }
            let message = format!(
                "requested cancelation for a non-existing or already completed operation with scheduled event ID of {event}"
            );
            return Err(Refusal::new(cause, message));
        };
        if operation.cancel.is_some() || !self.nexus_cancelled.insert(event) {
            let message = format!("cancelation was already requested for an operation with scheduled event ID {event}");
            return Err(Refusal::new(cause, message));
        }
        Ok(())
    }
}

impl Transition<'_> {
    pub(super) fn schedule_nexus(
        &mut self,
        a: ScheduleNexusOperationCommandAttributes,
        completed: i64,
        extras: Extras,
    ) {
        let [close, start, run] = self.nexus_time_outs(&a);
        let given = |span: Span| if span > Span::ZERO { duration(span) } else { None };
        let scheduled = NexusOperationScheduledEventAttributes {
            endpoint_id: self.endpoints.by_name(&a.endpoint).map(|endpoint| endpoint.id.clone()).unwrap_or_default(),
            endpoint: a.endpoint,
            service: a.service,
            operation: a.operation,
            input: a.input,
            schedule_to_close_timeout: given(close),
            schedule_to_start_timeout: given(start),
            start_to_close_timeout: given(run),
            nexus_header: a.nexus_header.into_iter().map(|(key, value)| (key.to_lowercase(), value)).collect(),
            workflow_task_completed_event_id: completed,
            request_id: self.ids.uuid(),
        };
        let id = self.record_with(scheduled.clone(), extras);
        self.exec.insert_nexus_operation(NexusOperation::new(id, scheduled, self.now));
        self.send_nexus_request(id, What::Start);
    }

    /// Schedule-to-close, -start and start-to-close: none longer than the run, nor than the first of them.
    fn nexus_time_outs(&self, a: &ScheduleNexusOperationCommandAttributes) -> [Span; 3] {
        let run = from_duration(&self.exec.started().workflow_run_timeout);
        let close = match from_duration(&a.schedule_to_close_timeout).min(FOREVER) {
            Span::ZERO => run,
            close if run > Span::ZERO => close.min(run),
            close => close,
        };
        let within = |span: Span| if close > Span::ZERO { span.min(close) } else { span.min(FOREVER) };
        let (start, to_close) = (from_duration(&a.schedule_to_start_timeout), from_duration(&a.start_to_close_timeout));
        [close, within(start), within(to_close)]
    }

    pub(super) fn cancel_nexus(
        &mut self,
        a: RequestCancelNexusOperationCommandAttributes,
        completed: i64,
        extras: Extras,
    ) {
        let event = a.scheduled_event_id;
        let requested = self.record_with(
            NexusOperationCancelRequestedEventAttributes {
                scheduled_event_id: event,
                workflow_task_completed_event_id: completed,
            },
            extras,
        );
        let now = self.now;
        // Where it ended meanwhile, its end is in the buffer.
        let Some(operation) = self.exec.nexus_operation_mut(event) else { return };
        operation.request_cancel(requested, now);
        if operation.is_started() {
            self.send_nexus_request(event, What::Cancel);
        }
    }
}

impl Execution {
    fn nexus_end_is_buffered(&self, scheduled_event_id: i64) -> bool {
        use Attributes::*;
        self.buffered.values().any(|event| match &event.attributes {
            Some(NexusOperationCompletedEventAttributes(a)) => a.scheduled_event_id == scheduled_event_id,
            Some(NexusOperationFailedEventAttributes(a)) => a.scheduled_event_id == scheduled_event_id,
            Some(NexusOperationCanceledEventAttributes(a)) => a.scheduled_event_id == scheduled_event_id,
            Some(NexusOperationTimedOutEventAttributes(a)) => a.scheduled_event_id == scheduled_event_id,
            _ => false,
        })
    }
}
