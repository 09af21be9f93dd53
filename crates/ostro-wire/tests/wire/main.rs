//! The network shell and the in-process call, from outside.

mod calls;
mod fixture;
mod guard;
mod limits;
mod network;
mod reflection;
mod tls;
