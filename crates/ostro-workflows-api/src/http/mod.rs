//! The routes, and the OpenAPI document that is generated from them.

pub(crate) mod access;

pub(crate) mod events;

pub(crate) mod executions;

pub(crate) mod extract;

pub(crate) mod outside;

pub(crate) mod paging;

mod refusal;

pub(crate) mod registry;

pub(crate) mod schedules;

pub(crate) mod telemetry;

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router, middleware};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use ostro_wire::bearer;
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::response::ResponseBuilder;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{Ref, RefOr, Response as DocumentedResponse};
use utoipa::{IntoResponses, Modify, OpenApi};
use utoipa_axum::router::OpenApiRouter;

use crate::http::events::stream::revoked;
use crate::model::error::{Code, Error, InvalidBody, RefusedBody};
use crate::service::api::Api;
use crate::service::keys::hash_of_key;

/// Largest body: a payload set (2 MiB) in base64 within JSON has ample room.
const BODY_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Where the document is served.
const DOCUMENT_PATH: &str = "/openapi.json";

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Ostro Workflows API",
        description = "Durable workflows over HTTP: what the official mistralai packages speak.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    components(schemas(InvalidBody, RefusedBody)),
    security(("api_key" = [])),
    modifiers(&ApiKeyScheme)
)]
struct Document;

struct ApiKeyScheme;

impl Modify for ApiKeyScheme {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("api_key", SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)));
    }
}

/// The refusals that every operation may answer.
pub(crate) struct Refusals;

impl IntoResponses for Refusals {
    fn responses() -> BTreeMap<String, RefOr<DocumentedResponse>> {
        let refused = [
            ("400", "Malformed, or refused by the engine"),
            ("401", "Needs an API key"),
            ("403", "The API key's role does not allow it"),
            ("404", "Not there"),
            ("408", "Not done in time"),
            ("409", "Not possible in the state it is in"),
            ("413", "Too large"),
            ("429", "Beyond a limit or a quota, which is named"),
            ("501", "Not done by this server or its engine"),
            ("503", "The engine does not answer"),
            ("507", "No room for more records"),
        ];
        let mut responses: BTreeMap<_, _> =
            refused.iter().map(|(status, what)| ((*status).to_owned(), response(what, "Error"))).collect();
        responses.insert("422".to_owned(), response("Does not fit; each fault has its path", "HTTPValidationError"));
        responses
    }
}

/// The answers of what this server does not do.
pub(crate) struct Unsupported;

impl IntoResponses for Unsupported {
    fn responses() -> BTreeMap<String, RefOr<DocumentedResponse>> {
        let refused = [
            ("401", "Needs an API key"),
            ("403", "The API key's role does not allow it"),
            ("501", "Not done by this server"),
        ];
        refused.iter().map(|(status, what)| ((*status).to_owned(), response(what, "Error"))).collect()
    }
}

fn response(description: &str, schema: &str) -> RefOr<DocumentedResponse> {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name(schema))).build();
    ResponseBuilder::new().description(description).content("application/json", content).build().into()
}

fn routes() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::with_openapi(Document::openapi())
        .merge(crate::http::registry::routes())
        .merge(crate::http::executions::routes())
        .merge(crate::http::events::routes())
        .merge(crate::http::schedules::routes())
        .merge(crate::http::outside::routes())
        .merge(crate::http::telemetry::routes())
}

/// The OpenAPI 3.1 document.
pub fn document() -> utoipa::openapi::OpenApi {
    let mut document = routes().into_openapi();
    document.info.version = env!("CARGO_PKG_VERSION").to_owned();
    document
}

/// The API's routes, `/openapi.json` among them.
pub fn router(api: Arc<Api>) -> Router {
    let (router, _) = routes().split_for_parts();
    let document = Bytes::from(document().to_json().expect("a document of plain data is JSON"));
    router
        .route(DOCUMENT_PATH, get(move || async move { ([(CONTENT_TYPE, "application/json")], document) }))
        .method_not_allowed_fallback(no_such_method)
        .fallback(no_such_route)
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(middleware::from_fn_with_state(api.clone(), until_revoked))
        .with_state(api)
}

/// A request that waits ends with its key. What it streams then ends by itself.
async fn until_revoked(State(api): State<Arc<Api>>, request: Request, next: Next) -> Response {
    let key = bearer(request.headers()).and_then(hash_of_key);
    tokio::select! {
        biased;
        response = next.run(request) => response,
        () = api.revoked(key) => revoked().into_response(),
    }
}

async fn no_such_route(request: Request) -> Error {
    let message = format!("no route {}; {DOCUMENT_PATH} lists those there are", request.uri().path());
    Error::new(Code::RouteNotFound, message)
}

async fn no_such_method(request: Request) -> Response {
    let message = format!("{} has no method {}; {DOCUMENT_PATH} lists them", request.uri().path(), request.method());
    let body = RefusedBody {
        object: "Error",
        detail: message.clone(),
        message,
        kind: "invalid_request_error",
        code: Code::RouteNotFound.parts().1,
    };
    (http::StatusCode::METHOD_NOT_ALLOWED, Json(body)).into_response()
}

#[cfg(test)]
mod tests;
