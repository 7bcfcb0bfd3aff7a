//! One operator's decisions, sans-IO: inputs in, effects out.
