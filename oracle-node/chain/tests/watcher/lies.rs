//! Endpoints that lie and contradict each other, in front of a real chain.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::support::{Devnet, next, statements, until, until_read};
use alloy_primitives::hex;
use assay_chain::{ChainEvent, Cursor, Finality, Trouble, Watcher};
use bindings::faulty::FaultyEndpoint;
use serde_json::Value;

const DEPTH_0: Finality = Finality::Depth(0);

fn unhealthy(event: &ChainEvent) -> bool {
    matches!(event, ChainEvent::Unhealthy { .. })
}

fn switch(on: bool) -> Arc<AtomicBool> {
    Arc::new(AtomicBool::new(on))
}

/// Puts other statements of the same length into logs, wherever they are asked for: all that fits block, filter and topics.
fn forge(method: &str, result: &mut Value) {
    if method == "eth_getLogs" {
        for log in result.as_array_mut().into_iter().flatten() {
            let data = log["data"].as_str().unwrap();
            log["data"] = data.replace(&hex::encode("honest"), &hex::encode("forged")).into();
        }
    }
}

async fn forger(devnet: &Devnet, lying: Arc<AtomicBool>) -> FaultyEndpoint {
    let change = move |method: &str, _: &Value, result: &mut Value| {
        if lying.load(Ordering::SeqCst) {
            forge(method, result);
        }
    };
    FaultyEndpoint::changing(devnet.anvil.url(), change).await.unwrap()
}

fn watch(devnet: &Devnet, urls: &[&str], finality: Finality) -> Watcher {
    let urls = urls.iter().map(|url| (*url).to_owned()).collect();
    Watcher::new(devnet.config_at(urls, finality), Cursor::START).unwrap()
}

/// Where the limit of one endpoint is: f + 1 operators have to see the same.
#[tokio::test]
async fn watcher_with_one_endpoint_believes_a_lie_without_contradictions() {
    let devnet = Devnet::start().await;
    devnet.request("honest").await;
    let liar = forger(&devnet, switch(true)).await;
    let mut watcher = watch(&devnet, &[liar.url()], DEPTH_0);
    let events = until_read(&mut watcher, devnet.head().await).await;
    assert_eq!(statements(&events), ["forged"]);
}

#[tokio::test]
async fn watcher_whose_two_endpoints_contradict_each_other_delivers_nothing_until_they_agree() {
    let devnet = Devnet::start().await;
    devnet.request("honest").await;
    let head = devnet.head().await;
    let lying = switch(true);
    let liar = forger(&devnet, lying.clone()).await;
    let honest = FaultyEndpoint::refusing(devnet.anvil.url(), |_, _| None).await.unwrap();
    let mut watcher = watch(&devnet, &[liar.url(), honest.url()], DEPTH_0);
    let events = until(&mut watcher, unhealthy).await;
    assert_eq!(statements(&events), [""; 0]);
    let Some(ChainEvent::Unhealthy { trouble: Trouble::Inconsistent(why), .. }) = events.last()
    else {
        panic!("{events:?}")
    };
    assert!(why.contains("shows another block") && why.contains("or other logs"), "{why}");
    // Both were in use meanwhile.
    tokio::select! {
        event = next(&mut watcher) => panic!("{event:?}"),
        () = async { tokio::join!(liar.called("eth_getLogs", 8), honest.called("eth_getLogs", 8)); } => {}
    }
    lying.store(false, Ordering::SeqCst);
    assert_eq!(statements(&until_read(&mut watcher, head).await), ["honest"]);
}

#[tokio::test]
async fn watcher_with_a_liar_among_three_endpoints_delivers_what_two_show() {
    let devnet = Devnet::start().await;
    devnet.request("honest").await;
    let liar = forger(&devnet, switch(true)).await;
    let (url, head) = (devnet.anvil.url(), devnet.head().await);
    for urls in [[liar.url(), url, url], [url, liar.url(), url], [url, url, liar.url()]] {
        let mut watcher = watch(&devnet, &urls, DEPTH_0);
        assert_eq!(statements(&until_read(&mut watcher, head).await), ["honest"]);
    }
}

