//! The signed bytes, against an independent ABI encoder and Ethereum's key recovery.

use alloy_primitives::{B256, U256, keccak256};
use alloy_sol_types::SolValue;
use arc_malachitebft_core_types::{NilOrVal, Round, VoteType};
use assay_consensus::keys::{KeyError, ethereum_signature};
use assay_consensus::{
    BlockId, ConsensusKey, Signature, block_id, body_digest, proposal_digest, vote_digest,
};
use k256::ecdsa::{RecoveryId, Signature as Ecdsa, VerifyingKey};

const LEDGER: [u8; 32] = [0x11; 32];
const BLOCK: BlockId = BlockId([0x22; 32]);

fn tag(name: &str) -> B256 {
    keccak256(format!("assay/v1/{name}"))
}

#[test]
fn block_id_is_the_abi_encoding_hashed() {
    let body = b"a body".as_slice();
    let expected =
        keccak256((tag("BLOCK"), B256::from(LEDGER), U256::from(7), keccak256(body)).abi_encode());
    assert_eq!(block_id(&LEDGER, 7, body).0, expected.0);
}

#[test]
fn vote_digest_is_the_abi_encoding_hashed() {
    for (step, number) in [(VoteType::Prevote, 0), (VoteType::Precommit, 1)] {
        for (block, word) in [(NilOrVal::Val(BLOCK), BLOCK.0), (NilOrVal::Nil, [0; 32])] {
            let words = (
                tag("VOTE"),
                B256::from(LEDGER),
                U256::from(number),
                U256::from(9),
                U256::from(3),
                B256::from(word),
            );
            let digest = vote_digest(&LEDGER, step, 9, Round::new(3), block);
            assert_eq!(digest, keccak256(words.abi_encode()).0);
        }
    }
}

#[test]
fn proposal_and_body_digests_are_the_abi_encoding_hashed() {
    for (valid_round, number) in [(Round::Nil, u64::from(u32::MAX)), (Round::new(2), 2)] {
        let words = |name| {
            let words = (
                tag(name),
                B256::from(LEDGER),
                U256::from(9),
                U256::from(3),
                U256::from(number),
                B256::from(BLOCK.0),
            );
            keccak256(words.abi_encode()).0
        };
        let proposal = proposal_digest(&LEDGER, 9, Round::new(3), valid_round, BLOCK);
        assert_eq!(proposal, words("PROPOSAL"));
        let body = body_digest(&LEDGER, 9, Round::new(3), valid_round, BLOCK);
        assert_eq!(body, words("BODY"));
    }
}

#[test]
fn digests_of_another_ledger_differ() {
    let digest = |ledger| vote_digest(&ledger, VoteType::Prevote, 1, Round::ZERO, NilOrVal::Nil);
    assert_ne!(digest([1; 32]), digest([2; 32]));
}

#[test]
fn ethereum_signature_recovers_the_address() {
    for seed in 1..20 {
        let key = ConsensusKey::from_bytes(&[seed; 32]).unwrap();
        let digest = vote_digest(&LEDGER, VoteType::Prevote, 1, Round::ZERO, NilOrVal::Nil);
        let signature = key.sign(&digest).unwrap();
        let bytes = ethereum_signature(&key.public_key(), &digest, &signature).unwrap();
        let recovery = RecoveryId::from_byte(bytes[64] - 27).unwrap();
        let ecdsa = Ecdsa::from_slice(&bytes[..64]).unwrap();
        let recovered = VerifyingKey::recover_from_prehash(&digest, &ecdsa, recovery).unwrap();
        let point = recovered.to_encoded_point(false);
        let address = keccak256(&point.as_bytes()[1..])[12..].to_vec();
        assert_eq!(address, key.public_key().address().0);
    }
}

#[test]
fn address_is_ethereums() {
    // Private key 1; its address is known from everywhere.
    let mut one = [0; 32];
    one[31] = 1;
    let key = ConsensusKey::from_bytes(&one).unwrap();
    assert_eq!(
        key.public_key().address().to_string(),
        "0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf"
    );
}

#[test]
fn high_s_signature_is_refused() {
    let key = ConsensusKey::from_bytes(&[5; 32]).unwrap();
    let digest = [9; 32];
    let signature = key.sign(&digest).unwrap();
    assert!(key.public_key().verify(&digest, &signature));
    assert!(!key.public_key().verify(&[8; 32], &signature));
    let ecdsa = Ecdsa::from_slice(&signature.to_bytes()).unwrap();
    let (r, s) = ecdsa.split_scalars();
    let high = Ecdsa::from_scalars(r.to_bytes(), (-*s).to_bytes()).unwrap();
    assert_eq!(Signature::from_bytes(&high.to_bytes()), Err(KeyError::Signature));
    assert_eq!(Signature::from_bytes(&[0; 64]), Err(KeyError::Signature));
    assert_eq!(Signature::from_bytes(&signature.to_bytes()[..63]), Err(KeyError::Signature));
}
