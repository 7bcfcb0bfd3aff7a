//! Deciding, idling and waking.

use std::time::{Duration, Instant};

use crate::application::Committee;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn four_hosts_decide_fifty_equal_heights() {
    let mut committee = Committee::new(4);
    let mut nodes = committee.start(|_| {}).await;
    nodes[0].reach(1).await;
    let started = Instant::now();
    for node in &mut nodes {
        node.reach(51).await;
    }
    println!("50 heights of 4 hosts in {:?}", started.elapsed());
    for height in 1..=51 {
        for node in &nodes[1..] {
            assert_eq!(node.store.body(height), nodes[0].store.body(height));
        }
    }
    for node in &nodes {
        node.host.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn idle_hosts_wait_until_any_one_is_woken() {
    let mut committee = Committee::new(4);
    let mut nodes = committee.start(|config| config.max_idle = Duration::from_secs(3600)).await;
    for node in &mut nodes {
        node.reach(1).await;
    }
    let mut height = 1;
    for woken in 0..4 {
        // Nobody moves while nobody asks, or for a height that is decided.
        nodes[woken].host.wake(height);
        let idle = tokio::time::timeout(
            Duration::from_secs(2),
            nodes[woken].tip.wait_for(|tip| *tip > height),
        );
        assert!(idle.await.is_err(), "a height began without work");
        height += 1;
        nodes[woken].host.wake(height);
        let asked = Instant::now();
        for node in &mut nodes {
            node.reach(height).await;
        }
        println!("woken by {woken}: height {height} everywhere in {:?}", asked.elapsed());
        for node in &nodes {
            assert_eq!(node.store.tip(), height);
        }
    }
}
