//! Where maps are in the protocol's messages.

// Tables of messages that the engine does not store are made, too.
#![allow(dead_code)]

use super::{Field, Maps, NONE, Ordered};

include!(concat!(env!("OUT_DIR"), "/maps.rs"));
