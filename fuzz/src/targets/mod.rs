//! The targets, a file each.

mod api;
mod audit;
mod block;
mod bundle;
mod ceremony;
mod certificate;
mod chain;
mod config;
mod consensus;
mod genesis;
mod gnark;
mod groth16;
mod host;
mod journal;
mod keystore;
mod operator;
mod partial;
mod points;
mod provider;
mod response;
mod snarkjs;

use crate::{memory, seed::Seed};

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

/// One decoder, or several of one kind.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name.
    pub name: &'static str,
    /// What it covers, for the table.
    pub covers: &'static str,
    /// The longest input worth trying.
    pub input_bytes_max: usize,
    /// The most memory that an input may make it hold.
    pub memory_bytes_max: usize,
    body: fn(&[u8]),
    seeds: fn() -> Vec<Seed>,
}

impl Target {
    /// Runs one input; panics when the target finds a bug.
    pub fn run(&self, input: &[u8]) {
        let bytes = memory::peak(|| (self.body)(input));
        assert!(
            bytes <= self.memory_bytes_max,
            "{} held {bytes} bytes for an input of {}, the most is {}",
            self.name,
            input.len(),
            self.memory_bytes_max
        );
    }

    /// Sets up what the target needs, so that no input pays for it.
    pub fn warm_up(&self) {
        self.seeds().iter().for_each(|seed| (self.body)(&seed.bytes));
    }

    /// Valid inputs, always the same.
    pub fn seeds(&self) -> Vec<Seed> {
        (self.seeds)()
    }
}

/// The target of a name.
pub fn find(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}

macro_rules! targets {
    ($($module:ident: $covers:literal, $input:expr, $memory:expr;)*) => {
        /// All targets.
        pub const TARGETS: &[Target] = &[$(Target {
            name: stringify!($module),
            covers: $covers,
            input_bytes_max: $input,
            memory_bytes_max: $memory,
            body: $module::run,
            seeds: $module::seeds,
        }),*];
    };
}

targets! {
    snarkjs: "snarkjs JSON: keys, proofs, public inputs, what `fullProve` gives", 8 * KIB, 2 * MIB;
    gnark: "gnark binary, raw and compressed: keys, proofs, public witnesses", 4 * KIB, 2 * MIB;
    groth16: "canonical statements and keys; whole responses through verifier and batch", 4 * KIB, 4 * MIB;
    points: "signatures, keys and partials in both forms; shares and sharings", 9 * KIB, 2 * MIB;
    ceremony: "dealings, acknowledgements, logs, outputs, sealed messages", 4 * KIB, 4 * MIB;
    bundle: "signed bundles: decoding, bounds, digests, signatures", 8 * KIB, 2 * MIB;
    block: "blocks, and facts of any kind signed by members, applied to ledgers in four states", 8 * KIB, 8 * MIB;
    partial: "envelopes of partial signatures, and their combination", KIB, 2 * MIB;
    response: "signed responses, packed outcomes", 8 * KIB, 2 * MIB;
    genesis: "genesis JSON, and the ledger that stands on it", 8 * KIB, 2 * MIB;
    consensus: "votes, proposals, bodies, certificates, keys", 4 * KIB, 2 * MIB;
    operator: "gossip, direct messages and responses to a running operator", 8 * KIB, 16 * MIB;
    host: "consensus gossip, sync, frames, bodies on disk, write-ahead log", 8 * KIB, 4 * MIB;
    api: "HTTP requests of any method, path and body to a node's router", 8 * KIB, 8 * MIB;
    chain: "headers and logs of a chain's endpoint: JSON, pages, events", 16 * KIB, 4 * MIB;
    provider: "the agent's inputs: event streams, challenges, provers' output, its journal", 8 * KIB, 2 * MIB;
    certificate: "certificates from a node for the submitter", 8 * KIB, 2 * MIB;
    audit: "audit files, and blocks with a real commit certificate in one", 64 * KIB, 16 * MIB;
    config: "node, provider and submitter configs, deployments", 8 * KIB, 2 * MIB;
    keystore: "EIP-2335 and web3 v3 key files, opened where that is cheap", 4 * KIB, 2 * MIB;
    journal: "an operator's journal and a node's records, read at start", 8 * KIB, 8 * MIB;
}
