//! Seeded worlds that run the protocol without a network.
