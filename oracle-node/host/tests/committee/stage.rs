//! Three honest operators of four, and the fourth, hostile.

use std::time::Duration;

use assay_host::{HostConfig, Offence, PeerMetrics};
use consensus::wire::Wire;
use consensus::{ConsensusKey, LedgerContext, Vote};
use tokio::time::{Instant, timeout};

use crate::application::{Committee, LEDGER, Node, PATIENCE, consensus_seed, network_seed};
use hostile::{Hostile, Voice};

/// The hostile member's place.
pub(crate) const HOSTILE: usize = 3;

pub(crate) struct Stage {
    pub(crate) committee: Committee,
    pub(crate) nodes: Vec<Node>,
    pub(crate) hostile: Hostile,
}

impl Stage {
    pub(crate) async fn new() -> Self {
        Self::with(Voice::Gossip, |_| {}).await
    }

    /// Starts everybody, and waits until they are connected and decide heights.
    pub(crate) async fn with(voice: Voice, configure: impl Fn(&mut HostConfig)) -> Self {
        let mut committee = Committee::new(4);
        let mut nodes: Vec<Node> = Vec::new();
        for index in 0..HOSTILE {
            let mut config = committee.impatient_config(index);
            config.max_idle = Duration::from_millis(50);
            configure(&mut config);
            let others: Vec<&Node> = nodes.iter().collect();
            let node = committee.join(index, config, &others).await;
            nodes.push(node);
        }
        let targets: Vec<_> = (0..HOSTILE)
            .map(|index| (committee.key(index).0, nodes[index].host.address().to_owned()))
            .collect();
        let mut hostile = Hostile::start(LEDGER, network_seed(HOSTILE), voice, &targets);
        hostile.connect(HOSTILE).await;
        for node in &mut nodes {
            node.connect(HOSTILE).await;
            node.reach(1).await;
        }
        Self { committee, nodes, hostile }
    }

    pub(crate) fn judged(&self) -> Vec<PeerMetrics> {
        self.nodes.iter().map(|node| node.host.metrics().peers_judged).collect()
    }

    /// Lets heights pass, and `provoke` act, until every honest operator's counters are as wanted.
    pub(crate) async fn until(
        &mut self,
        wanted: impl Fn(&PeerMetrics) -> bool,
        mut provoke: impl AsyncFnMut(&Hostile, u64),
    ) {
        let deadline = Instant::now() + PATIENCE;
        while !self.judged().iter().all(&wanted) {
            assert!(Instant::now() < deadline, "never came: {:#?}", self.judged());
            let tip = self.nodes[0].store.tip();
            provoke(&self.hostile, tip).await;
            // What it said has time to arrive; nothing depends on how much.
            let _ = timeout(Duration::from_millis(200), self.nodes[0].tip.changed()).await;
        }
    }

    /// As [`Stage::until`], nothing being done meanwhile.
    pub(crate) async fn wait(&mut self, wanted: impl Fn(&PeerMetrics) -> bool) {
        self.until(wanted, async |_, _| {}).await;
    }

    /// The honest three decide further heights, and agree.
    pub(crate) async fn goes_on(&mut self) {
        let tip = self.nodes.iter().map(|node| node.store.tip()).max().unwrap_or_default() + 3;
        for node in &mut self.nodes {
            node.reach(tip).await;
        }
        for node in &self.nodes[1..] {
            assert_eq!(node.store.body(tip), self.nodes[0].store.body(tip));
        }
    }

    /// Every honest operator has counted the offence, and refused the member; then the others go on, and it is
    /// taken back in the end.
    pub(crate) async fn refused_for(&mut self, offence: Offence) {
        self.wait(|judged| judged.count(offence) > 0 && judged.refusals > 0).await;
        self.hostile.closed(HOSTILE as u64).await;
        self.goes_on().await;
        self.wait(|judged| judged.refused == 0).await;
        for node in &mut self.nodes {
            node.connect(HOSTILE).await;
        }
    }

    /// What the hostile member gossips again and again, each time with another nonce, made for the chain's tip, gets it
    /// refused for the offence.
    pub(crate) async fn refused_for_saying(
        &mut self,
        topic: &str,
        offence: Offence,
        mut message: impl FnMut(u32, u64) -> Vec<u8>,
    ) {
        let mut nonce = 0;
        self.until(
            |judged| judged.refusals > 0,
            async |hostile: &Hostile, tip| {
                nonce += 1;
                hostile.gossip(topic, message(nonce, tip)).await;
            },
        )
        .await;
        self.refused_for(offence).await;
    }

    /// Nobody was blamed, and nobody refused.
    pub(crate) fn nobody_is_blamed(&self) {
        for judged in self.judged() {
            let of_speech: Vec<Offence> = Offence::ALL
                .into_iter()
                // A machine that is busy with other tests is slow.
                .filter(|offence| *offence != Offence::SlowReader && judged.count(*offence) > 0)
                .collect();
            assert_eq!((of_speech, judged.refusals), (Vec::new(), 0), "{judged:?}");
        }
    }

    pub(crate) fn key(&self) -> ConsensusKey {
        ConsensusKey::from_bytes(&consensus_seed(HOSTILE)).unwrap()
    }
}

/// A message of consensus as it is gossiped.
pub(crate) fn consensus_message(
    nonce: u32,
    message: &arc_malachitebft_core_consensus::SignedConsensusMsg<LedgerContext>,
) -> Vec<u8> {
    let mut bytes = nonce.to_be_bytes().to_vec();
    bytes.push(0);
    bytes.extend(message.to_wire());
    bytes
}

/// A vote signed with a key for a ledger, whoever it names.
pub(crate) fn signed_vote(
    nonce: u32,
    vote: Vote,
    ledger: &[u8; 32],
    key: &ConsensusKey,
) -> Vec<u8> {
    use arc_malachitebft_core_consensus::SignedConsensusMsg;
    use arc_malachitebft_core_types::SignedMessage;
    let signature = key.sign(&vote.digest(ledger)).unwrap();
    consensus_message(nonce, &SignedConsensusMsg::Vote(SignedMessage::new(vote, signature)))
}
