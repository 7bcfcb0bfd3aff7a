//! What the operators' processors do meanwhile.
