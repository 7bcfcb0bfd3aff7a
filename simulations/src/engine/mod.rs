//! One member's consensus: Malachite's sans-IO core, driven in virtual time.
//!
//! [`Engine`] does what the node's host does around the same core: it paces heights, keeps bodies
//! and the write-ahead log, sends its own messages again until their height is decided, and takes
//! over decided blocks from others. Inputs go in with the time, [`Action`]s come out in the order
//! in which they must be carried out, so that a crash can cut them off anywhere.
//!
//! No effect's handler can fail: the core logs a handler's error and goes on as if it had
//! succeeded.

mod action;
mod bodies;
mod core;
mod driver;
mod keys;
mod message;
mod resend;
mod sync;
mod wal;

pub use self::{
    action::{Action, Application, Setup, Timeouts, Timer},
    bodies::{Bodies, Body, Verdict},
    core::Entry,
    driver::Engine,
    keys::{Keys, Standins},
    message::{DecidedBlock, Message},
    wal::Wal,
};
