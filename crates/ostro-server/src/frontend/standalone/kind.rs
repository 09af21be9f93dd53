//! What activities and Nexus operations without a workflow have in common: waits for them, and lists of them.

use ostro_engine::call::HistoryPosition;
use ostro_engine::call::ReadHistory;
use ostro_engine::error::Error;
use ostro_engine::execution::standalone::{activity, nexus_operation};
use ostro_engine::seal::Kind as Seal;
use ostro_store::visibility::{Count, Page};
use ostro_wire::CallContext;
use temporalio_protos::temporal::api::common::v1::Payload;
use tonic::Status;

use crate::batch::attribute_types;
use crate::frontend::Frontend;
use crate::frontend::status::status;
use crate::frontend::visibility::{group_value, page_size};

/// One of the two kinds.
pub(crate) struct Kind {
    division: &'static str,
    noun: &'static str,
    execution_id: fn(&str) -> String,
}

pub(crate) const ACTIVITY: Kind =
    Kind { division: activity::DIVISION, noun: "activity", execution_id: activity::execution_id };
pub(crate) const OPERATION: Kind =
    Kind { division: nexus_operation::DIVISION, noun: "operation", execution_id: nexus_operation::execution_id };

/// Whom a request means.
#[derive(Clone, Copy)]
pub(crate) struct Named<'a> {
    pub namespace: &'a str,
    pub id: &'a str,
    /// Empty for the newest run.
    pub run_id: &'a str,
}

impl Kind {
    /// Waits for the end, or for a change after the one that was `seen`.
    pub(crate) async fn wait(
        &self,
        frontend: &Frontend,
        context: &CallContext,
        named: Named<'_>,
        seen: Option<i64>,
    ) -> Result<HistoryPosition, Status> {
        let workflow_id = (self.execution_id)(named.id);
        let read = ReadHistory {
            namespace: named.namespace.to_owned(),
            workflow_id: workflow_id.clone(),
            run_id: named.run_id.to_owned(),
            from: seen.map_or(0, |seen| seen + 1),
            wait: true,
            close_only: seen.is_none(),
            deadline: frontend.deadline(context),
        };
        frontend.engine.call(read).await.map_err(|error| {
            status(match error.message.contains(&workflow_id) {
                true => Error::not_found(format!("{} not found for ID: {}", self.noun, named.id)),
                false => error,
            })
        })
    }

    /// Whether anything has changed since the answer that gave out this token; waits for it. Without a token it has.
    pub(crate) async fn has_changed(
        &self,
        frontend: &Frontend,
        context: &CallContext,
        named: Named<'_>,
        token: Vec<u8>,
    ) -> Result<bool, Status> {
        if token.is_empty() {
            return Ok(true);
        }
        let body = frontend.seals.open(Seal::Page, &self.context(named), &token);
        let seen = body.and_then(|body| <[u8; 8]>::try_from(body).ok());
        let seen = seen.ok_or_else(|| status(Error::invalid("invalid long poll token: hand it back unchanged")))?;
        let seen = i64::from_be_bytes(seen);
        let position = self.wait(frontend, context, named, Some(seen)).await?;
        Ok(!position.open || position.next_event_id > seen + 1)
    }

    /// Seals the token of an answer, for the wait for the next change.
    pub(crate) fn seal_wait(&self, frontend: &Frontend, named: Named<'_>, token: &mut Vec<u8>) {
        if !token.is_empty() {
            *token = frontend.seals.seal(Seal::Page, &self.context(named), token);
        }
    }

    /// What a token of a wait is bound to.
    fn context(&self, named: Named<'_>) -> Vec<u8> {
        let Named { namespace, id, .. } = named;
        format!("{} {} {namespace}{id}", self.noun, namespace.len()).into_bytes()
    }

