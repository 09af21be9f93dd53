//! Where in the engine's own messages failures lie.
//!
//! What comes in is cut to a depth that can be stored and read back (`ostro_nesting`). Files of older servers may hold more than decoders
//! take: what is read is cut as well.

use ostro_nesting::Shape;
use ostro_nesting::shapes::{HISTORY_V1_HISTORY, HISTORY_V1_HISTORYEVENT};
use prost::{DecodeError, Message};
use temporalio_protos::temporal::api::history::v1::{History, HistoryEvent};

/// A stored message in which failures may be.
pub trait Nested: Message + Default {
    const SHAPE: &'static Shape;

    /// Reads it, however deep its failures nest.
    ///
    /// # Errors
    /// For bytes that are not such a message.
    fn decode_nested(encoded: &[u8]) -> Result<Self, DecodeError> {
        ostro_nesting::decode(Self::SHAPE, encoded)
    }
}

/// Where in own messages failures lie: `Message { number of a field: what is in it }`.
macro_rules! nested {
    ($($message:ty { $($number:literal: $of:expr),* })*) => {
        $(impl $crate::base::nesting::Nested for $message {
            const SHAPE: &'static ostro_nesting::Shape =
                &ostro_nesting::Shape { fields: &[$(($number, ostro_nesting::Next::Message($of))),*] };
        })*
    };
}
pub(crate) use nested;

impl Nested for History {
    const SHAPE: &'static Shape = &HISTORY_V1_HISTORY;
}

impl Nested for HistoryEvent {
    const SHAPE: &'static Shape = &HISTORY_V1_HISTORYEVENT;
}

#[cfg(test)]
mod tests {
    use ostro_nesting::shapes::FAILURE_V1_FAILURE;
    use ostro_nesting::{CAUSES_MAX, Next};
    use temporalio_protos::temporal::api::failure::v1::Failure;

    use super::*;
    use crate::stored::execution::{AcceptedUpdate, Activity, CallbackState, Core, NexusOperation, Start};
    use crate::stored::schedule::Record;

    fn field(number: u32, body: &[u8]) -> Vec<u8> {
        let mut encoded = Vec::new();
        prost::encoding::bytes::encode(number, &body.to_vec(), &mut encoded);
        encoded
    }

    /// A failure with so many causes, encoded; nothing here decodes it.
    fn chain(causes: usize) -> Vec<u8> {
        let last = Failure { message: "last".into(), ..Default::default() }.encode_to_vec();
        (0..causes).fold(last, |cause, _| field(4, &cause))
    }

    /// A message for each place in which a failure may be, with such a chain in it.
    fn with_chains(shape: &Shape, chain: &[u8]) -> Vec<Vec<u8>> {
        if std::ptr::eq(shape, &raw const FAILURE_V1_FAILURE) {
            return vec![chain.to_vec()];
        }
        let inner = shape.fields.iter().filter_map(|(number, next)| match next {
            Next::Message(inner) => Some((*number, *inner)),
            Next::Itself | Next::Any => None,
        });
        inner
            .flat_map(|(number, inner)| with_chains(inner, chain).into_iter().map(move |of| field(number, &of)))
            .collect()
    }

    fn opens<M: Nested>() {
        // An older server may have stored what it had just taken with 98 or 99.
        for causes in [CAUSES_MAX, 97, 98, 99, 10_000] {
            let places = with_chains(M::SHAPE, &chain(causes));
            assert!(!places.is_empty());
            for encoded in places {
                let read = M::decode_nested(&encoded).unwrap_or_else(|error| panic!("{causes} causes: {error}"));
                let again = read.encode_to_vec();
                assert_eq!(ostro_nesting::cut(M::SHAPE, &again), None);
                assert!(M::decode(again.as_slice()).is_ok(), "{causes} causes");
            }
        }
    }

    #[test]
    fn rows_open_however_deep_their_failures_nest() {
        opens::<Core>();
        opens::<Start>();
        opens::<Activity>();
        opens::<AcceptedUpdate>();
        opens::<CallbackState>();
        opens::<NexusOperation>();
        opens::<Record>();
        opens::<History>();
        opens::<HistoryEvent>();
    }
}
