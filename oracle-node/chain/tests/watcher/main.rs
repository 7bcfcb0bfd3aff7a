//! The watcher in front of a real chain.

mod endpoints;
mod finality;
mod support;
