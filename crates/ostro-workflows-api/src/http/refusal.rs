//! Refusals as answers.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::StatusCode;

use crate::model::error::{Error, InvalidBody, RefusedBody};

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        match self {
            Self::Invalid(detail) => (StatusCode::UNPROCESSABLE_ENTITY, Json(InvalidBody { detail })).into_response(),
            Self::Refused { code, message } => {
                let (status, code) = code.parts();
                let kind = if status.is_server_error() { "server_error" } else { "invalid_request_error" };
                let detail = message.clone();
                (status, Json(RefusedBody { object: "Error", message, detail, kind, code })).into_response()
            }
        }
    }
}
