//! What handlers answer: pages, ways to pages, and refusals that say what to do.

use askama::Template;
use axum::response::{Html, IntoResponse, Response};
use http::StatusCode;
use http::header::{CACHE_CONTROL, LOCATION};
use tonic::{Code, Status};

/// What a handler answers.
pub(crate) type Answer = Result<Response, Failure>;

/// Why there is no page. The frame around the routes makes one of it.
#[derive(Debug, Clone)]
pub(crate) enum Failure {
    /// Nobody is signed in, and somebody must be. `path`: the page that was asked for.
    NotSignedIn { path: String, said: String },
    /// The engine, or the guard before it, refuses.
    Refused(Status),
    /// A change without the token of a form of ours.
    Forged,
    /// There is nothing at this address.
    NoPage,
    /// A form that does not decode.
    Unreadable(String),
    /// No random bytes: nothing can be signed.
    Entropy(getrandom::Error),
    /// A template that cannot be written.
    Template(String),
}

impl From<Status> for Failure {
    fn from(status: Status) -> Self {
        Self::Refused(status)
    }
}

impl Failure {
    /// The status, a heading, and a sentence that says what to do.
    pub(crate) fn words(&self) -> (StatusCode, &'static str, String) {
        match self {
            Self::NotSignedIn { said, .. } => (StatusCode::UNAUTHORIZED, "Sign in", said.clone()),
            Self::Refused(status) => refused(status),
            Self::Forged => (
                StatusCode::FORBIDDEN,
                "Nothing was changed",
                "This form is not from this console, or the server has restarted since: go back, reload the page, and send \
                 it again."
                    .to_owned(),
            ),
            Self::NoPage => {
                (StatusCode::NOT_FOUND, "There is no such page", "Begin with the list of executions.".to_owned())
            }
            Self::Unreadable(said) => (StatusCode::BAD_REQUEST, "The form cannot be read", said.clone()),
            Self::Entropy(error) => {
                (StatusCode::INTERNAL_SERVER_ERROR, "The server has no random bytes", error.to_string())
            }
            Self::Template(error) => {
                (StatusCode::INTERNAL_SERVER_ERROR, "The page could not be written", error.clone())
            }
        }
    }
}

fn refused(status: &Status) -> (StatusCode, &'static str, String) {
    let (code, heading) = match status.code() {
        Code::NotFound => (StatusCode::NOT_FOUND, "It is not there"),
        Code::InvalidArgument | Code::OutOfRange => (StatusCode::BAD_REQUEST, "The server does not take that"),
        Code::FailedPrecondition | Code::AlreadyExists | Code::Aborted => {
            (StatusCode::CONFLICT, "Not possible in the state it is in")
        }
        Code::PermissionDenied => (StatusCode::FORBIDDEN, "Your key may not do that"),
        Code::Unauthenticated => (StatusCode::UNAUTHORIZED, "Sign in"),
        Code::ResourceExhausted => (StatusCode::TOO_MANY_REQUESTS, "A limit is reached"),
        Code::Unimplemented => (StatusCode::NOT_IMPLEMENTED, "This server does not do that"),
        Code::DeadlineExceeded => (StatusCode::GATEWAY_TIMEOUT, "No answer in time"),
        Code::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "The engine does not answer"),
        Code::DataLoss => (StatusCode::INTERNAL_SERVER_ERROR, "Its data is damaged"),
        _ => (StatusCode::INTERNAL_SERVER_ERROR, "The server failed"),
    };
    (code, heading, status.message().to_owned())
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let mut response = self.words().0.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// A page of a template.
pub(crate) fn page(template: &impl Template) -> Answer {
    page_with(StatusCode::OK, template)
}

/// The same under another status.
pub(crate) fn page_with(status: StatusCode, template: &impl Template) -> Answer {
    let html = template.render().map_err(|error| Failure::Template(error.to_string()))?;
    Ok((status, [(CACHE_CONTROL, "no-store")], Html(html)).into_response())
}

/// Sends the browser to a page, after a change or because there is a better address.
pub(crate) fn see(address: &str) -> Answer {
    Ok((StatusCode::SEE_OTHER, [(LOCATION, address.to_owned())]).into_response())
}
