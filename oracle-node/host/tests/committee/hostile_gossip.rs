//! What is wrong whoever says it: malformed, too long, of another ledger.

use assay_host::{Acceptance, GOSSIP_BYTES_MAX, Offence, Protocol as Asked, RequestError};

use crate::application::PATIENCE;
use crate::stage::Stage;
use hostile::{Hostile, Protocol, Voice, framed};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn malformed_consensus_messages_refuse_their_sender_for_a_while() {
    let mut stage = Stage::new().await;
    let mut nonce = 0_u32;
    stage
        .until(
            |judged| judged.refusals > 0,
            async |hostile: &Hostile, _| {
                for topic in ["consensus", "bodies"] {
                    nonce += 1;
                    hostile.gossip(topic, [&nonce.to_be_bytes()[..], &[9, 9]].concat()).await;
                }
            },
        )
        .await;
    stage.refused_for(Offence::Malformed).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_application_rejects_counts_against_its_sender() {
    let mut stage = Stage::new().await;
    for node in &mut stage.nodes {
        // Whatever comes is malformed.
        let mut gossip = std::mem::replace(&mut node.gossip, tokio::sync::mpsc::channel(1).1);
        tokio::spawn(async move {
            while let Some(message) = gossip.recv().await {
                let _ = message.reply.send(Acceptance::Reject(Offence::Malformed));
            }
        });
    }
    let mut number = 0_u32;
    stage
        .until(
            |judged| judged.refusals > 0,
            async |hostile: &Hostile, _| {
                for topic in ["bundles", "responses", "partials"] {
                    number += 1;
                    hostile.gossip(topic, number.to_be_bytes().to_vec()).await;
                }
            },
        )
        .await;
    stage.refused_for(Offence::Malformed).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn message_longer_than_its_topic_allows_is_not_taken() {
    let mut stage = Stage::new().await;
    let mut number = 0_u8;
    stage
        .until(
            |judged| judged.refusals > 0,
            async |hostile: &Hostile, _| {
                number = number.wrapping_add(1);
                hostile.gossip("partials", vec![number; GOSSIP_BYTES_MAX + 1]).await;
            },
        )
        .await;
    stage.refused_for(Offence::Oversized).await;
    for node in &mut stage.nodes {
        assert!(node.gossip.try_recv().is_err(), "the application has seen it");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn frame_that_no_message_needs_breaks_the_stream_and_costs_when_it_is_opened_again() {
    let mut stage = Stage::with(Voice::Deaf, |_| {}).await;
    // The length of a frame of 2^40 bytes; a frame that is no message.
    let frames = [vec![0x80, 0x80, 0x80, 0x80, 0x80, 0x20, 1], vec![4, 0xff, 0xff, 0xff, 0xff]];
    stage
        .until(
            |judged| judged.refusals > 0,
            async |hostile: &Hostile, _| {
                for frame in &frames {
                    hostile.frame(frame.clone()).await;
                }
            },
        )
        .await;
    stage.refused_for(Offence::BrokenStream).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn request_or_answer_longer_than_its_protocol_allows_is_not_read() {
    let mut stage = Stage::new().await;
    stage.hostile.answer(u32::MAX.to_be_bytes().to_vec()).await;
    let key = stage.committee.key(crate::stage::HOSTILE);
    let answer = stage.nodes[0].host.request(key, Asked::Fetch, vec![1]).await;
    assert_eq!(answer, Err(RequestError::NoAnswer));
    assert_eq!(stage.judged()[0].count(Offence::Oversized), 1);
    stage
        .until(
            |judged| judged.refusals > 0,
            async |hostile: &Hostile, _| {
                for protocol in
                    [Protocol::Sync, Protocol::Status, Protocol::Direct, Protocol::Fetch]
                {
                    hostile.ask(protocol, u32::MAX.to_be_bytes().to_vec()).await;
                }
            },
        )
        .await;
    stage.refused_for(Offence::Oversized).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answer_that_is_not_what_was_asked_for_costs_its_sender() {
    let mut stage = Stage::new().await;
    stage.hostile.answer(framed(&[1, b'o', b't', b'h', b'e', b'r'])).await;
    let key = stage.committee.key(crate::stage::HOSTILE);
    for node in &stage.nodes {
        while node.host.metrics().peers_judged.refusals == 0 {
            match node.host.request(key, Asked::Fetch, vec![1]).await {
                Ok(answer) => {
                    assert_eq!(answer, b"other");
                    node.host.blame(key, Offence::WrongAnswer).await;
                }
                // It is refused by now.
                Err(error) => assert!(
                    matches!(error, RequestError::NotConnected | RequestError::NoAnswer),
                    "{error}"
                ),
            }
        }
    }
    stage.refused_for(Offence::WrongAnswer).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn malformed_requests_refuse_their_sender() {
    let mut stage = Stage::new().await;
    stage
        .until(
            |judged| judged.refusals > 0,
            async |hostile: &Hostile, _| {
                // A range of heights that ends before it begins, and half a status.
                let backwards = [9_u64.to_le_bytes(), 1_u64.to_le_bytes()].concat();
                hostile.request(Protocol::Sync, &backwards).await;
                hostile.request(Protocol::Status, &[1, 2, 3]).await;
            },
        )
        .await;
    stage.refused_for(Offence::Malformed).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn topic_of_another_ledger_is_refused_before_it_is_kept() {
    let mut stage = Stage::with(Voice::Deaf, |_| {}).await;
    let messages: Vec<Vec<u8>> = (0..8).map(|number| vec![number; 1000]).collect();
    stage.hostile.gossip_elsewhere(&[8; 32], "bundles", &messages).await;
    stage.refused_for(Offence::UnknownTopic).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_that_are_cut_short_or_never_end_leave_room_for_others() {
    let mut stage = Stage::with(Voice::Gossip, |config| {
        config.limits.request_timeout = std::time::Duration::from_secs(2);
    })
    .await;
    for _ in 0..100 {
        stage.hostile.ask(Protocol::Fetch, framed(&[1; 100])[..50].to_vec()).await;
    }
    stage.goes_on().await;
    let key = stage.committee.key(1);
    let asked = stage.nodes[0].host.request(key, Asked::Fetch, vec![1, 2]);
    assert_eq!(tokio::time::timeout(PATIENCE, asked).await.unwrap(), Ok(vec![2, 1]));
}
