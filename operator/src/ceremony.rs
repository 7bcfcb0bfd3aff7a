//! This member's part in a key ceremony: a dealer and a player at once.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::keccak256;
use borsh::{BorshDeserialize, BorshSerialize};
use ed25519_dalek::SigningKey;
use protocol::{
    fact::Fact,
    genesis::Genesis,
    ids::OperatorIndex,
    ledger::{Ledger, Stage, ceremony_of},
};
use threshold::{EphemeralKey, Share, dkg};
use zeroize::Zeroizing;

use crate::{
    effect::{Effect, Fault, JournalKey, Warning},
    frame::Backoff,
};

/// Pauses between attempts to deliver a dealing.
const DEAL_MS: (u64, u64) = (1_000, 8_000);

/// A message between two members of a ceremony.
#[derive(BorshSerialize, BorshDeserialize)]
enum Direct {
    /// A dealer's commitment, and the share of the receiver, sealed to its ceremony key.
    Dealing { round: u64, public: Vec<u8>, sealed: Vec<u8> },
    /// A player's acknowledgement.
    Ack { round: u64, ack: Vec<u8> },
}

/// What a player keeps of a dealing.
#[derive(BorshSerialize, BorshDeserialize)]
struct StoredDealing {
    public: Vec<u8>,
    private: Vec<u8>,
}

/// What the journal has of ceremonies.
#[derive(Default)]
pub(crate) struct CeremonyJournal {
    pub(crate) secrets: BTreeMap<u64, [u8; 32]>,
    pub(crate) dealings: BTreeMap<(u64, OperatorIndex), Vec<u8>>,
    pub(crate) logs: BTreeMap<u64, Vec<u8>>,
}

/// One round.
struct Round {
    round: u64,
    info: dkg::Ceremony,
    ephemeral: EphemeralKey,
    seed: Zeroizing<[u8; 32]>,
    player: dkg::Player,
    held: BTreeSet<OperatorIndex>,
    dealing: Option<Dealing>,
    log: Option<Vec<u8>>,
}

/// A dealer's state while it deals.
struct Dealing {
    dealer: Option<dkg::Dealer>,
    public: Vec<u8>,
    waiting: BTreeMap<OperatorIndex, (Vec<u8>, Backoff)>,
    acked: usize,
    give_up_ms: u64,
}

/// Drives the ceremony that is under way.
pub(crate) struct CeremonyDriver {
    me: OperatorIndex,
    network_key: SigningKey,
    entropy: Zeroizing<[u8; 32]>,
    journal: CeremonyJournal,
    active: Option<Round>,
    complained: bool,
}

impl CeremonyDriver {
    pub(crate) fn new(
        me: OperatorIndex,
        network_key: SigningKey,
        entropy: Zeroizing<[u8; 32]>,
        journal: CeremonyJournal,
    ) -> Self {
        Self { me, network_key, entropy, journal, active: None, complained: false }
    }

    /// Follows the ledger's ceremony: joins a new round, and deals when dealing opens.
    pub(crate) fn sync(&mut self, ledger: &Ledger, now_ms: u64) -> Vec<Effect> {
        let mut effects = Vec::new();
        let Some(ceremony) = &ledger.state().ceremony else { return effects };
        if self.active.as_ref().is_none_or(|active| active.round != ceremony.round) {
            self.active = self.join(ledger.genesis(), ceremony.round, &mut effects);
        }
        let my_key = ceremony.keys.get(&self.me).copied();
        let Some(active) = &mut self.active else { return effects };
        // With another key of mine on the ledger, dealings can't be opened here.
        let mine = my_key == Some(active.ephemeral.public());
        if ceremony.stage == Stage::Dealing && mine && active.dealing.is_none() {
            let give_up = now_ms.saturating_add(ceremony.clock.window_ms / 2);
            active.deal(&self.network_key, self.me, ledger, give_up, &mut effects);
            remember(&mut self.journal, &effects);
        }
        effects
    }

    fn join(&mut self, genesis: &Genesis, round: u64, effects: &mut Vec<Effect>) -> Option<Round> {
        let info = ceremony_of(genesis, round).ok()?;
        let seed = match self.journal.secrets.get(&round) {
            Some(seed) => *seed,
            None => {
                let parts = [self.entropy.as_slice(), &round.to_be_bytes()].concat();
                let seed = keccak256(Zeroizing::new(parts)).0;
                let key = JournalKey::CeremonySecret(round);
                effects.push(Effect::Persist { key, value: Some(seed.to_vec()) });
                self.journal.secrets.insert(round, seed);
                seed
            }
        };
        let ephemeral = EphemeralKey::from_seed(&derive(&seed, b"ephemeral"));
        let player = dkg::Player::new(&info, self.network_key.as_bytes())?;
        let mut active = Round {
            round,
            info,
            ephemeral,
            seed: Zeroizing::new(seed),
            player,
            held: BTreeSet::new(),
            dealing: None,
            log: self.journal.logs.get(&round).cloned(),
        };
        for ((of, dealer), bytes) in &self.journal.dealings {
            let key = genesis.member(*dealer).map(|member| member.network_key);
            if let (true, Some(key), Ok(stored)) =
                (*of == round, key, StoredDealing::try_from_slice(bytes))
                && active.player.receive_dealing(&key, &stored.public, &stored.private).is_ok()
            {
                active.held.insert(*dealer);
            }
        }
        Some(active)
    }