#[tokio::test]
async fn watcher_takes_no_request_that_its_blocks_never_had() {
    let devnet = Devnet::start().await;
    devnet.request("honest").await;
    let requested_at = devnet.head().await;
    devnet.anvil.mine(1).await.unwrap();
    // The log is moved into the empty block after its own, whose filter is forged to hold everything.
    let liar = FaultyEndpoint::changing(devnet.anvil.url(), {
        let rpc = devnet.anvil.rpc().clone();
        let empty = rpc.header(bindings::rpc::BlockId::Number(requested_at + 1)).await.unwrap();
        let (number, hash) = (format!("{:#x}", requested_at + 1), empty.unwrap().hash.to_string());
        move |method, parameters, result| {
            if method == "eth_getBlockByNumber" && result["number"] == number.as_str() {
                result["logsBloom"] = format!("0x{}", "ff".repeat(256)).into();
            }
            if method == "eth_getLogs" {
                let by_hash = parameters[0].get("blockHash");
                if by_hash.is_some_and(|it| it == hash.as_str()) {
                    *result = serde_json::json!([]);
                }
                let mut moved = result.as_array().cloned().unwrap_or_default();
                for log in &mut moved {
                    log["blockNumber"] = number.clone().into();
                    log["blockHash"] = hash.clone().into();
                }
                result.as_array_mut().unwrap().extend(moved);
            }
        }
    })
    .await
    .unwrap();
    let events = until(&mut watch(&devnet, &[liar.url()], DEPTH_0), unhealthy).await;
    assert_eq!(statements(&events), [""; 0]);
    let mut watcher = watch(&devnet, &[liar.url(), devnet.anvil.url()], DEPTH_0);
    let events = until_read(&mut watcher, requested_at + 1).await;
    assert_eq!(statements(&events), ["honest"]);
}

#[tokio::test]
async fn watcher_whose_endpoint_is_on_a_fork_uses_those_that_agree() {
    let devnet = Devnet::start().await;
    devnet.request("honest").await;
    let head = devnet.head().await;
    let tip = format!("{head:#x}");
    let forked = FaultyEndpoint::changing(devnet.anvil.url(), move |method, _, result| {
        if method == "eth_getBlockByNumber" && result["number"] == tip.as_str() {
            result["hash"] = format!("0x{}", "ab".repeat(32)).into();
        }
        if method == "eth_getLogs" {
            *result = serde_json::json!([]);
        }
    })
    .await
    .unwrap();
    let url = devnet.anvil.url();
    let mut watcher = watch(&devnet, &[forked.url(), url, url], DEPTH_0);
    assert_eq!(statements(&until_read(&mut watcher, head).await), ["honest"]);
}

#[tokio::test]
async fn watcher_one_endpoint_denying_a_delivered_block_does_not_halt() {
    let devnet = Devnet::start().await;
    devnet.request("honest").await;
    let head = devnet.head().await;
    let lying = switch(false);
    let (tip, on) = (format!("{head:#x}"), lying.clone());
    let liar = FaultyEndpoint::changing(devnet.anvil.url(), move |method, parameters, result| {
        let asked = method == "eth_getBlockByNumber" && parameters[0] == tip.as_str();
        if asked && on.load(Ordering::SeqCst) {
            result["hash"] = format!("0x{}", "ab".repeat(32)).into();
        }
    })
    .await
    .unwrap();
    let mut watcher = watch(&devnet, &[liar.url(), devnet.anvil.url()], DEPTH_0);
    until_read(&mut watcher, head).await;
    lying.store(true, Ordering::SeqCst);
    devnet.anvil.mine(1).await.unwrap();
    devnet.request("later").await;
    let events = until_read(&mut watcher, head + 2).await;
    assert_eq!(statements(&events), ["later"]);
    assert!(!events.iter().any(|it| matches!(it, ChainEvent::ReorgBeyondFinality { .. })));
}

