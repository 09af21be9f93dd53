//! What a method answers: a message, or bytes that are one already.

use bytes::Bytes;
use ostro_nesting::Shape;
use prost::Message;
use tonic::Status;

use crate::{EncodedAnswer, status};

/// The result of one trait method.
pub type Answer<T> = Result<Reply<T>, Status>;

/// A response message, or its protobuf encoding.
///
/// Encoded `History` messages concatenate into a valid `History`, so a store can answer a poll or a history page by
/// splicing its blobs into an encoded response, without decoding one event.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply<T> {
    /// The message; it is encoded once, on its way out.
    Message(T),
    /// The protobuf encoding of a `T`, handed out as it is: nothing checks that it decodes.
    Encoded(Bytes),
}

impl<T> From<T> for Reply<T> {
    fn from(message: T) -> Self {
        Self::Message(message)
    }
}

impl<T: Message + Default> Reply<T> {
    /// The message itself; decodes an encoded one. INTERNAL when its bytes are not a `T`.
    pub fn into_message(self) -> Result<T, Status> {
        match self {
            Self::Message(message) => Ok(message),
            Self::Encoded(bytes) => T::decode(bytes)
                .map_err(|error| Status::internal(format!("the server encoded its own answer wrongly: {error}"))),
        }
    }

    /// The protobuf encoding.
    pub fn into_bytes(self) -> Bytes {
        match self {
            Self::Message(message) => message.encode_to_vec().into(),
            Self::Encoded(bytes) => bytes,
        }
    }
}

/// Decodes the request of `method`, in which failures lie as `shape` says: those with too many causes are cut.
///
/// INTERNAL, as grpc-go answers, when the bytes are not such a message; INVALID_ARGUMENT when they nest too deep to be read.
pub fn decode<T: Message + Default>(method: &str, shape: Option<&Shape>, request: Bytes) -> Result<T, Status> {
    let request = match shape {
        Some(shape) => ostro_nesting::bounded(shape, request),
        None => request,
    };
    T::decode(request).map_err(|error| status::malformed_request(method, &error))
}

/// Encodes the answer of a method.
pub fn encode<T: Message + Default>(answer: Answer<T>) -> EncodedAnswer {
    answer.map(Reply::into_bytes)
}