    /// A page of those that the query selects.
    pub(crate) async fn list(
        &self,
        frontend: &Frontend,
        namespace: &str,
        query: &str,
        size: i32,
        token: Vec<u8>,
    ) -> Result<Page, Status> {
        let known = frontend.known_namespace(namespace).await?;
        let (types, size, query) = (attribute_types(&known), page_size(size), of_division(self.division, query));
        let page =
            frontend.read_list(namespace, move |reads| reads.list(known.id, &types, &query, size, &token)).await?;
        page.map_err(status)
    }

    /// How many the query selects, and how many of each group.
    pub(crate) async fn count(
        &self,
        frontend: &Frontend,
        namespace: &str,
        query: &str,
    ) -> Result<(i64, Vec<(Vec<Payload>, i64)>), Status> {
        let known = frontend.known_namespace(namespace).await?;
        let (types, query) = (attribute_types(&known), of_division(self.division, query));
        let counted = frontend.read_list(namespace, move |reads| reads.count(known.id, &types, &query)).await?;
        let Count { total, groups } = counted.map_err(status)?;
        let group = |(values, count): (Vec<_>, i64)| (values.into_iter().map(group_value).collect(), count);
        Ok((total, groups.into_iter().map(group).collect()))
    }
}

/// A filter that selects only what is of a division, such as activities.
fn of_division(division: &str, query: &str) -> String {
    let (condition, clause) = query.split_at(clause_at(query));
    match condition.trim() {
        "" => format!("TemporalNamespaceDivision = '{division}' {clause}"),
        condition => format!("TemporalNamespaceDivision = '{division}' AND ({condition}) {clause}"),
    }
}

/// Where the clause begins that follows the condition: `ORDER BY` or `GROUP BY` outside of quotes.
fn clause_at(query: &str) -> usize {
    let lower = query.to_ascii_lowercase();
    let mut quote = None;
    for (at, byte) in lower.bytes().enumerate() {
        match (quote, byte) {
            (None, b'\'' | b'"' | b'`') => quote = Some(byte),
            (Some(open), byte) if open == byte => quote = None,
            (None, b'o' | b'g') => {
                let word_begins = at == 0 || !lower.as_bytes()[at - 1].is_ascii_alphanumeric();
                if word_begins && begins_clause(&lower[at..]) {
                    return at;
                }
            }
            _ => {}
        }
    }
    query.len()
}

/// Looks no further than it must: it is asked at each word of a query, which may be long.
fn begins_clause(rest: &str) -> bool {
    let Some(rest) = rest.strip_prefix("order").or_else(|| rest.strip_prefix("group")) else { return false };
    let by = rest.trim_start();
    by.len() < rest.len()
        && by.strip_prefix("by").is_some_and(|rest| rest.is_empty() || rest.starts_with(char::is_whitespace))
}

#[cfg(test)]
mod tests {
    use super::of_division;
    use ostro_engine::execution::standalone::activity::DIVISION;

    #[test]
    fn a_filter_is_narrowed_and_its_clause_stays_outside() {
        let narrowed =
            |query: &str| of_division(DIVISION, query).replace("TemporalNamespaceDivision = 'activity'", "D");
        assert_eq!(narrowed("").trim(), "D");
        assert_eq!(narrowed("A = 1 OR B = 2").trim(), "D AND (A = 1 OR B = 2)");
        assert_eq!(narrowed("group BY ExecutionStatus"), "D group BY ExecutionStatus");
        assert_eq!(narrowed("A = ' group by '").trim(), "D AND (A = ' group by ')");
        assert_eq!(narrowed("A = 1 ORDER  BY StartTime"), "D AND (A = 1) ORDER  BY StartTime");
        for condition in ["orders = 1", "A = order byte", "reorder by B", "orderby C", "order"] {
            assert_eq!(narrowed(condition).trim(), format!("D AND ({condition})"));
        }
        // A megabyte takes no longer than reading it.
        let long = "(g".repeat(1 << 19);
        assert_eq!(narrowed(&long).trim(), format!("D AND ({long})"));
    }
}
