//! Endpoints that are down, of another chain, or that lie, in front of a real chain.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::support::proxy::Proxy;
use crate::support::{CHAIN_ID, Devnet, next, statements, until, until_read};
use alloy_primitives::Address;
use assay_chain::{ChainEvent, Cursor, Finality, ProbeError, Trouble, Watcher};
use bindings::faulty::FaultyEndpoint;

fn unhealthy(event: &ChainEvent) -> bool {
    matches!(event, ChainEvent::Unhealthy { .. })
}

#[tokio::test]
async fn watcher_goes_on_where_it_was_after_its_endpoint_was_down() {
    let devnet = Devnet::start().await;
    let mut proxy = Proxy::start(devnet.anvil.url()).await;
    let config = devnet.config_at(vec![proxy.url()], Finality::Depth(0));
    let mut watcher = Watcher::new(config, Cursor::START).unwrap();
    devnet.request("before").await;
    let head = devnet.head().await;
    assert_eq!(statements(&until_read(&mut watcher, head).await), ["before"]);

    proxy.down().await;
    let events = until(&mut watcher, unhealthy).await;
    assert_eq!(statements(&events), [""; 0]);
    devnet.request("meanwhile").await;
    proxy.up().await;
    let events = until_read(&mut watcher, head + 1).await;
    assert!(matches!(events.first(), Some(ChainEvent::Healthy { .. })), "{events:?}");
    assert_eq!(statements(&events), ["meanwhile"]);
}

#[tokio::test]
async fn watcher_with_a_dead_endpoint_uses_the_next() {
    let devnet = Devnet::start().await;
    let mut dead = Proxy::start(devnet.anvil.url()).await;
    dead.down().await;
    let urls = vec![dead.url(), devnet.anvil.url().to_owned()];
    let mut watcher =
        Watcher::new(devnet.config_at(urls, Finality::Depth(0)), Cursor::START).unwrap();
    devnet.request("first").await;
    let events = until_read(&mut watcher, devnet.head().await).await;
    assert_eq!(statements(&events), ["first"]);
    assert!(unhealthy(&events[0]));
    assert!(matches!(&events[1], ChainEvent::Healthy { endpoint } if endpoint.starts_with("#1 ")));
}

#[tokio::test]
async fn watcher_refuses_an_endpoint_of_another_chain_and_says_so() {
    let devnet = Devnet::start().await;
    let mut config = devnet.config(Finality::Depth(0));
    config.chain_id = 1;
    let mut watcher = Watcher::new(config, Cursor::START).unwrap();
    let error = watcher.probe().await.unwrap_err();
    assert!(error.to_string().contains("is of chain 31337, the config says 1"), "{error}");
    let Some(ChainEvent::Unhealthy { trouble, .. }) = next(&mut watcher).await else { panic!() };
    assert_eq!(trouble, Trouble::WrongChain { found: CHAIN_ID });
    assert_eq!(next(&mut watcher).await, Some(ChainEvent::NoEndpoint));
    assert_eq!(next(&mut watcher).await, None);
}

#[tokio::test]
async fn watcher_with_one_endpoint_of_another_chain_uses_the_other() {
    let devnet = Devnet::start().await;
    let wrong = FaultyEndpoint::changing(devnet.anvil.url(), |method, _, result| {
        if method == "eth_chainId" {
            *result = "0x1".into();
        }
    })
    .await
    .unwrap();
    let urls = vec![wrong.url().to_owned(), devnet.anvil.url().to_owned()];
    let mut watcher =
        Watcher::new(devnet.config_at(urls, Finality::Depth(0)), Cursor::START).unwrap();
    devnet.request("first").await;
    let events = until_read(&mut watcher, devnet.head().await).await;
    assert_eq!(statements(&events), ["first"]);
}

#[tokio::test]
async fn probe_without_a_contract_at_the_hub_says_so() {
    let devnet = Devnet::start().await;
    let mut config = devnet.config(Finality::Depth(0));
    config.hub = Address::repeat_byte(0x99);
    let watcher = Watcher::new(config, Cursor::START).unwrap();
    let error = watcher.probe().await.unwrap_err();
    assert_eq!(error, ProbeError::NoHub { chain_id: CHAIN_ID, hub: Address::repeat_byte(0x99) });
    let watcher = devnet.watch(Finality::Depth(0));
    assert_eq!(watcher.probe().await, Ok(()));
}

#[tokio::test]
async fn watcher_asks_again_for_logs_that_the_bloom_filter_promises() {
    let devnet = Devnet::start().await;
    let dropped = Arc::new(AtomicUsize::new(0));
    let counter = dropped.clone();
    let forgetful =
        FaultyEndpoint::changing(devnet.anvil.url(), move |method, parameters, result| {
            if method == "eth_getLogs" && parameters[0].get("blockHash").is_none() {
                counter.fetch_add(result.as_array().map_or(0, Vec::len), Ordering::SeqCst);
                *result = serde_json::json!([]);
            }
        })
        .await
        .unwrap();
    let config = devnet.config_at(vec![forgetful.url().to_owned()], Finality::Depth(0));
    let mut watcher = Watcher::new(config, Cursor::START).unwrap();
    devnet.request("first").await;
    devnet.request("second").await;
    let events = until_read(&mut watcher, devnet.head().await).await;
    assert_eq!(statements(&events), ["first", "second"]);
    assert_eq!(dropped.load(Ordering::SeqCst), 2);
}

