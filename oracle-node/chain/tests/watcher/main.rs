//! The watcher in front of a real chain.

mod drops;
mod endpoints;
mod finality;
mod lies;
mod lookout;
mod reorgs;
mod support;
