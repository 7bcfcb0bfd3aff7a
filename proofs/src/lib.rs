//! What a provider shows and what makes it true: proof kinds, one folder each,
//! and the registry that finds a kind by its selector.
//!
//! Verification is a pure function: [`Verifier::verify`] takes a [`Context`], a
//! statement and a response, and returns a [`Verdict`]. It reads no clock, no
//! entropy, no file and no socket, uses no floating point number and iterates over
//! no unordered map, so every honest operator reaches the same bytes. Whatever a
//! kind needs beside these (a verifying key) comes in as data, by [`KeySource`].
//!
//! Who is to blame decides the verdict. What the *provider* sent wrongly is
//! [`Verdict::Invalid`]; what the *consumer* asked wrongly (a statement that does
//! not decode, a key nobody registered) is [`Verdict::Inconclusive`], which never
//! slashes. Both carry a [`Code`]; the codes are declared in one table, `code.rs`.
//!
//! A second encoding of the same thing is refused everywhere: a field element at or
//! above its modulus, a byte left over, a statement that would encode differently.
//!
//! File forms of other tools (snarkjs JSON, gnark binary) are read and written by
//! [`formats`]; they never reach the chain.

mod code;
mod context;
pub mod formats;
pub mod groth16_bn254;
mod kind;
mod registry;
mod verdict;
mod verifier;

pub use code::Code;
pub use context::Context;
pub use kind::Kind;
pub use registry::{DuplicateKind, Registry};
pub use verdict::{Verdict, reported_hash};
pub use verifier::{Item, KeySource, Verifier};
