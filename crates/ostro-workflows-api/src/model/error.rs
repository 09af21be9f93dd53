//! What a request is refused with: a status, a `WF_xxxx` code, and one of the two bodies that the official clients read.

use http::StatusCode;
use serde::Serialize;
use tonic::Code as GrpcCode;
use utoipa::ToSchema;

/// The result of everything that can be refused.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a request is refused, as programs tell it. The table in the HTTP reference explains each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    Unauthenticated,
    Forbidden,
    Unsupported,
    EngineUnavailable,
    Internal,
    Malformed,
    EngineRefused,
    RouteNotFound,
    TooMuch,
    StorageFull,
    WorkflowNotFound,
    RegistrationNotFound,
    WorkflowArchived,
    RegistrationRefused,
    DeploymentNotFound,
    WorkerUnknown,
    NoWorker,
    GraphNotFound,
    ExecutionNotFound,
    ExecutionExists,
    ExecutionClosed,
    ExecutionFailed,
    WaitTimedOut,
    HandlerNotFound,
    QueryFailed,
    UpdateFailed,
    ScheduleNotFound,
    ScheduleExists,
    EventRouteTokenInvalid,
    EventRouteTokenExpired,
    EventRouteScopeUnsupported,
    EventRouteScopeNotFound,
}

impl Code {
    /// The status it goes with, and its name on the wire.
    pub const fn parts(self) -> (StatusCode, &'static str) {
        match self {
            Self::Malformed => (StatusCode::BAD_REQUEST, "WF_1000"),
            Self::Unauthenticated => (StatusCode::UNAUTHORIZED, "WF_1001"),
            Self::Forbidden => (StatusCode::FORBIDDEN, "WF_1002"),
            Self::Unsupported => (StatusCode::NOT_IMPLEMENTED, "WF_1003"),
            Self::EngineUnavailable => (StatusCode::SERVICE_UNAVAILABLE, "WF_1004"),
            Self::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "WF_1005"),
            Self::EngineRefused => (StatusCode::BAD_REQUEST, "WF_1006"),
            Self::RouteNotFound => (StatusCode::NOT_FOUND, "WF_1007"),
            Self::TooMuch => (StatusCode::TOO_MANY_REQUESTS, "WF_1009"),
            Self::StorageFull => (StatusCode::INSUFFICIENT_STORAGE, "WF_1010"),
            Self::WorkflowNotFound => (StatusCode::NOT_FOUND, "WF_1100"),
            Self::RegistrationNotFound => (StatusCode::NOT_FOUND, "WF_1101"),
            Self::WorkflowArchived => (StatusCode::CONFLICT, "WF_1102"),
            Self::DeploymentNotFound => (StatusCode::NOT_FOUND, "WF_1103"),
            Self::RegistrationRefused => (StatusCode::FORBIDDEN, "WF_1104"),
            Self::WorkerUnknown => (StatusCode::CONFLICT, "WF_1105"),
            Self::NoWorker => (StatusCode::CONFLICT, "WF_1106"),
            Self::GraphNotFound => (StatusCode::NOT_FOUND, "WF_1107"),
            Self::ExecutionNotFound => (StatusCode::NOT_FOUND, "WF_1200"),
            Self::ExecutionExists => (StatusCode::CONFLICT, "WF_1201"),
            Self::ExecutionClosed => (StatusCode::CONFLICT, "WF_1202"),
            Self::ExecutionFailed => (StatusCode::CONFLICT, "WF_1203"),
            Self::WaitTimedOut => (StatusCode::REQUEST_TIMEOUT, "WF_1204"),
            Self::HandlerNotFound => (StatusCode::NOT_FOUND, "WF_1205"),
            Self::QueryFailed => (StatusCode::BAD_REQUEST, "WF_1206"),
            Self::UpdateFailed => (StatusCode::BAD_REQUEST, "WF_1207"),
            Self::ScheduleNotFound => (StatusCode::NOT_FOUND, "WF_1300"),
            Self::ScheduleExists => (StatusCode::CONFLICT, "WF_1301"),
            // The four that workers know by name.
            Self::EventRouteTokenInvalid => (StatusCode::UNAUTHORIZED, "EVENT_ROUTE_TOKEN_INVALID"),
            Self::EventRouteTokenExpired => (StatusCode::UNAUTHORIZED, "EVENT_ROUTE_TOKEN_EXPIRED"),
            Self::EventRouteScopeUnsupported => (StatusCode::BAD_REQUEST, "V2_SCOPE_UNSUPPORTED"),
            Self::EventRouteScopeNotFound => (StatusCode::NOT_FOUND, "EVENT_ROUTE_SCOPE_NOT_FOUND"),
        }
    }
}

