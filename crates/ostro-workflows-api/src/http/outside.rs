//! Webhooks and triggers: executions that an event from outside starts. Not done here: what would need them says so.

use std::sync::Arc;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::http::Unsupported;
use crate::http::access::Operator;
use crate::model::error::{Code, Error};
use crate::service::api::Api;

/// The operations of this module.
pub(crate) fn routes() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::new()
        .routes(routes!(list_webhooks, create_webhook))
        .routes(routes!(get_webhook, delete_webhook))
        .routes(routes!(get_webhook_signing_secret))
        .routes(routes!(list_triggers, create_trigger))
        .routes(routes!(get_trigger, delete_trigger))
        .routes(routes!(list_trigger_events))
}

fn not_done(what: &str) -> Error {
    let message = format!(
        "this server has no {what}: let what receives the event start the workflow, with \
         POST /v1/workflows/{{workflow}}/execute and an API key"
    );
    Error::new(Code::Unsupported, message)
}

macro_rules! not_done {
    ($($name:ident: $method:ident $path:literal, $what:literal $(, $parameter:literal)?;)*) => {$(
        /// Not done here: 501.
        #[utoipa::path($method, path = $path, tag = $what, $(params(($parameter = String, Path)),)? responses(Unsupported))]
        pub(crate) async fn $name(Operator(_caller): Operator) -> Error {
            not_done($what)
        }
    )*};
}

not_done! {
    list_webhooks: get "/v1/webhooks", "webhooks";
    create_webhook: post "/v1/webhooks", "webhooks";
    get_webhook: get "/v1/webhooks/{webhook_id}", "webhooks", "webhook_id";
    delete_webhook: delete "/v1/webhooks/{webhook_id}", "webhooks", "webhook_id";
    get_webhook_signing_secret: get "/v1/webhooks/{webhook_id}/signing-secret", "webhooks", "webhook_id";
    list_triggers: get "/v1/triggers", "triggers";
    create_trigger: post "/v1/triggers", "triggers";
    get_trigger: get "/v1/triggers/{trigger_id}", "triggers", "trigger_id";
    delete_trigger: delete "/v1/triggers/{trigger_id}", "triggers", "trigger_id";
    list_trigger_events: get "/v1/triggers/{trigger_id}/events", "triggers", "trigger_id";
}
