//! What the fuzz targets share: decisions out of bytes, messages by their descriptors, a server to call.

pub mod json;
pub mod message;
pub mod server;
pub mod source;
pub mod words;
pub mod world;