/// Checks that an endpoint which changes answers so delivers nothing, and that the watcher gets all from an honest one.
async fn check_lie(
    change: impl Fn(&str, &serde_json::Value, &mut serde_json::Value) + Send + Sync + 'static,
) {
    let devnet = Devnet::start().await;
    devnet.request("first").await;
    let liar = FaultyEndpoint::changing(devnet.anvil.url(), change).await.unwrap();
    let alone = devnet.config_at(vec![liar.url().to_owned()], Finality::Depth(0));
    let events = until(&mut Watcher::new(alone, Cursor::START).unwrap(), unhealthy).await;
    assert_eq!(statements(&events), [""; 0]);

    let urls = vec![liar.url().to_owned(), devnet.anvil.url().to_owned()];
    let both = devnet.config_at(urls, Finality::Depth(0));
    let mut watcher = Watcher::new(both, Cursor::START).unwrap();
    let events = until_read(&mut watcher, devnet.head().await).await;
    assert_eq!(statements(&events), ["first"]);
}

#[tokio::test]
async fn watcher_takes_no_headers_that_do_not_link() {
    check_lie(|method, parameters, result| {
        if method == "eth_getBlockByNumber" && parameters[0] == "0x3" {
            result["parentHash"] = format!("0x{}", "ab".repeat(32)).into();
        }
    })
    .await;
}

#[tokio::test]
async fn watcher_takes_no_logs_of_another_block() {
    check_lie(|method, _, result| {
        if method == "eth_getLogs" {
            for log in result.as_array_mut().into_iter().flatten() {
                log["blockHash"] = format!("0x{}", "cd".repeat(32)).into();
            }
        }
    })
    .await;
}

/// Changes every log that is asked for.
async fn check_lying_log(change: fn(&mut serde_json::Value)) {
    check_lie(move |method, _, result| {
        if method == "eth_getLogs" {
            result.as_array_mut().into_iter().flatten().for_each(change);
        }
    })
    .await;
}

#[tokio::test]
async fn watcher_takes_no_logs_outside_the_range() {
    check_lying_log(|log| log["blockNumber"] = "0xffff".into()).await;
    check_lying_log(|log| log["blockNumber"] = "0x0".into()).await;
}

#[tokio::test]
async fn watcher_takes_no_removed_logs() {
    check_lying_log(|log| log["removed"] = true.into()).await;
}

#[tokio::test]
async fn watcher_takes_no_log_twice() {
    check_lie(|method, _, result| {
        if method == "eth_getLogs" {
            let again = result.as_array().cloned().unwrap_or_default();
            result.as_array_mut().unwrap().extend(again);
        }
    })
    .await;
}

#[tokio::test]
async fn watcher_takes_no_invented_logs() {
    check_lie(|method, _, result| {
        if method == "eth_getLogs" {
            for log in result.as_array_mut().into_iter().flatten() {
                log["topics"][3] = format!("0x{}", "ef".repeat(32)).into();
            }
        }
    })
    .await;
}

#[tokio::test]
async fn watcher_takes_no_numbers_out_of_range() {
    check_lie(|method, _, result| {
        if method == "eth_getBlockByNumber" {
            result["number"] = format!("0x{}", "ff".repeat(32)).into();
        }
    })
    .await;
}

#[tokio::test]
async fn watcher_takes_no_answers_of_another_shape() {
    check_lie(|method, _, result| {
        if method == "eth_getLogs" {
            *result = serde_json::json!({ "logs": null });
        }
    })
    .await;
}

#[tokio::test]
async fn watcher_asks_for_fewer_blocks_when_a_range_is_refused() {
    let devnet = Devnet::start().await;
    let narrow = FaultyEndpoint::changing(devnet.anvil.url(), |method, parameters, result| {
        if method != "eth_getLogs" {
            return;
        }
        let number = |key: &str| {
            let text = parameters[0][key].as_str()?;
            u64::from_str_radix(text.trim_start_matches("0x"), 16).ok()
        };
        if let (Some(from), Some(to)) = (number("fromBlock"), number("toBlock"))
            && to - from >= 3
        {
            // Larger than any answer may be.
            *result = "0".repeat(17 << 20).into();
        }
    })
    .await
    .unwrap();
    let config = devnet.config_at(vec![narrow.url().to_owned()], Finality::Depth(0));
    let mut watcher = Watcher::new(config, Cursor::START).unwrap();
    devnet.request("first").await;
    devnet.request("second").await;
    let events = until_read(&mut watcher, devnet.head().await).await;
    assert_eq!(statements(&events), ["first", "second"]);
    assert!(!events.iter().any(unhealthy));
}
