//! `groth16-bn254` from outside: verdicts, batches, and the file forms of other tools.

mod batch;
mod gnark;
mod snarkjs;
mod support;
mod verdicts;
