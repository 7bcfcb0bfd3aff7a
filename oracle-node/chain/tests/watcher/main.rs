//! The watcher in front of a real chain.

mod drops;
mod endpoints;
mod finality;
mod lies;
mod reorgs;
mod support;
