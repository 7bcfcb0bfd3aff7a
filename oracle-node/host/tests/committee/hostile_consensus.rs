//! Votes, proposals and bodies that are another's, of another ledger, or too many.

use arc_malachitebft_core_consensus::SignedConsensusMsg;
use arc_malachitebft_core_types::{NilOrVal, Round, SignedMessage, Validator as _, VoteType};
use assay_host::Offence;
use consensus::wire::Wire;
use consensus::{BlockId, ConsensusKey, Height, Proposal, ProposalPart, Vote, block_id};

use crate::application::{LEDGER, consensus_seed};
use crate::stage::{Stage, consensus_message, signed_vote};
use hostile::Hostile;

fn vote(height: u64, key: &ConsensusKey) -> Vote {
    Vote {
        step: VoteType::Prevote,
        height: Height(height),
        round: Round::new(0),
        block: NilOrVal::Val(BlockId([3; 32])),
        validator: key.public_key().address(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn vote_in_anothers_name_is_not_passed_on() {
    let mut stage = Stage::new().await;
    let (key, victim) = (stage.key(), ConsensusKey::from_bytes(&consensus_seed(0)).unwrap());
    let spoofed = |nonce, tip| signed_vote(nonce, vote(tip + 4, &victim), &LEDGER, &key);
    stage.refused_for_saying("consensus", Offence::BadSignature, spoofed).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn vote_for_another_ledger_is_not_passed_on() {
    let mut stage = Stage::new().await;
    let key = stage.key();
    let foreign = |nonce, tip| signed_vote(nonce, vote(tip + 4, &key), &[8; 32], &key);
    stage.refused_for_saying("consensus", Offence::BadSignature, foreign).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn vote_of_nobody_in_the_committee_is_not_passed_on() {
    let mut stage = Stage::new().await;
    let stranger = ConsensusKey::from_bytes(&[77; 32]).unwrap();
    let strange = |nonce, tip| signed_vote(nonce, vote(tip + 4, &stranger), &LEDGER, &stranger);
    stage.refused_for_saying("consensus", Offence::NotMember, strange).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn proposal_out_of_turn_is_not_passed_on() {
    let mut stage = Stage::new().await;
    let (key, set) = (stage.key(), stage.committee.set());
    let proposer = key.public_key().address();
    let out_of_turn = |nonce, tip| {
        let height = Height(tip + 2);
        let others = |round: &Round| *set.proposer(height, *round).address() != proposer;
        let round = (0..4).map(Round::new).find(others).unwrap();
        let (block, valid_round) = (BlockId([4; 32]), Round::Nil);
        let proposal = Proposal { height, round, block, valid_round, proposer };
        let signature = key.sign(&proposal.digest(&LEDGER)).unwrap();
        let message = SignedConsensusMsg::Proposal(SignedMessage::new(proposal, signature));
        consensus_message(nonce, &message)
    };
    stage.refused_for_saying("consensus", Offence::NotMember, out_of_turn).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replayed_votes_are_heard_once_and_cost_nobody_anything() {
    let mut stage = Stage::new().await;
    let key = stage.key();
    let mut nonce = 0;
    // Its own votes of a height to come, and of one that is decided, each under many nonces.
    stage
        .until(
            |judged| {
                judged.repeated > 500 && judged.past_heights > 100 && judged.gossip_limited[0] > 0
            },
            async |hostile: &Hostile, tip| {
                for _ in 0..200 {
                    nonce += 2;
                    let ahead = signed_vote(nonce, vote(tip + 6, &key), &LEDGER, &key);
                    hostile.gossip("consensus", ahead).await;
                    let past = signed_vote(nonce + 1, vote(1, &key), &LEDGER, &key);
                    hostile.gossip("consensus", past).await;
                }
            },
        )
        .await;
    stage.goes_on().await;
    stage.nobody_is_blamed();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn future_heights_are_ignored_and_nobody_is_to_blame() {
    let mut stage = Stage::new().await;
    let key = stage.key();
    let rounds: Vec<u32> = (0..4).map(|height| own_round(&stage, height)).collect();
    let mut nonce = 0;
    stage
        .until(
            |judged| judged.future_heights > 100,
            async |hostile: &Hostile, tip| {
                for ahead in [100, 1 << 40] {
                    nonce += 1;
                    let far = signed_vote(nonce, vote(tip + ahead, &key), &LEDGER, &key);
                    hostile.gossip("consensus", far).await;
                    let wake = [&nonce.to_be_bytes()[..], &[2], &(tip + ahead).to_be_bytes()];
                    hostile.gossip("consensus", wake.concat()).await;
                    let round = rounds[((tip + ahead) % 4) as usize];
                    let body = body(nonce, tip + ahead, round, &key, b"far", b"far");
                    hostile.gossip("bodies", body).await;
                }
            },
        )
        .await;
    stage.goes_on().await;
    stage.nobody_is_blamed();
}

/// A body as it is gossiped, signed over the id of `signed`.
fn body(
    nonce: u32,
    height: u64,
    round: u32,
    key: &ConsensusKey,
    sent: &[u8],
    signed: &[u8],
) -> Vec<u8> {
    let (height, round, valid_round) = (Height(height), Round::new(round), Round::Nil);
    let id = block_id(&LEDGER, height.0, signed);
    let digest = consensus::body_digest(&LEDGER, height.0, round, valid_round, id);
    let part = ProposalPart {
        height,
        round,
        valid_round,
        proposer: key.public_key().address(),
        body: sent.to_vec().into(),
        signature: key.sign(&digest).unwrap(),
    };
    let mut bytes = nonce.to_be_bytes().to_vec();
    bytes.push(3);
    bytes.extend(part.to_wire());
    bytes
}

/// A round in which the hostile member proposes.
fn own_round(stage: &Stage, height: u64) -> u32 {
    let (own, set) = (stage.key().public_key().address(), stage.committee.set());
    (0..4).find(|round| *set.proposer(Height(height), Round::new(*round)).address() == own).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn proposer_of_two_bodies_for_one_round_is_refused() {
    let mut stage = Stage::new().await;
    let key = stage.key();
    let rounds: Vec<u32> = (0..4).map(|height| own_round(&stage, height)).collect();
    let another = |nonce: u32, tip: u64| {
        let height = tip + 2;
        let bytes = [&height.to_be_bytes()[..], &[(nonce % 2) as u8]].concat();
        body(nonce, height, rounds[(height % 4) as usize], &key, &bytes, &bytes)
    };
    stage.refused_for_saying("bodies", Offence::TwoBodies, another).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn body_that_is_not_the_signed_one_is_refused() {
    let mut stage = Stage::new().await;
    let key = stage.key();
    let rounds: Vec<u32> = (0..4).map(|height| own_round(&stage, height)).collect();
    let other = |nonce: u32, tip: u64| {
        let height = tip + 2;
        let round = rounds[(height % 4) as usize];
        body(nonce, height, round, &key, &nonce.to_be_bytes(), b"signed")
    };
    stage.refused_for_saying("bodies", Offence::BadSignature, other).await;
}
