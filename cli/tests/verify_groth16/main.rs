//! `assay verify groth16`, the built binary, over valid files and everything that can be
//! wrong with them: exit 0 valid, 1 refused with a code, 2 unusable.

mod command;
mod refused;
mod support;
mod unusable;
mod valid;
