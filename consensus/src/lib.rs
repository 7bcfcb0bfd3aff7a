//! Malachite context, signing and wire types of Assay's ledger; no engine, no sockets.
//!
//! # What is decided
//! Malachite (Tendermint) decides one [`BlockId`] a [`Height`]; the body travels beside it as a
//! [`ProposalPart`]. Every validator has one vote; a quorum is `n - floor((n - 1) / 3)`. The proposer of
//! height `h` and round `r` is the validator at index `(h + r) mod n` of the set's fixed order.
//!
//! # What is signed
//! Every signature is secp256k1 over a 32-byte digest, `keccak256(abi.encode(TAG, ledgerId, …))`, so that a
//! contract checks it with `ecrecover` and none is valid for another ledger or purpose:
//!
//! | digest | words after `keccak256("assay/v1/…")` |
//! |---|---|
//! | `BLOCK` (the block id, unsigned) | `ledgerId`, `uint64 height`, `keccak256(body)` |
//! | `VOTE` | `ledgerId`, `uint8 step` (0 prevote, 1 precommit), `uint64 height`, `uint32 round`, `blockId` (0 for nil) |
//! | `PROPOSAL` | `ledgerId`, `uint64 height`, `uint32 round`, `uint32 validRound` (2^32 - 1 for none), `blockId` |
//! | `BODY` | `ledgerId`, `uint64 height`, `uint32 round`, `uint32 validRound`, `blockId` |
//! | `VALIDATOR_PROOF` | `ledgerId`, `keccak256(preimage)` |
//!
//! A signature is 64 bytes, `r ‖ s`, low-s only: for one digest and key there is one encoding of it.
//! `ecrecover` also wants `v`, which [`keys::ethereum_signature`] adds. An [`Address`] is the Ethereum
//! address of the consensus key. Two `VOTE` digests that differ only in `blockId`, or two `PROPOSAL`
//! digests with equal height and round, signed by one address, prove equivocation.
//!
//! # Wire
//! [`wire`] holds the one codec (borsh) for gossip, write-ahead log and sync. Decoding is strict (no
//! trailing bytes, no undefined rounds, no high-s signatures) and bounded, and never panics.

mod block;
mod certificate;
mod context;
mod digest;
pub mod keys;
mod messages;
mod provider;
mod validators;
pub mod wire;

pub use block::{BlockId, Height, block_id};
pub use certificate::{
    CertificateError, CertifiedHeader, decode_certificate, encode_certificate, verify_certificate,
};
pub use context::LedgerContext;
pub use digest::{body_digest, proposal_digest, vote_digest};
pub use keys::{ConsensusKey, PublicKey, Secp256k1, Signature};
pub use messages::{Proposal, ProposalPart, Vote};
pub use provider::LedgerSigner;
pub use validators::{
    Address, LedgerValidator, LedgerValidators, VALIDATORS_MAX, ValidatorSetError,
};