    /// A message from a member.
    pub(crate) fn received(
        &mut self,
        ledger: &Ledger,
        from: OperatorIndex,
        bytes: &[u8],
    ) -> Vec<Effect> {
        let Ok(message) = Direct::try_from_slice(bytes) else {
            return vec![Effect::Blame { member: from, fault: Fault::Malformed }];
        };
        let Some(active) = &mut self.active else { return Vec::new() };
        match message {
            Direct::Dealing { round, public, sealed } if round == active.round => {
                let effects = active.dealt(ledger, self.me, from, public, &sealed);
                remember(&mut self.journal, &effects);
                effects
            }
            Direct::Ack { round, ack } if round == active.round => {
                active.acked(ledger, from, &ack);
                Vec::new()
            }
            Direct::Dealing { .. } | Direct::Ack { .. } => Vec::new(),
        }
    }

    /// Sends dealings that were not acknowledged, and closes the log when it is time.
    pub(crate) fn publish(&mut self, ledger: &Ledger, now_ms: u64) -> Vec<Effect> {
        let n = ledger.genesis().members.len();
        let quorum = ledger.genesis().quorums().q;
        let Some(active) = &mut self.active else { return Vec::new() };
        let mut effects = active.deliveries(now_ms);
        if let Some(log) = active.close(n, quorum, now_ms) {
            let key = JournalKey::DealerLog(active.round);
            effects.push(Effect::Persist { key, value: Some(log.clone()) });
            self.journal.logs.insert(active.round, log);
        }
        effects
    }

    /// The ceremony facts that the ledger does not have of this member.
    pub(crate) fn facts(&self, ledger: &Ledger) -> Vec<Fact> {
        let (Some(ceremony), Some(active)) = (&ledger.state().ceremony, &self.active) else {
            return Vec::new();
        };
        let round = ceremony.round;
        if active.round != round {
            return Vec::new();
        }
        match ceremony.stage {
            Stage::Keys if !ceremony.keys.contains_key(&self.me) => {
                vec![Fact::CeremonyKey { round, key: active.ephemeral.public() }]
            }
            Stage::Dealing if !ceremony.logs.contains_key(&self.me) => {
                active.log.iter().map(|log| Fact::CeremonyLog { round, log: log.clone() }).collect()
            }
            Stage::Keys | Stage::Dealing => Vec::new(),
        }
    }

    /// This member's share of the group that the ledger has formed.
    pub(crate) fn share(&mut self, ledger: &Ledger) -> Option<Result<(u64, Share), Warning>> {
        let group = ledger.state().group.as_ref()?;
        let round = group.round;
        if self.active.as_ref().is_none_or(|active| active.round != round) {
            self.active = self.join(ledger.genesis(), round, &mut Vec::new());
        }
        let active = self.active.as_ref()?;
        let result = active.player.finalize(&group.logs);
        Some(match result {
            Ok((_, share)) => Ok((round, share)),
            Err(error) => Err(Warning::NoShare { round, reason: error.to_string() }),
        })
    }

    /// Whether to say that there is no share: once.
    pub(crate) fn complain(&mut self) -> bool {
        !std::mem::replace(&mut self.complained, true)
    }

    /// Erases every secret of ended rounds; the share is stored.
    pub(crate) fn erase(&mut self) -> Vec<Effect> {
        self.active = None;
        let journal = std::mem::take(&mut self.journal);
        let secrets = journal.secrets.into_keys().map(JournalKey::CeremonySecret);
        let dealings =
            journal.dealings.into_keys().map(|(round, dealer)| JournalKey::Dealing(round, dealer));
        let logs = journal.logs.into_keys().map(JournalKey::DealerLog);
        secrets
            .chain(dealings)
            .chain(logs)
            .map(|key| Effect::Persist { key, value: None })
            .collect()
    }
}

/// Notes the dealings that are being persisted, so that they are erased in the end.
fn remember(journal: &mut CeremonyJournal, effects: &[Effect]) {
    for effect in effects {
        if let Effect::Persist { key: JournalKey::Dealing(round, dealer), value: Some(bytes) } =
            effect
        {
            journal.dealings.insert((*round, *dealer), bytes.clone());
        }
    }
}

fn derive(seed: &[u8; 32], purpose: &[u8]) -> [u8; 32] {
    keccak256(Zeroizing::new([seed.as_slice(), purpose].concat())).0
}

