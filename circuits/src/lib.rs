//! Circuits and provers.
