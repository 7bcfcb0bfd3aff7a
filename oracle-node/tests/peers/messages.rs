//! Bundles, partial signatures, announcements and direct messages that no honest operator sends.

use alloy_primitives::B256;
use protocol::{
    bundle::{Bundle, SignedBundle},
    ecdsa::Signer,
    envelope::PartialEnvelope,
    ids::{Epoch, HubIndex, LedgerTime, OperatorIndex},
    subject::Subject,
};

use hostile::{Hostile, Protocol};

use crate::daemons::Network;

fn bundle(operator: u16, number: u64, ledger: B256, secret: &[u8; 32]) -> SignedBundle {
    let bundle = Bundle {
        operator: OperatorIndex(operator),
        number,
        time: LedgerTime(1),
        facts: Vec::new(),
    };
    bundle.sign(ledger, &Signer::from_secret(secret).unwrap())
}

/// As operators frame what they gossip.
fn frame(attempt: u32, message: &[u8]) -> Vec<u8> {
    [&attempt.to_le_bytes(), message].concat()
}

fn offences(kind: &str) -> String {
    format!("assay_peer_offences_total{{offence=\"{kind}\"}} ")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn spoofed_partials_displace_no_others_and_cost_whoever_sends_them() {
    let network = Network::start().await;
    let ledger = network.genesis.ledger_id();
    let own = network.members[3].network.clone();
    // What the group will sign first, in the names of all others, before anybody can check it.
    let mut attempt = 0;
    network
        .until(&offences("bad_signature"), 1, async |hostile: &Hostile| {
            attempt += 1;
            for name in 0..3 {
                for epoch in 0..2 {
                    let (operator, message) = (OperatorIndex(name), B256::repeat_byte(9));
                    let subject = Subject::KeyPossession { hub: HubIndex(0), epoch: Epoch(epoch) };
                    let spoofed =
                        PartialEnvelope::seal(ledger, operator, subject, message, [9; 48], &own);
                    hostile.gossip("partials", frame(attempt, &spoofed.encode())).await;
                }
            }
        })
        .await;
    // Of nobody: every time.
    network
        .until(&offences("not_member"), 2, async |hostile: &Hostile| {
            attempt += 1;
            let subject = Subject::KeyPossession { hub: HubIndex(0), epoch: Epoch(0) };
            let stranger = PartialEnvelope::seal(
                ledger,
                OperatorIndex(9),
                subject,
                B256::repeat_byte(9),
                [9; 48],
                &own,
            );
            hostile.gossip("partials", frame(attempt, &stranger.encode())).await;
        })
        .await;
    // The honest three sign all the same.
    network.until("assay_group_signatures_total ", 1, async |_| {}).await;
    network.goes_on().await;
    network.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bundles_of_others_are_refused_and_replayed_ones_are_nobodys_fault() {
    let mut network = Network::start().await;
    let ledger = network.genesis.ledger_id();
    let secret = network.members[3].operator;
    network.until("assay_height ", 1, async |_| {}).await;
    // Its own first bundle, over and over.
    let own = bundle(3, 1, ledger, &secret).encode();
    for attempt in 0..300 {
        network.hostile.gossip("bundles", frame(attempt, &own)).await;
    }
    network.goes_on().await;
    for offence in ["malformed", "bad_signature", "not_member", "flood"] {
        assert_eq!(network.sum(&offences(offence)).await, 0, "{offence}");
    }
    // In another's name, for another ledger, of nobody, and none at all.
    let wrong = [
        bundle(0, 10_000, ledger, &secret),
        bundle(3, 2, B256::repeat_byte(8), &secret),
        bundle(9, 1, ledger, &secret),
    ];
    let mut attempt = 0;
    let victim = wrong[0].clone();
    network
        .until("assay_peer_refusals_total ", 1, async |hostile: &Hostile| {
            attempt += 1;
            // The next numbers of whom it names: those far ahead are only ignored.
            let mut spoofed = victim.bundle.clone();
            spoofed.number = 1 + u64::from(attempt) % 64;
            let signature = victim.signature;
            let spoofed = SignedBundle { bundle: spoofed, signature };
            hostile.gossip("bundles", frame(attempt, &spoofed.encode())).await;
            for message in &wrong[1..] {
                hostile.gossip("bundles", frame(attempt, &message.encode())).await;
            }
            for topic in ["bundles", "responses", "partials"] {
                hostile.gossip(topic, frame(attempt, b"no message")).await;
            }
        })
        .await;
    network.hostile.closed(3).await;
    for offence in ["malformed", "bad_signature", "not_member"] {
        assert!(network.sum(&offences(offence)).await > 0, "{offence}");
    }
    network.goes_on().await;
    network.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn direct_message_that_is_none_costs_its_sender() {
    let network = Network::start().await;
    network
        .until("assay_peer_refusals_total ", 1, async |hostile: &Hostile| {
            hostile.request(Protocol::Direct, b"no message").await;
        })
        .await;
    assert!(network.sum(&offences("malformed")).await >= 3 * 4);
    network.goes_on().await;
    network.stop().await;
}
