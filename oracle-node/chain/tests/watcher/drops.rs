//! Endpoints that drop, refuse, lag, and give half pages, in front of a real chain.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::support::{Devnet, statements, until, until_read};
use alloy_sol_types::SolCall;
use assay_chain::{ChainConfig, ChainEvent, Cursor, Finality, Trouble, Watcher};
use bindings::anvil::Mining;
use bindings::faulty::{Fault, FaultyEndpoint};
use serde_json::Value;

const DEPTH_0: Finality = Finality::Depth(0);

fn config(devnet: &Devnet, urls: &[&str], finality: Finality) -> ChainConfig {
    let urls = urls.iter().map(|url| (*url).to_owned()).collect();
    let mut config = devnet.config_at(urls, finality);
    config.request_timeout_ms = 500;
    config
}

fn troubles(events: &[ChainEvent]) -> Vec<&Trouble> {
    fn trouble(event: &ChainEvent) -> Option<&Trouble> {
        match event {
            ChainEvent::Unhealthy { trouble, .. } => Some(trouble),
            _ => None,
        }
    }
    events.iter().filter_map(trouble).collect()
}

/// Refuses the first `times` requests of `method` so.
async fn refusing(
    devnet: &Devnet,
    method: &'static str,
    times: usize,
    fault: Fault,
) -> FaultyEndpoint {
    let left = AtomicUsize::new(times);
    let refuse = move |asked: &str, _: &Value| {
        let take = |left: usize| left.checked_sub(1);
        let due =
            asked == method && left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, take).is_ok();
        due.then(|| fault.clone())
    };
    FaultyEndpoint::refusing(devnet.anvil.url(), refuse).await.unwrap()
}

/// Checks that a watcher with one such endpoint says so once, and then loses and repeats nothing.
async fn check_recovers(fault: Fault) -> Vec<ChainEvent> {
    let devnet = Devnet::start().await;
    devnet.request("first").await;
    devnet.request("second").await;
    let head = devnet.head().await;
    let mut all = Vec::new();
    for method in ["eth_chainId", "eth_getBlockByNumber", "eth_getLogs"] {
        let endpoint = refusing(&devnet, method, 2, fault.clone()).await;
        let config = config(&devnet, &[endpoint.url()], DEPTH_0);
        let mut watcher = Watcher::new(config, Cursor::START).unwrap();
        let events = until_read(&mut watcher, head).await;
        assert_eq!(statements(&events), ["first", "second"], "{method} {fault:?}");
        assert_eq!(troubles(&events).len(), 1, "{method} {events:?}");
        all.extend(events);
    }
    all
}

#[tokio::test]
async fn watcher_whose_connection_ends_in_the_middle_of_an_answer_reads_it_again() {
    check_recovers(Fault::Cut).await;
}

#[tokio::test]
async fn watcher_whose_connection_ends_without_an_answer_asks_again() {
    check_recovers(Fault::Close).await;
    check_recovers(Fault::Lost).await;
}

#[tokio::test]
async fn watcher_whose_endpoint_never_answers_gives_up_and_asks_again() {
    check_recovers(Fault::Hang).await;
}

#[tokio::test]
async fn watcher_whose_endpoint_is_busy_asks_again() {
    for status in [429, 503] {
        let events = check_recovers(Fault::Status { status, retry_after_s: None }).await;
        let busy = Trouble::Busy { status, retry_after: None };
        assert!(troubles(&events).iter().all(|it| **it == busy), "{events:?}");
    }
}

#[tokio::test]
async fn watcher_asked_to_wait_waits_that_long() {
    let devnet = Devnet::start().await;
    devnet.request("first").await;
    let fault = Fault::Status { status: 429, retry_after_s: Some(2) };
    let endpoint = refusing(&devnet, "eth_getLogs", 1, fault).await;
    let mut watcher =
        Watcher::new(config(&devnet, &[endpoint.url()], DEPTH_0), Cursor::START).unwrap();
    let events = until(&mut watcher, |it| matches!(it, ChainEvent::Unhealthy { .. })).await;
    let retry_after = Some(Duration::from_secs(2));
    assert_eq!(troubles(&events), [&Trouble::Busy { status: 429, retry_after }]);
    let started = Instant::now();
    let events = until_read(&mut watcher, devnet.head().await).await;
    assert_eq!(statements(&events), ["first"]);
    assert!(started.elapsed() >= Duration::from_millis(1_900), "{:?}", started.elapsed());
}

#[tokio::test]
async fn watcher_asked_to_wait_for_an_hour_asks_the_next_endpoint_at_once() {
    let devnet = Devnet::start().await;
    devnet.request("first").await;
    let fault = Fault::Status { status: 429, retry_after_s: Some(3_600) };
    let endpoint = refusing(&devnet, "eth_getLogs", usize::MAX, fault).await;
    let urls = [endpoint.url(), devnet.anvil.url()];
    let mut watcher = Watcher::new(config(&devnet, &urls, DEPTH_0), Cursor::START).unwrap();
    let events = until_read(&mut watcher, devnet.head().await).await;
    assert_eq!(statements(&events), ["first"]);
}

