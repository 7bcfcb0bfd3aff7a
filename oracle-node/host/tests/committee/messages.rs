//! Gossip, requests, and who may connect.

use std::time::Duration;

use assay_host::{
    Acceptance, GOSSIP_BYTES_MAX, PeerKey, Protocol, PublishError, REQUEST_BYTES_MAX, RequestError,
    Topic,
};
use tokio::time::timeout;

use crate::application::{Committee, Node, PATIENCE, Store};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gossip_reaches_everybody_and_requests_are_answered() {
    let mut committee = Committee::new(4);
    let mut nodes = committee.start(|config| config.max_idle = Duration::from_secs(3600)).await;
    for node in &mut nodes {
        node.connect(3).await;
        node.reach(1).await;
    }

    for (topic, text) in
        [(Topic::Bundles, "bundle"), (Topic::Responses, "response"), (Topic::Partials, "partial")]
    {
        nodes[0].host.publish(topic, text.into()).await.unwrap();
        for node in &mut nodes[1..] {
            let message = timeout(PATIENCE, node.gossip.recv()).await.unwrap().unwrap();
            assert_eq!((message.topic, message.bytes.as_slice()), (topic, text.as_bytes()));
            message.reply.send(Acceptance::Accept).unwrap();
        }
    }
    let long = nodes[0].host.publish(Topic::Bundles, vec![0; GOSSIP_BYTES_MAX + 1]).await;
    assert_eq!(long, Err(PublishError::TooLong(GOSSIP_BYTES_MAX + 1)));

    let target = committee.key(3);
    for protocol in [Protocol::Direct, Protocol::Fetch] {
        let mut bytes = vec![1; 300 * 1024];
        bytes[0] = 9;
        let answer = nodes[1].host.request(target, protocol, bytes.clone()).await.unwrap();
        bytes.reverse();
        assert_eq!(answer, bytes);
    }
    let host = &nodes[1].host;
    assert_eq!(host.request(target, Protocol::Fetch, Vec::new()).await, Err(RequestError::Refused));
    assert_eq!(
        host.request(PeerKey([3; 32]), Protocol::Fetch, vec![1]).await,
        Err(RequestError::UnknownPeer)
    );
    assert_eq!(
        host.request(target, Protocol::Direct, vec![1; REQUEST_BYTES_MAX + 1]).await,
        Err(RequestError::TooLong(REQUEST_BYTES_MAX + 1))
    );
    assert_eq!(host.peers().await.len(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unknown_peer_is_refused() {
    let mut members = Committee::new(5);
    let stranger = members.validators.pop().unwrap();
    let mut nodes = members.start(|_| {}).await;
    for node in &mut nodes {
        node.reach(3).await;
    }

    // The stranger believes that it is a member of the same ledger.
    let mut its_view = Committee::new(5);
    let mut config = its_view.config(4);
    for (known, real) in config.validators.iter_mut().zip(&members.validators) {
        known.addresses.clone_from(&real.addresses);
    }
    assert_eq!(config.validators[4].network_key, stranger.network_key);
    its_view.validators.clone_from(&config.validators);
    let outsider = Node::start(its_view.set(), config, Store::default()).await.unwrap();
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while nodes[0].host.metrics().connections_refused == 0 {
        assert!(tokio::time::Instant::now() < deadline, "never refused");
        let tip = nodes[0].store.tip();
        nodes[0].reach(tip + 1).await;
    }
    assert!(nodes[0].host.peers().await.iter().all(|peer| peer.0 != stranger.network_key));
    assert_eq!(outsider.store.tip(), 0);
    assert_eq!(outsider.host.publish(Topic::Bundles, vec![1]).await, Err(PublishError::NoPeers));
}
