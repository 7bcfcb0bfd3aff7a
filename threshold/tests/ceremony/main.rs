//! Ceremonies from end to end: key generation, resharing, faults, encodings.

mod decoding;
mod faults;
mod harness;
mod keygen;
mod reshare;
mod rules;
