//! Every hash and signed byte string of the protocol, and their domain tags.
//!
//! A hash is `keccak256(abi.encode(TAG, …))` over fixed-width types only, `TAG =
//! keccak256("assay/v1/NAME")`. The same bytes are written in Solidity; both sides are pinned by
//! `tests/fixtures/protocol-bytes.json`.

mod messages;
mod packed;
mod preimage;
mod tags;
mod tree;

pub use messages::*;
pub use packed::{PACKED_OUTCOME_BYTES, PackedError, PackedOutcome, decode_packed, encode_packed};
pub use preimage::Preimage;
pub use tags::Tag;
pub use tree::{MAX_TREE_DEPTH, MerkleTree, merkle_root, verify_merkle_path};
