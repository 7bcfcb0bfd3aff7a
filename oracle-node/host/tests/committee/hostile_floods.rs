//! Too much of everything, and nothing read.

use std::time::Duration;

use assay_host::{BODY_BYTES_MAX, GOSSIP_TOPICS, Offence, Protocol as Asked, Topic};
use tokio::time::{Instant, timeout};

use crate::application::PATIENCE;
use crate::stage::{HOSTILE, Stage};
use hostile::{Hostile, Protocol, Voice};

/// What this process may grow by, the hostile member's own memory included.
const GROWTH_MAX: u64 = 512 << 20;

/// Resident bytes of this process.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn floods_of_every_topic_are_dropped_and_refused_in_the_end() {
    for (place, topic) in GOSSIP_TOPICS.into_iter().enumerate() {
        let mut stage = Stage::new().await;
        let before = resident();
        let mut number = 0_u64;
        stage
            .until(
                |judged| judged.refusals > 0,
                async |hostile: &Hostile, _| {
                    let until = Instant::now() + Duration::from_secs(1);
                    while Instant::now() < until {
                        number += 1;
                        // For a height to come: nothing that anybody could be blamed for.
                        let mut bytes = number.to_be_bytes()[4..].to_vec();
                        bytes.push(2);
                        bytes.extend((1_u64 << 40).to_be_bytes());
                        if topic == "bodies" {
                            bytes.resize(BODY_BYTES_MAX, 0);
                        }
                        hostile.gossip(topic, bytes).await;
                    }
                },
            )
            .await;
        let grown = resident().saturating_sub(before);
        assert!(grown < GROWTH_MAX, "{topic}: grown by {grown} bytes");
        println!("{topic}: {number} messages, grown by {} KiB", grown >> 10);
        if topic != "bodies" {
            assert!(stage.judged().iter().all(|judged| judged.gossip_limited[place] > 100));
            stage.refused_for(Offence::Flood).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn floods_of_requests_are_dropped_and_refused_in_the_end() {
    let mut stage = Stage::new().await;
    let protocols = [Protocol::Sync, Protocol::Status, Protocol::Direct, Protocol::Fetch];
    let range = [1_u64.to_le_bytes(), 1_u64.to_le_bytes()].concat();
    stage
        .until(
            |judged| judged.refusals > 0,
            async |hostile: &Hostile, _| {
                for _ in 0..20 {
                    for protocol in protocols {
                        hostile.request(protocol, &range).await;
                    }
                }
            },
        )
        .await;
    assert!(stage.judged().iter().all(|judged| judged.requests_limited.iter().sum::<u64>() > 0));
    stage.refused_for(Offence::Flood).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn peer_that_reads_no_gossip_is_refused_and_costs_a_bounded_queue() {
    let mut stage = Stage::with(Voice::Deaf, |_| {}).await;
    let before = resident();
    let mut number = 0_u64;
    let deadline = Instant::now() + PATIENCE;
    while stage.judged()[0].refusals == 0 {
        assert!(Instant::now() < deadline, "never refused: {:?}", stage.judged()[0]);
        for _ in 0..20 {
            number += 1;
            let mut bytes = number.to_be_bytes().to_vec();
            bytes.resize(90 << 10, 1);
            let _ = stage.nodes[0].host.publish(Topic::Bundles, bytes).await;
            for node in &mut stage.nodes[1..] {
                while let Ok(message) = node.gossip.try_recv() {
                    let _ = message.reply.send(assay_host::Acceptance::Ignore);
                }
            }
        }
        let _ = timeout(Duration::from_millis(100), stage.nodes[0].tip.changed()).await;
    }
    let (judged, grown) = (stage.judged()[0], resident().saturating_sub(before));
    assert!(judged.unsent > 0 && judged.count(Offence::SlowReader) >= 8, "{judged:?}");
    assert!(grown < GROWTH_MAX, "grown by {grown} bytes");
    println!("{number} messages, {} unsent, grown by {} KiB", judged.unsent, grown >> 10);
    stage.goes_on().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn peer_that_does_nothing_at_all_is_disconnected() {
    let mut stage = Stage::with(Voice::Gossip, |config| {
        config.limits.request_timeout = Duration::from_secs(2);
    })
    .await;
    stage.hostile.freeze().await;
    for node in &mut stage.nodes {
        let gone = node.peers.wait_for(|peers| *peers < HOSTILE);
        timeout(PATIENCE, gone).await.expect("it is disconnected").unwrap();
    }
    stage.goes_on().await;
    stage.nobody_is_blamed();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn flood_leaves_room_for_requests_of_others() {
    let mut stage = Stage::new().await;
    for number in 0..3_000_u64 {
        stage.hostile.gossip("bundles", number.to_be_bytes().to_vec()).await;
    }
    let key = stage.committee.key(1);
    let asked = stage.nodes[0].host.request(key, Asked::Fetch, vec![1, 2]);
    assert_eq!(timeout(PATIENCE, asked).await.unwrap(), Ok(vec![2, 1]));
    stage.goes_on().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn member_that_wants_a_height_all_the_time_gets_few_that_nobody_else_wants() {
    let idle = Duration::from_secs(2);
    let mut stage = Stage::with(Voice::Gossip, |config| config.max_idle = idle).await;
    let (first, started) = (stage.nodes[0].store.tip(), Instant::now());
    let mut nonce = 0_u32;
    while started.elapsed() < Duration::from_secs(12) {
        let tip = stage.nodes[0].store.tip();
        for ahead in 1..=8 {
            nonce += 1;
            let wake = [&nonce.to_be_bytes()[..], &[2], &(tip + ahead).to_be_bytes()];
            stage.hostile.gossip("consensus", wake.concat()).await;
        }
        let _ = timeout(Duration::from_millis(50), stage.nodes[0].tip.changed()).await;
    }
    let heights = stage.nodes[0].store.tip() - first;
    // 64 at once and one a second of each of the three, and those that come without any wish.
    let most = 3 * (64 + started.elapsed().as_secs() + 1) + started.elapsed().as_secs();
    println!("{heights} heights, {most} at most");
    assert!(heights <= most, "{heights} heights, {most} at most");
    stage.goes_on().await;
    stage.nobody_is_blamed();
}
