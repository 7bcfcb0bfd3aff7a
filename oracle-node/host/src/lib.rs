//! Malachite's engine and one libp2p swarm, behind a small interface of blocks and messages.
