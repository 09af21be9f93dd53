//! Requests as handlers take them. What does not fit is refused with the path of the fault, before the handler runs.

pub(crate) mod query;

use std::str::FromStr;

use axum::extract::{FromRequest, FromRequestParts, Request};
use bytes::Bytes;
use http::request::Parts;
use ostro_wire::network::{self, Held};
use serde::de::DeserializeOwned;

use crate::model::error::{Code, Error, Fault, Result, Step};

/// A JSON body.
pub(crate) struct Json<T>(pub T);

/// A JSON body that may be absent.
pub(crate) struct OptionalJson<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = Error;

    async fn from_request(request: Request, state: &S) -> Result<Self> {
        parse(&body(request, state).await?).map(Self)
    }
}

impl<S: Send + Sync, T: DeserializeOwned + Default> FromRequest<S> for OptionalJson<T> {
    type Rejection = Error;

    async fn from_request(request: Request, state: &S) -> Result<Self> {
        let bytes = body(request, state).await?;
        if bytes.is_empty() {
            return Ok(Self(T::default()));
        }
        Ok(Self(parse::<Option<T>>(&bytes)?.unwrap_or_default()))
    }
}

/// A body as it is, with what it holds of the requests that may be under way; no more than that where it came in process.
pub(crate) struct Body {
    pub bytes: Bytes,
    pub held: Option<Held>,
}

impl<S: Send + Sync> FromRequest<S> for Body {
    type Rejection = Error;

    async fn from_request(request: Request, state: &S) -> Result<Self> {
        let held = request.extensions().get::<Held>().cloned();
        Ok(Self { bytes: body(request, state).await?, held })
    }
}

async fn body<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes> {
    Bytes::from_request(request, state).await.map_err(|rejection| match network::refusal(&rejection) {
        Some(refusal) => refused(refusal),
        None => Error::new(Code::Malformed, format!("the body cannot be read: {rejection}")),
    })
}

/// What the network says of a body that it did not read to its end.
pub(crate) fn refused(refusal: &tonic::Status) -> Error {
    let code = match refusal.code() {
        tonic::Code::ResourceExhausted => Code::TooMuch,
        _ => Code::Malformed,
    };
    Error::new(code, refusal.message())
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let parsed = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| fault("body", &error))?;
    deserializer.end().map_err(|error| Error::at(&["body"], error.to_string(), "json_invalid"))?;
    Ok(parsed)
}

/// The fault of a body or a query that does not fit its type.
pub(crate) fn fault<E: std::fmt::Display>(place: &str, error: &serde_path_to_error::Error<E>) -> Error {
    use serde_path_to_error::Segment;
    let steps = error.path().iter().filter_map(|segment| match segment {
        Segment::Seq { index } => Some(Step::Index(*index as u64)),
        Segment::Map { key } => Some(Step::Key(key.clone())),
        Segment::Enum { variant } => Some(Step::Key(variant.clone())),
        Segment::Unknown => None,
    });
    let loc = std::iter::once(Step::Key(place.to_owned())).chain(steps).collect();
    Error::Invalid(vec![Fault { loc, msg: error.inner().to_string(), kind: "value_error".to_owned() }])
}

/// The one parameter of a path.
pub(crate) struct Path<T>(pub T);

impl<S: Send + Sync, T: FromStr + Send> FromRequestParts<S> for Path<T>
where
    T::Err: std::fmt::Display,
{
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        let axum::extract::Path(text) = axum::extract::Path::<String>::from_request_parts(parts, state)
            .await
            .map_err(|rejection| Error::new(Code::Malformed, format!("the path cannot be read: {rejection}")))?;
        text.parse().map(Self).map_err(|error| Error::at(&["path"], format!("{text}: {error}"), "value_error"))
    }
}
