//! Exports of a ledger with real proofs: verified as written, and with anything changed.

mod changed;
mod support;
mod verified;
