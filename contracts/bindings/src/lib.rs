//! Rust bindings over the committed contract ABIs.