#[tokio::test]
async fn watcher_told_that_a_page_has_too_many_logs_asks_for_smaller_ones() {
    let devnet = Devnet::start().await;
    for statement in ["first", "second", "third"] {
        devnet.request(statement).await;
        devnet.anvil.mine(3).await.unwrap();
    }
    let number = |filter: &Value, key: &str| {
        let text = filter[key].as_str()?.trim_start_matches("0x");
        u64::from_str_radix(text, 16).ok()
    };
    let refuse = move |method: &str, parameters: &Value| {
        let (from, to) = (number(&parameters[0], "fromBlock"), number(&parameters[0], "toBlock"));
        let many = method == "eth_getLogs" && to? - from? >= 2;
        let message = "query returned more than 10000 results".to_owned();
        many.then_some(Fault::Error { code: -32_005, message })
    };
    let endpoint = FaultyEndpoint::refusing(devnet.anvil.url(), refuse).await.unwrap();
    let mut watcher =
        Watcher::new(config(&devnet, &[endpoint.url()], DEPTH_0), Cursor::START).unwrap();
    let events = until_read(&mut watcher, devnet.head().await).await;
    assert_eq!(statements(&events), ["first", "second", "third"]);
    assert!(troubles(&events).is_empty(), "{events:?}");
}

/// A chain with three requests in one block.
async fn three_in_a_block() -> Devnet {
    let devnet = Devnet::start().await;
    devnet.anvil.set_mining(Mining::Manual).await.unwrap();
    for statement in ["first", "second", "third"] {
        let (call, fee) = devnet.request_call(statement).await;
        let input = call.abi_encode().into();
        devnet.wallet.send(Some(devnet.deployment.hub), fee, input).await.unwrap();
    }
    devnet.anvil.mine(1).await.unwrap();
    devnet
}

/// Keeps one log of each answer, if the filter is as `which` says.
async fn truncating(devnet: &Devnet, which: fn(&Value) -> bool) -> FaultyEndpoint {
    let change = move |method: &str, parameters: &Value, result: &mut Value| {
        if method == "eth_getLogs" && which(&parameters[0]) {
            result.as_array_mut().unwrap().truncate(1);
        }
    };
    FaultyEndpoint::changing(devnet.anvil.url(), change).await.unwrap()
}

#[tokio::test]
async fn watcher_given_a_page_that_ends_in_the_middle_of_a_block_delivers_the_whole_block() {
    let devnet = three_in_a_block().await;
    let endpoint = truncating(&devnet, |filter| filter.get("blockHash").is_none()).await;
    let mut watcher =
        Watcher::new(config(&devnet, &[endpoint.url()], DEPTH_0), Cursor::START).unwrap();
    let events = until_read(&mut watcher, devnet.head().await).await;
    assert_eq!(statements(&events), ["first", "second", "third"]);
}

#[tokio::test]
async fn watcher_given_half_blocks_by_one_endpoint_delivers_what_two_others_show() {
    let devnet = three_in_a_block().await;
    let endpoint = truncating(&devnet, |_| true).await;
    let urls = [endpoint.url(), devnet.anvil.url(), devnet.anvil.url()];
    let mut watcher = Watcher::new(config(&devnet, &urls, DEPTH_0), Cursor::START).unwrap();
    let events = until_read(&mut watcher, devnet.head().await).await;
    assert_eq!(statements(&events), ["first", "second", "third"]);
}

/// Answers for `tag` with the first block that it had, for ever.
async fn standing_still(devnet: &Devnet, tag: &'static str) -> FaultyEndpoint {
    let first = Mutex::new(None);
    let change = move |method: &str, parameters: &Value, result: &mut Value| {
        if method == "eth_getBlockByNumber" && parameters[0] == tag {
            *result = first.lock().unwrap().get_or_insert_with(|| result.clone()).clone();
        }
    };
    FaultyEndpoint::changing(devnet.anvil.url(), change).await.unwrap()
}

#[tokio::test]
async fn watcher_whose_endpoints_head_stands_still_uses_the_next() {
    let devnet = Devnet::start().await;
    let endpoint = standing_still(&devnet, "latest").await;
    let mut config = config(&devnet, &[endpoint.url(), devnet.anvil.url()], DEPTH_0);
    config.stall_after_ms = 200;
    let mut watcher = Watcher::new(config, Cursor::START).unwrap();
    let before = devnet.head().await;
    until_read(&mut watcher, before).await;
    devnet.request("later").await;
    let events = until_read(&mut watcher, before + 1).await;
    assert_eq!(statements(&events), ["later"]);
    assert_eq!(troubles(&events), [&Trouble::Stalled { head: before }]);
}

#[tokio::test]
async fn watcher_whose_endpoint_finalizes_nothing_more_says_so_and_uses_the_next() {
    let devnet = Devnet::start().await;
    devnet.anvil.mine(100).await.unwrap();
    let endpoint = standing_still(&devnet, "finalized").await;
    let urls = [endpoint.url(), devnet.anvil.url()];
    let mut config = config(&devnet, &urls, Finality::Finalized);
    config.stall_after_ms = 300;
    let mut watcher = Watcher::new(config, Cursor::START).unwrap();
    until(&mut watcher, |it| matches!(it, ChainEvent::Finalized { .. })).await;
    devnet.request("later").await;
    let requested_at = devnet.head().await;
    devnet.anvil.mine(100).await.unwrap();
    // The chain's head moves all the time.
    devnet.anvil.set_mining(Mining::Seconds(1)).await.unwrap();
    let events = until_read(&mut watcher, requested_at).await;
    assert_eq!(statements(&events), ["later"]);
    assert!(!troubles(&events).is_empty());
}