impl Round {
    /// Deals to every member that announced a key; to itself at once.
    fn deal(
        &mut self,
        network_key: &SigningKey,
        me: OperatorIndex,
        ledger: &Ledger,
        give_up_ms: u64,
        effects: &mut Vec<Effect>,
    ) {
        let Some(ceremony) = &ledger.state().ceremony else { return };
        let secret = Zeroizing::new(network_key.to_bytes());
        let seed = derive(&self.seed, b"dealer");
        let Ok((mut dealer, messages)) = dkg::Dealer::start(&self.info, &secret, None, &seed)
        else {
            return;
        };
        let mine = network_key.verifying_key().to_bytes();
        let mut dealing = Dealing {
            dealer: None,
            public: messages.public.clone(),
            waiting: BTreeMap::new(),
            acked: 0,
            give_up_ms,
        };
        for (player, private) in &messages.private {
            let Some(index) = index_of(ledger.genesis(), player) else { continue };
            if index == me {
                let stored =
                    StoredDealing { public: messages.public.clone(), private: private.to_vec() };
                if let Ok(ack) = self.player.receive_dealing(&mine, &messages.public, private)
                    && dealer.receive_ack(&mine, &ack).is_ok()
                {
                    let value = borsh::to_vec(&stored).ok();
                    let key = JournalKey::Dealing(self.round, me);
                    effects.push(Effect::Persist { key, value });
                    self.held.insert(me);
                    dealing.acked += 1;
                }
            } else if let Some(key) = ceremony.keys.get(&index)
                && let Ok(sealed) = threshold::seal(
                    key,
                    &self.info.dealing_context(&mine, player),
                    private,
                    &derive(&self.seed, b"seal"),
                )
            {
                let pause = Backoff::new(DEAL_MS.0, DEAL_MS.1);
                dealing.waiting.insert(index, (sealed, pause));
            }
        }
        dealing.dealer = Some(dealer);
        self.dealing = Some(dealing);
    }

    fn dealt(
        &mut self,
        ledger: &Ledger,
        me: OperatorIndex,
        from: OperatorIndex,
        public: Vec<u8>,
        sealed: &[u8],
    ) -> Vec<Effect> {
        let genesis = ledger.genesis();
        let (Some(dealer), Some(player)) = (genesis.member(from), genesis.member(me)) else {
            return Vec::new();
        };
        let context = self.info.dealing_context(&dealer.network_key, &player.network_key);
        let round = self.round;
        let refused = |reason: String| {
            vec![Effect::Warn(Warning::BadDealing { dealer: from, round, reason })]
        };
        let private = match threshold::open(&self.ephemeral, &context, sealed) {
            Ok(private) => private,
            Err(error) => return refused(error.to_string()),
        };
        let ack = match self.player.receive_dealing(&dealer.network_key, &public, &private) {
            Ok(ack) => ack,
            Err(error) => return refused(error.to_string()),
        };
        let mut effects = Vec::new();
        if self.held.insert(from) {
            let value = borsh::to_vec(&StoredDealing { public, private: private.to_vec() }).ok();
            effects.push(Effect::Persist { key: JournalKey::Dealing(round, from), value });
        }
        if let Ok(bytes) = borsh::to_vec(&Direct::Ack { round, ack }) {
            effects.push(Effect::Send { to: from, bytes });
        }
        effects
    }

    fn acked(&mut self, ledger: &Ledger, from: OperatorIndex, ack: &[u8]) {
        let (Some(dealing), Some(member)) = (&mut self.dealing, ledger.genesis().member(from))
        else {
            return;
        };
        let Some(dealer) = &mut dealing.dealer else { return };
        if dealing.waiting.contains_key(&from)
            && dealer.receive_ack(&member.network_key, ack).is_ok()
        {
            dealing.waiting.remove(&from);
            dealing.acked += 1;
        }
    }

    fn deliveries(&mut self, now_ms: u64) -> Vec<Effect> {
        let Some(dealing) = &mut self.dealing else { return Vec::new() };
        let (round, public) = (self.round, &dealing.public);
        dealing
            .waiting
            .iter_mut()
            .filter_map(|(to, (sealed, backoff))| {
                backoff.take(now_ms)?;
                let (public, sealed) = (public.clone(), sealed.clone());
                let bytes = borsh::to_vec(&Direct::Dealing { round, public, sealed }).ok()?;
                Some(Effect::Send { to: *to, bytes })
            })
            .collect()
    }

    /// The log, once all have acknowledged, or q have and the others had half the stage's time.
    fn close(&mut self, n: usize, quorum: usize, now_ms: u64) -> Option<Vec<u8>> {
        if self.log.is_some() {
            return None;
        }
        let dealing = self.dealing.as_mut()?;
        let enough =
            dealing.acked == n || (dealing.acked >= quorum && now_ms >= dealing.give_up_ms);
        let log = enough.then(|| dealing.dealer.take())??.finalize();
        self.log = Some(log.clone());
        Some(log)
    }
}

fn index_of(genesis: &Genesis, network_key: &[u8; 32]) -> Option<OperatorIndex> {
    genesis.indices().find(|index| {
        genesis.member(*index).is_some_and(|member| member.network_key == *network_key)
    })
}
