//! Restarts, late starters, and a log that can't be trusted.

use std::time::Duration;

use assay_host::HostError;

use crate::application::{Committee, Node, PATIENCE, Store};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dropped_host_restarts_from_its_log_and_catches_up() {
    let mut committee = Committee::new(4);
    // Every fourth height waits for the proposer that is gone.
    let mut nodes = committee
        .start(|config| {
            config.timeouts.propose = Duration::from_millis(250);
            config.timeouts.prevote = Duration::from_millis(100);
            config.timeouts.precommit = Duration::from_millis(100);
        })
        .await;
    for node in &mut nodes {
        node.reach(10).await;
    }
    let last = nodes.pop().unwrap();
    last.host.stop().await;
    let store = last.store.clone();
    drop(last);
    let missed_from = store.tip();
    for node in &mut nodes {
        node.reach(missed_from + 110).await;
    }

    let others: Vec<&Node> = nodes.iter().collect();
    let config = committee.config(3);
    let mut again = committee.join_with(3, config, &others, store).await;
    let target = missed_from + 110;
    let begun = std::time::Instant::now();
    again.reach(target).await;
    println!(
        "{} heights caught up in {:?}: {:?}",
        target - missed_from,
        begun.elapsed(),
        again.host.metrics()
    );
    for height in 1..=missed_from + 110 {
        assert_eq!(again.store.body(height), nodes[0].store.body(height));
    }
    assert!(again.host.metrics().synced >= 100);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn late_starter_syncs_while_the_others_idle() {
    let mut committee = Committee::new(4);
    let mut nodes = Vec::new();
    for index in 0..3 {
        let mut config = committee.impatient_config(index);
        config.max_idle = Duration::from_secs(3600);
        let others: Vec<&Node> = nodes.iter().collect();
        let node = committee.join(index, config, &others).await;
        nodes.push(node);
    }
    for height in 1..=20 {
        for node in &mut nodes {
            node.reach(height).await;
        }
        if height < 20 {
            nodes[height as usize % 3].host.wake(height + 1);
        }
    }
    let others: Vec<&Node> = nodes.iter().collect();
    let mut config = committee.config(3);
    config.max_idle = Duration::from_secs(3600);
    let mut late = committee.join(3, config, &others).await;
    late.reach(20).await;
    for height in 1..=20 {
        assert_eq!(late.store.body(height), nodes[0].store.body(height));
    }
    assert!(late.host.metrics().synced >= 18);
    assert_eq!(nodes[0].store.tip(), 20, "catching up needs no new block");
    late.host.wake(21);
    nodes[0].reach(21).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_hosts_stopped_at_once_go_on() {
    let mut committee = Committee::new(4);
    let mut nodes = committee.start(|_| {}).await;
    for node in &mut nodes {
        node.reach(5).await;
    }
    let stores: Vec<Store> = nodes.iter().map(|node| node.store.clone()).collect();
    for node in nodes.drain(..) {
        node.host.stop().await;
    }
    for (index, store) in stores.into_iter().enumerate() {
        let config = committee.config(index);
        let others: Vec<&Node> = nodes.iter().collect();
        let node = committee.join_with(index, config, &others, store).await;
        nodes.push(node);
    }
    for node in &mut nodes {
        node.reach(15).await;
    }
    for height in 1..=15 {
        for node in &nodes[1..] {
            assert_eq!(node.store.body(height), nodes[0].store.body(height));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn missing_and_corrupt_logs_are_refused() {
    let mut committee = Committee::new(4);
    // Without a fourth and a third, the height under way stays in the log.
    let mut config = committee.config(0);
    config.max_idle = Duration::from_secs(3600);
    config.timeouts.propose = Duration::from_millis(50);
    let node = committee.join(0, config, &[]).await;
    let log = committee.wal_dir(0).join("consensus.wal");
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while std::fs::metadata(&log).unwrap().len() < 100 {
        assert!(tokio::time::Instant::now() < deadline, "nothing was logged");
        tokio::task::yield_now().await;
    }
    node.host.stop().await;
    drop(node);

    let bytes = std::fs::read(&log).unwrap();
    for (position, what) in [(40, "payload"), (13, "length")] {
        let mut flipped = bytes.clone();
        flipped[position] ^= 0x40;
        std::fs::write(&log, &flipped).unwrap();
        let refused = Node::start(committee.set(), committee.config(0), Store::default()).await;
        match refused.map(drop) {
            Err(HostError::WalCorrupt { path, height, .. }) => {
                assert_eq!((path, height), (log.clone(), 1), "{what}");
            }
            other => panic!("{what}: {other:?}"),
        }
    }

    std::fs::remove_file(&log).unwrap();
    let mut config = committee.config(0);
    config.start_height = 9;
    let refused = Node::start(committee.set(), config.clone(), Store::default()).await;
    assert!(matches!(refused.map(drop), Err(HostError::WalMissing { height: 8, .. })));
    config.allow_missing_wal = true;
    let allowed = Node::start(committee.set(), config, Store::default()).await.unwrap();
    allowed.host.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn host_whose_application_refuses_a_decided_block_stops() {
    let mut committee = Committee::new(4);
    let mut nodes = Vec::new();
    for index in 0..3 {
        let config = committee.impatient_config(index);
        let others: Vec<&Node> = nodes.iter().collect();
        let node = committee.join(index, config, &others).await;
        nodes.push(node);
    }
    let mut config = committee.config(3);
    config.validators.clone_from(&committee.validators);
    let set = committee.set();
    let mut odd = Node::start_refusing(set, config, Store::default(), 5).await.unwrap();
    let cause = tokio::time::timeout(PATIENCE, odd.fatal.recv()).await.unwrap().unwrap();
    assert!(matches!(cause, HostError::DecidedInvalid { height: 5, .. }), "{cause}");
    assert_eq!(odd.store.tip(), 4);
    nodes[0].reach(10).await;
}
