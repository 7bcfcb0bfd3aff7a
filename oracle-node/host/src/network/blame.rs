//! What follows from an offence.

use libp2p::PeerId;
use tokio::time::Instant;
use tracing::{info, warn};

use super::penalties::Sentence;
use super::task::Network;
use crate::event::PeerKey;
use crate::offence::Offence;
use crate::rate::Rate;

/// Offences of one operator that are logged; all are counted.
pub(super) const LOGGED: Rate = Rate { per_second: 1, burst: 8 };

impl Network {
    /// Counts an offence, and refuses a peer that has too many.
    pub(super) fn blame(&mut self, peer: &PeerId, offence: Offence) {
        self.blame_many(peer, offence, 1);
    }

    pub(super) fn blame_many(&mut self, peer: &PeerId, offence: Offence, count: u64) {
        let Some(known) = self.peers.get_mut(peer) else { return };
        let (operator, now) = (known.index, Instant::now());
        let counters = &self.progress.peers_judged;
        counters.offended(offence, count);
        for _ in 0..count {
            match self.penalties.charge(peer, offence, now) {
                Sentence::Counted => return,
                Sentence::Points(points) => {
                    if known.logged.take(1, now) {
                        warn!(operator, offence = offence.name(), points, "offence of an operator");
                    }
                }
                Sentence::Spared => {
                    counters.spared.add();
                    if known.logged.take(1, now) {
                        warn!(
                            operator,
                            offence = offence.name(),
                            "operator not refused, as many as may be faulty are already"
                        );
                    }
                    return;
                }
                Sentence::Refuse(time) => {
                    counters.refusals.add();
                    warn!(
                        operator,
                        offence = offence.name(),
                        seconds = time.as_secs(),
                        "operator disconnected and refused for a while"
                    );
                    self.swarm.behaviour_mut().allowed.disallow_peer(*peer);
                    self.peers.set_refused(peer, true);
                    counters.refused.set(self.penalties.refused() as u64);
                    return;
                }
            }
        }
    }

    /// Blames an operator by its key.
    pub(super) fn blame_key(&mut self, key: PeerKey, offence: Offence) {
        if let Some((peer, _)) = self.peers.by_key(key) {
            self.blame(&peer, offence);
        }
    }

    /// Counts what was refused at the gate, and takes back whose time is over.
    pub(super) fn judge_peers(&mut self, now: Instant) {
        let tally = self.swarm.behaviour().gossip.take_tally();
        let counters = &self.progress.peers_judged;
        for (counter, count) in counters.gossip_limited.iter().zip(tally.limited) {
            counter.add_many(count);
        }
        for ((peer, offence), count) in tally.offences {
            if offence != Offence::Flood {
                self.progress.messages_refused.add_many(count);
            }
            self.blame_many(&peer, offence, count);
        }
        for peer in self.penalties.release(now) {
            self.swarm.behaviour_mut().allowed.allow_peer(peer);
            self.peers.set_refused(&peer, false);
            let operator = self.peers.get(&peer).map(|peer| peer.index);
            info!(?operator, "operator may connect again");
            self.progress.peers_judged.refused.set(self.penalties.refused() as u64);
        }
    }
}