#[tokio::test]
async fn watcher_takes_no_final_block_above_the_head() {
    let devnet = Devnet::start().await;
    devnet.request("honest").await;
    let requested_at = devnet.head().await;
    devnet.anvil.mine(100).await.unwrap();
    let liar = FaultyEndpoint::changing(devnet.anvil.url(), |method, parameters, result| {
        if method == "eth_getBlockByNumber" && parameters[0] == "finalized" {
            result["number"] = "0xffffff".into();
        }
    })
    .await
    .unwrap();
    let events = until(&mut watch(&devnet, &[liar.url()], Finality::Finalized), unhealthy).await;
    let said = format!("{events:?}");
    assert!(events.len() == 1 && said.contains("final above the head"), "{said}");
    let mut watcher = watch(&devnet, &[liar.url(), devnet.anvil.url()], Finality::Finalized);
    assert_eq!(statements(&until_read(&mut watcher, requested_at).await), ["honest"]);
}

#[tokio::test]
async fn watcher_whose_endpoints_head_goes_back_waits_and_repeats_nothing() {
    let devnet = Devnet::start().await;
    devnet.request("honest").await;
    let head = devnet.head().await;
    let back = switch(false);
    let on = back.clone();
    let liar = FaultyEndpoint::changing(devnet.anvil.url(), move |method, parameters, result| {
        let asked = method == "eth_getBlockByNumber" && parameters[0] == "latest";
        if asked && on.load(Ordering::SeqCst) {
            result["number"] = "0x1".into();
        }
    })
    .await
    .unwrap();
    let mut watcher = watch(&devnet, &[liar.url()], DEPTH_0);
    assert_eq!(statements(&until_read(&mut watcher, head).await), ["honest"]);
    back.store(true, Ordering::SeqCst);
    let events = until(&mut watcher, unhealthy).await;
    let lagging = Trouble::Lagging { head: 1, cursor: head };
    assert!(
        matches!(&events[..], [ChainEvent::Unhealthy { trouble, .. }] if *trouble == lagging),
        "{events:?}"
    );
    devnet.request("later").await;
    back.store(false, Ordering::SeqCst);
    let events = until_read(&mut watcher, head + 1).await;
    assert_eq!(statements(&events), ["later"]);
    assert!(matches!(events[0], ChainEvent::Healthy { .. }));
}

#[tokio::test]
async fn watcher_whose_endpoint_turns_to_another_chain_refuses_it_and_does_not_halt() {
    let devnet = Devnet::start().await;
    devnet.request("honest").await;
    let head = devnet.head().await;
    let turned = switch(false);
    let on = turned.clone();
    let endpoint = FaultyEndpoint::changing(devnet.anvil.url(), move |method, _, result| {
        if !on.load(Ordering::SeqCst) {
            return;
        }
        match method {
            "eth_chainId" => *result = "0x1".into(),
            "eth_getBlockByNumber" => {
                result["hash"] = format!("0x{}", "ab".repeat(32)).into();
                result["parentHash"] = format!("0x{}", "ab".repeat(32)).into();
            }
            _ => {}
        }
    })
    .await
    .unwrap();
    let mut watcher = watch(&devnet, &[endpoint.url()], DEPTH_0);
    until_read(&mut watcher, head).await;
    turned.store(true, Ordering::SeqCst);
    devnet.anvil.mine(1).await.unwrap();
    let events = until(&mut watcher, |it| matches!(it, ChainEvent::NoEndpoint)).await;
    let refused = |it: &ChainEvent| {
        matches!(it, ChainEvent::Unhealthy { trouble: Trouble::WrongChain { found: 1 }, .. })
    };
    assert!(events.iter().any(refused), "{events:?}");
    assert!(!events.iter().any(|it| matches!(it, ChainEvent::ReorgBeyondFinality { .. })));
    assert_eq!(next(&mut watcher).await, None);
}
