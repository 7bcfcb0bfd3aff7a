//! The provider's agent: answers challenges.
//!
//! ```text
//!  nodes ── stream, poll ─▶ watch ─▶ Book (agreement) ─▶ answer ─▶ prover ─▶ check ─▶ sign
//!                                                                               │
//!  nodes ◀──────────────── deliver, until accepted or too late ◀── Journal ◀────┘
//! ```
//!
//! What it takes care of, so that its stake is safe with at most f lying nodes:
//! - It answers a challenge only when [`AgentConfig::min_agreeing`] nodes (f + 1) say the same of
//!   it, so that nobody makes it sign for a wrong seed ([`Book`]).
//! - It signs at most one response a job, ever: the signed response is durable in its [`Journal`]
//!   before it leaves, and after a restart it is that one that is sent again.
//! - It verifies its own proof before it signs ([`Check`]).
//! - A prover that hangs is killed at the deadline with everything it started, and what it prints
//!   is bounded.
//!
//! [`Challenge`], [`Book`], [`SseParser`] and [`answer_parts`] do no IO.

mod agent;
mod agreement;
mod answer;
mod challenge;
mod client;
mod clock;
mod config;
mod journal;
mod prover;
mod sse;
mod watch;

pub use agent::{AgentError, AgentEvent, run, run_observed};
pub use agreement::{Agreed, Book, MAX_OPEN_JOBS_PER_NODE, Observation};
pub use answer::{AnswerError, Answerer, answer_parts};
pub use challenge::{Challenge, ChallengeError, MAX_STATEMENT_BYTES};
pub use client::{ClientError, NodeClient, Submission};
pub use config::{AgentConfig, Check, ConfigError, MAX_NODES, Prover};
pub use journal::{Journal, JournalError, SignedAnswer, Written};
pub use prover::{MAX_PROVER_OUTPUT_BYTES, ProverError, prove, prover_input};
pub use sse::{MAX_EVENT_BYTES, SseError, SseEvent, SseParser};
