//! UpsertWorkflowSearchAttributes and ModifyWorkflowProperties.

use prost::Message;
use temporalio_protos::temporal::api::{
    command::v1::{ModifyWorkflowPropertiesCommandAttributes, UpsertWorkflowSearchAttributesCommandAttributes},
    common::v1::{Memo, SearchAttributes},
    enums::v1::WorkflowTaskFailedCause as Cause,
    history::v1::{UpsertWorkflowSearchAttributesEventAttributes, WorkflowPropertiesModifiedEventAttributes},
};

use super::{Checker, Refusal};
use crate::execution::history::Extras;
use crate::execution::{Execution, Transition};
use crate::search;

impl Checker<'_> {
    pub(super) fn upsert_search_attributes(
        &self,
        a: &UpsertWorkflowSearchAttributesCommandAttributes,
    ) -> Result<(), Refusal> {
        let Some(attributes) = &a.search_attributes else {
            return Err(Refusal::new(
                Cause::BadSearchAttributes,
                "SearchAttributes is not set on UpsertWorkflowSearchAttributesCommand.",
            ));
        };
        self.namespace
            .check_attributes(attributes)
            .map(drop)
            .map_err(|e| Refusal::new(Cause::BadSearchAttributes, e.message))
    }

    pub(super) fn modify_properties(&self, a: &ModifyWorkflowPropertiesCommandAttributes) -> Result<(), Refusal> {
        let cause = Cause::BadModifyWorkflowPropertiesAttributes;
        let Some(memo) = &a.upserted_memo else {
            return Err(Refusal::new(cause, "UpsertedMemo is not set on ModifyWorkflowPropertiesCommand."));
        };
        let bytes = memo.encoded_len();
        let limit = self.config.memo_bytes_max;
        if bytes > limit {
            return Err(Refusal::new(cause, format!("Memo exceeds size limit: {bytes} bytes of {limit} at most.")));
        }
        Ok(())
    }
}

impl Transition<'_> {
    pub(super) fn upsert_search_attributes(
        &mut self,
        a: UpsertWorkflowSearchAttributesCommandAttributes,
        completed: i64,
        extras: Extras,
    ) {
        let upserted = a.search_attributes.unwrap_or_default();
        let typed = self.namespace.check_attributes(&upserted).unwrap_or(upserted);
        self.record_with(
            UpsertWorkflowSearchAttributesEventAttributes {
                workflow_task_completed_event_id: completed,
                search_attributes: Some(typed.clone()),
            },
            extras,
        );
        self.exec.merge_search_attributes(&Some(typed));
    }

    pub(super) fn modify_properties(
        &mut self,
        a: ModifyWorkflowPropertiesCommandAttributes,
        completed: i64,
        extras: Extras,
    ) {
        self.record_with(
            WorkflowPropertiesModifiedEventAttributes {
                workflow_task_completed_event_id: completed,
                upserted_memo: a.upserted_memo.clone(),
            },
            extras,
        );
        self.exec.merge_memo(&a.upserted_memo);
    }
}

impl Execution {
    /// Adds to the search attributes, or takes away.
    pub(in crate::execution) fn merge_search_attributes(&mut self, upserted: &Option<SearchAttributes>) {
        let Some(upserted) = upserted else { return };
        let properties = self.properties_mut();
        let old = properties.search_attributes.take().unwrap_or_default();
        properties.search_attributes = Some(search::merge(old, upserted));
    }

    /// Adds to the memo, or takes away.
    pub(in crate::execution) fn merge_memo(&mut self, upserted: &Option<Memo>) {
        let Some(upserted) = upserted else { return };
        let memo = self.properties_mut().memo.get_or_insert_default();
        for (name, payload) in &upserted.fields {
            if search::is_null(payload) {
                memo.fields.remove(name);
            } else {
                memo.fields.insert(name.clone(), payload.clone());
            }
        }
    }
}
