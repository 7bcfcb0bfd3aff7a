//! Malachite context, signing and wire types; no engine.