/// A refusal.
#[derive(Debug)]
pub enum Error {
    /// One reason.
    Refused { code: Code, message: String },
    /// Faults of the request's content, each with its path: 422.
    Invalid(Vec<Fault>),
}

/// One fault of a request's content.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = ValidationError)]
pub struct Fault {
    /// Where: `body`, `query` or `path`, then keys and indexes.
    pub loc: Vec<Step>,
    /// What is wrong there.
    pub msg: String,
    /// The kind of fault, such as `required` or `type`.
    #[serde(rename = "type")]
    pub kind: String,
}

/// A key or an index on the way to a fault.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(untagged)]
pub enum Step {
    Key(String),
    Index(u64),
}

/// The body of a refusal with faults.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = HTTPValidationError)]
pub struct InvalidBody {
    pub detail: Vec<Fault>,
}

/// The body of any other refusal.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Error)]
pub struct RefusedBody {
    /// Always `Error`.
    pub object: &'static str,
    /// What happened, on what, and what to do next.
    pub message: String,
    /// The same sentence, under the name that the event routes of workers read.
    pub detail: String,
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// `WF_xxxx`.
    pub code: &'static str,
}

impl Error {
    /// Refuses for one reason.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self::Refused { code, message: message.into() }
    }

    /// Refuses for one fault at a path within the body.
    pub fn at(path: &[&str], message: impl Into<String>, kind: &str) -> Self {
        let loc = path.iter().map(|key| Step::Key((*key).to_owned())).collect();
        Self::Invalid(vec![Fault { loc, msg: message.into(), kind: kind.to_owned() }])
    }

    /// A failure of ours: logged, told without its inside.
    pub fn internal(doing: &str, error: &dyn std::fmt::Display) -> Self {
        tracing::error!(%error, "could not {doing}");
        Self::new(Code::Internal, format!("the server could not {doing}; its log says why"))
    }

    /// What the engine's refusal of `what` means. NOT_FOUND and ALREADY_EXISTS depend on what was asked for.
    pub fn of_engine(status: &tonic::Status, what: &str, not_found: Code) -> Self {
        let message = format!("{what}: {}", status.message());
        let code = match status.code() {
            GrpcCode::NotFound => not_found,
            GrpcCode::AlreadyExists if not_found == Code::ScheduleNotFound => Code::ScheduleExists,
            GrpcCode::AlreadyExists => Code::ExecutionExists,
            GrpcCode::InvalidArgument | GrpcCode::OutOfRange => Code::EngineRefused,
            GrpcCode::ResourceExhausted => Code::TooMuch,
            GrpcCode::FailedPrecondition => Code::ExecutionClosed,
            GrpcCode::Unimplemented => Code::Unsupported,
            GrpcCode::PermissionDenied | GrpcCode::Unauthenticated => Code::Forbidden,
            GrpcCode::Unavailable | GrpcCode::DeadlineExceeded | GrpcCode::Cancelled | GrpcCode::Aborted => {
                Code::EngineUnavailable
            }
            _ => {
                tracing::error!(%status, what, "the engine failed");
                Code::Internal
            }
        };
        Self::Refused { code, message }
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Refused { code, message } => write!(formatter, "{} ({})", message, code.parts().1),
            Self::Invalid(faults) => {
                let texts: Vec<&str> = faults.iter().map(|fault| fault.msg.as_str()).collect();
                formatter.write_str(&texts.join("; "))
            }
        }
    }
}

impl std::error::Error for Error {}
