//! Proof kinds, one folder each, and their registry.
