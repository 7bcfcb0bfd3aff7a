//! A watcher that is told to look before it is time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use crate::support::{Devnet, statements, until, until_read};
use assay_chain::{ChainEvent, Cursor, Finality, Watcher};
use bindings::faulty::{Fault, FaultyEndpoint};
use serde_json::Value;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::interval;

/// Asks for a look all the time until it is aborted.
fn ask_all_the_time(lookout: &Arc<Notify>) -> JoinHandle<()> {
    let lookout = Arc::clone(lookout);
    tokio::spawn(async move {
        let mut often = interval(Duration::from_millis(5));
        loop {
            often.tick().await;
            lookout.notify_one();
        }
    })
}

#[tokio::test]
async fn watcher_asked_to_look_reads_what_is_new_long_before_it_is_time() {
    let devnet = Devnet::start().await;
    let mut config = devnet.config(Finality::Depth(0));
    config.poll_interval_ms = 60_000;
    let lookout = Arc::new(Notify::new());
    let mut watcher =
        Watcher::new(config, Cursor::START).unwrap().with_lookout(Arc::clone(&lookout));
    until_read(&mut watcher, devnet.head().await).await;
    devnet.request("new").await;
    let asked = Instant::now();
    lookout.notify_one();
    let events = until_read(&mut watcher, devnet.head().await).await;
    assert_eq!(statements(&events), ["new"]);
    assert!(asked.elapsed() < Duration::from_secs(30));
}

#[tokio::test]
async fn watcher_asked_all_the_time_leaves_an_endpoint_that_hangs_and_reads_the_next() {
    let devnet = Devnet::start().await;
    devnet.request("first").await;
    let hanging =
        FaultyEndpoint::refusing(devnet.anvil.url(), |_, _| Some(Fault::Hang)).await.unwrap();
    let urls = vec![hanging.url().to_owned(), devnet.anvil.url().to_owned()];
    let mut config = devnet.config_at(urls, Finality::Depth(0));
    config.request_timeout_ms = 1_000;
    let lookout = Arc::new(Notify::new());
    let asking = ask_all_the_time(&lookout);
    let mut watcher = Watcher::new(config, Cursor::START).unwrap().with_lookout(lookout);
    let events = until(&mut watcher, |event| matches!(event, ChainEvent::Healthy { .. })).await;
    assert!(matches!(events[0], ChainEvent::Unhealthy { .. }), "{events:?}");
    let events = until_read(&mut watcher, devnet.head().await).await;
    assert_eq!(statements(&events), ["first"]);
    asking.abort();
}

#[tokio::test]
async fn watcher_asked_all_the_time_keeps_an_eighth_of_the_distance_between_looks() {
    let devnet = Devnet::start().await;
    let looks = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&looks);
    let change = move |method: &str, parameters: &Value, _: &mut Value| {
        if method == "eth_getBlockByNumber" && parameters[0] == "latest" {
            counted.fetch_add(1, Ordering::SeqCst);
        }
    };
    let endpoint = FaultyEndpoint::changing(devnet.anvil.url(), change).await.unwrap();
    let mut config = devnet.config_at(vec![endpoint.url().to_owned()], Finality::Depth(0));
    config.poll_interval_ms = 1_600;
    let lookout = Arc::new(Notify::new());
    let asking = ask_all_the_time(&lookout);
    let mut watcher = Watcher::new(config, Cursor::START).unwrap().with_lookout(lookout);
    until_read(&mut watcher, devnet.head().await).await;
    looks.store(0, Ordering::SeqCst);
    let started = Instant::now();
    // Nothing comes on a chain that stands still.
    let nothing = tokio::time::timeout(Duration::from_secs(3), watcher.next()).await;
    assert!(nothing.is_err(), "{nothing:?}");
    let eighths = u32::try_from(started.elapsed().as_millis() / 200).unwrap();
    let looks = looks.load(Ordering::SeqCst);
    assert!(looks > 2 && looks <= eighths + 2, "{looks} looks in {eighths} eighths");
    asking.abort();
}
