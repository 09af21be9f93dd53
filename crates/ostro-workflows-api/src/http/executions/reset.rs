//! Back to an earlier point.

use std::sync::Arc;

use axum::extract::State;
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::http::Refusals;
use crate::http::access::Operator;
use crate::http::extract::{Json as Body, Path};
use crate::model::error::Result;
use crate::service::api::Api;
use crate::service::executions::reset;
use crate::service::executions::reset::Reset;

/// Where to go back to.
#[derive(Deserialize, ToSchema)]
pub(crate) struct ResetInvocationBody {
    /// An event of the latest run; it goes back to the workflow task that ended at it, or at the next one before.
    event_id: i64,
    #[serde(default)]
    reason: Option<String>,
    /// Forgets signals after the point.
    #[serde(default)]
    exclude_signals: Option<bool>,
    /// Forgets updates after the point.
    #[serde(default)]
    exclude_updates: Option<bool>,
}

/// Starts the execution anew from an earlier point: a new run takes the history up to there, the old one is terminated.
#[utoipa::path(post, path = "/v1/workflows/executions/{execution_id}/reset", tag = "executions",
    params(("execution_id" = String, Path)), request_body = ResetInvocationBody,
    responses((status = 204), Refusals))]
pub(crate) async fn reset_workflow(
    State(api): State<Arc<Api>>,
    Operator(caller): Operator,
    Path(id): Path<String>,
    Body(body): Body<ResetInvocationBody>,
) -> Result<StatusCode> {
    let reset = Reset {
        event_id: body.event_id,
        reason: body.reason,
        exclude_signals: body.exclude_signals.unwrap_or(false),
        exclude_updates: body.exclude_updates.unwrap_or(false),
    };
    reset::reset(&api, caller.namespace, id, reset).await?;
    Ok(StatusCode::NO_CONTENT)
}
