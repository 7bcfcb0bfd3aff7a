//! # One operator's decisions
//!
//! [`Operator`] is sans-IO: decided blocks, messages, responses, chain requests, verdicts and the
//! time go in, [`Effect`]s come out. The node and the simulator run the same code; they carry out
//! effects and decide nothing.
//!
//! Decisions are level-triggered: what to state next follows from the ledger's state and what is
//! in the journal, not from the event that came in. So a restart at any instruction resumes where
//! it was: whatever is signed is in the journal before it is sent ([`Effect::Persist`] comes
//! before the effects that depend on it), salts are derived, and the same judgement is revealed
//! again, never another.

mod awaited;
mod bundler;
mod ceremony;
mod effect;
mod frame;
mod judging;
mod operator;
mod pool;
mod requests;
mod responses;
mod signing;
mod statement;

pub use effect::{
    Acceptance, Effect, Fault, JournalKey, Judged, ResponseRefused, Topic, VerifyTask, Warning,
};
pub use operator::{Config, Operator, Restored, StartError};
pub use requests::Request;
pub use statement::{Place, Statement, statements};
