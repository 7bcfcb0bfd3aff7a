//! The operator: inputs in, effects out.

use std::{collections::BTreeMap, fmt};

use alloy_primitives::{Address, B256};
use borsh::BorshDeserialize;
use ed25519_dalek::SigningKey;
use protocol::{
    block::{Block, BlockError},
    bundle::SignedBundle,
    bytes,
    ecdsa::Signer,
    envelope::PartialEnvelope,
    fact::{Fact, Reveal},
    ids::{HubIndex, JobId, OperatorIndex},
    ledger::{Event, Ledger, Phase, SkipCode},
    response::{ResponseError, SignedResponse},
    subject::Subject,
};
use thiserror::Error;
use threshold::Share;
use zeroize::Zeroizing;

use crate::{
    awaited::Awaited,
    bundler::Bundler,
    ceremony::{CeremonyDriver, CeremonyJournal},
    effect::{Acceptance, Effect, Fault, JournalKey, Judged, ResponseRefused, Topic, Warning},
    frame,
    judging::Judging,
    pool::BundlePool,
    requests::{Request, Requests},
    responses::{Announcement, Responses},
    signing::Signing,
};

/// Who this operator is.
pub struct Config {
    /// Signs bundles.
    pub signer: Signer,
    /// Signs envelopes, dealings and acknowledgements.
    pub network_key: SigningKey,
    /// Derives the salts of commitments: the same after every restart.
    pub salt_secret: Zeroizing<[u8; 32]>,
    /// Fresh entropy of this process: seeds ceremony rounds that the journal does not know.
    pub entropy: Zeroizing<[u8; 32]>,
}

/// What a host found on disk.
#[derive(Default)]
pub struct Restored {
    /// The journal.
    pub journal: BTreeMap<JournalKey, Vec<u8>>,
    /// The share of the ledger's group, if it was stored.
    pub share: Option<Share>,
}

/// Why an operator cannot start.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum StartError {
    /// The keys are nobody's in this genesis.
    #[error("operator {0} is not a member of this ledger's committee")]
    NoMember(Address),
    /// The network key is another's than the genesis says.
    #[error("the network key is not the one that the genesis has for operator {0}")]
    NetworkKey(Address),
    /// A journal entry that does not decode.
    #[error("journal entry {0:?} cannot be decoded: the store is damaged, restore a backup")]
    Journal(JournalKey),
}

/// One operator of the committee.
pub struct Operator {
    me: OperatorIndex,
    signer: Signer,
    ledger: Ledger,
    pool: BundlePool,
    bundler: Bundler,
    requests: Requests,
    responses: Responses,
    judging: Judging,
    signing: Signing,
    ceremony: CeremonyDriver,
}

impl fmt::Debug for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Operator")
            .field("me", &self.me)
            .field("height", &self.ledger.state().height)
            .finish_non_exhaustive()
    }
}

impl Operator {
    /// The operator on a ledger that has applied every stored block.
    ///
    /// # Errors
    /// When the keys are not those of a member, or the journal is damaged.
    pub fn new(config: Config, ledger: Ledger, restored: Restored) -> Result<Self, StartError> {
        let address = config.signer.address();
        let me = ledger.genesis().index_of(address).ok_or(StartError::NoMember(address))?;
        let expected = ledger.genesis().member(me).map(|member| member.network_key);
        if expected != Some(config.network_key.verifying_key().to_bytes()) {
            return Err(StartError::NetworkKey(address));
        }
        let mut requests = Requests::default();
        let mut responses = Responses::default();
        let mut judging = Judging::new(config.salt_secret);
        let mut journal = CeremonyJournal::default();
        let mut bundle = None;
        for (key, value) in restored.journal {
            let damaged = StartError::Journal(key);
            match key {
                JournalKey::Bundle => {
                    bundle = Some(SignedBundle::decode(&value).map_err(|_| damaged)?);
                }
                JournalKey::Request(_) => {
                    requests.restore(Request::try_from_slice(&value).map_err(|_| damaged)?);
                }
                JournalKey::Response(..) => {
                    responses.restore(SignedResponse::decode(&value).map_err(|_| damaged)?);
                }
                JournalKey::Judgement(job) => {
                    judging.restore(job, Reveal::try_from_slice(&value).map_err(|_| damaged)?);
                }
                JournalKey::CeremonySecret(round) => {
                    let secret = <[u8; 32]>::try_from(value.as_slice()).map_err(|_| damaged)?;
                    journal.secrets.insert(round, secret);
                }
                JournalKey::Dealing(round, dealer) => {
                    journal.dealings.insert((round, dealer), value);
                }
                JournalKey::DealerLog(round) => {
                    journal.logs.insert(round, value);
                }
            }
        }
        let network_key = config.network_key;
        Ok(Self {
            me,
            signer: config.signer,
            ledger,
            pool: BundlePool::default(),
            bundler: Bundler::new(me, bundle),
            requests,
            responses,
            judging,
            signing: Signing::new(me, network_key.clone(), restored.share),
            ceremony: CeremonyDriver::new(me, network_key, config.entropy, journal),
        })
    }

    /// This operator's place in the committee.
    pub fn index(&self) -> OperatorIndex {
        self.me
    }

    /// The ledger as this operator has it.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Partial signatures that a member gave on what was due, since the start.
    pub fn partials(&self, operator: OperatorIndex) -> u64 {
        self.signing.partials(operator)
    }

    /// Whether it holds a share of the group key.
    pub fn has_share(&self) -> bool {
        self.signing.has_share()
    }

    /// The statement of a job that this operator's endpoint has shown.
    pub fn statement(&self, job: JobId) -> Option<&[u8]> {
        self.requests.get(job).map(|request| request.statement.as_slice())
    }

    /// The seed of an open job's challenge, once the group's signature on its beacon is known
    /// here, be it on the ledger or not yet: nobody can make another.
    pub fn seed(&self, id: JobId) -> Option<B256> {
        let job = self.ledger.state().jobs.get(&id)?;
        if job.phase != Phase::Challenged {
            return Some(job.seed);
        }
        let beacon = self.signing.signature(Subject::Beacon { height: job.opened })?;
        Some(bytes::seed(&beacon.eip2537, job.opened_in, id))
    }

    /// A response that is held for an open job.
    pub fn response(&self, job: JobId, response: B256) -> Option<&SignedResponse> {
        self.responses.get(job, response)
    }

    /// A chain was re-organised below its finality: nothing more is signed for its hub, neither partial signatures nor
    /// facts about its jobs. To be called again after a restart, before [`Operator::start`].
    pub fn halt(&mut self, hub: HubIndex) {
        self.signing.halt(hub);
    }

    /// To be called once before any other input.
    pub fn start(&mut self, now_ms: u64) -> Vec<Effect> {
        let mut effects: Vec<Effect> =
            self.bundler.decided(&self.ledger).map(Effect::Warn).into_iter().collect();
        if let Some(pending) = self.bundler.pending() {
            self.pool.add(&self.ledger, pending.clone());
        }
        if self.signing.has_share() {
            effects.extend(self.ceremony.erase());
        }
        self.prune(&mut effects);
        self.follow(now_ms, &mut effects);
        effects
    }

    /// The body of the next block, by what is known now.
    pub fn propose(&self) -> Block {
        let mut block = Block {
            state_digest: self.ledger.digest(),
            bundles: Vec::new(),
            signatures: self.signing.for_block(),
        };
        self.pool.fill(&self.ledger, &mut block);
        block
    }

    /// Whether the next block would bring more about if it were proposed a moment later: others
    /// are about to state what ends a phase of a job.
    pub fn awaits_more(&self) -> bool {
        Awaited {
            ledger: &self.ledger,
            pool: &self.pool,
            requests: &self.requests,
            responses: &self.responses,
            signing: &self.signing,
        }
        .any()
    }

    /// Whether a block may be decided as the next one.
    ///
    /// # Errors
    /// As [`Ledger::validate`].
    pub fn validate(&self, block: &Block) -> Result<(), BlockError> {
        self.ledger.validate_knowing(block, |signed| self.pool.holds(signed))
    }

    /// The next block is decided, and durable.
    pub fn decided(&mut self, now_ms: u64, block_id: B256, block: &Block) -> Vec<Effect> {
        let events = self.ledger.apply(block_id, block);
        let mut effects: Vec<Effect> =
            self.bundler.decided(&self.ledger).map(Effect::Warn).into_iter().collect();
        for event in &events {
            self.note_skipped(block, event, &mut effects);
        }
        effects.extend(events.into_iter().map(Effect::Ledger));
        self.prune(&mut effects);
        self.follow(now_ms, &mut effects);
        effects
    }

    fn note_skipped(&mut self, block: &Block, event: &Event, effects: &mut Vec<Effect>) {
        let Event::Skipped { operator, number, position, code } = event else { return };
        if *operator != self.me {
            return;
        }
        let fact = block
            .bundles
            .iter()
            .find(|signed| signed.bundle.operator == self.me)
            .and_then(|signed| signed.bundle.facts.get(*position));
        if let Some(fact) = fact {
            self.bundler.skipped(fact, *code);
        }
        let (number, position, code) = (*number, *position, *code);
        if !is_overtaken(code) {
            effects.push(Effect::Warn(Warning::Skipped { number, position, code }));
        }
    }

    fn prune(&mut self, effects: &mut Vec<Effect>) {
        self.pool.prune(&self.ledger);
        self.bundler.prune(&self.ledger);
        effects.extend(self.requests.prune(&self.ledger));
        effects.extend(self.responses.prune(&self.ledger));
        effects.extend(self.judging.prune(&self.ledger));
    }

    /// Time passes.
    pub fn tick(&mut self, now_ms: u64) -> Vec<Effect> {
        let mut effects = Vec::new();
        self.follow(now_ms, &mut effects);
        effects
    }

    /// This operator's own endpoint shows a request as final.
    pub fn requested(&mut self, now_ms: u64, request: Request) -> Vec<Effect> {
        let mut effects: Vec<Effect> =
            self.requests.add(&self.ledger, request).into_iter().collect();
        self.follow(now_ms, &mut effects);
        effects
    }

    /// A verifier has judged what [`Effect::Verify`] asked for.
    pub fn verified(
        &mut self,
        now_ms: u64,
        job: JobId,
        response: B256,
        judged: &Judged,
    ) -> Vec<Effect> {
        let mut effects: Vec<Effect> =
            self.judging.judged(&self.ledger, job, response, judged).into_iter().collect();
        self.follow(now_ms, &mut effects);
        effects
    }

    /// A provider, or a member that was asked, brings a response.
    ///
    /// # Errors
    /// When no job waits for it, or its provider did not sign it.
    pub fn responded(
        &mut self,
        now_ms: u64,
        response: SignedResponse,
    ) -> Result<Vec<Effect>, ResponseRefused> {
        let mut effects = Vec::new();
        self.hold(response, &mut effects)?;
        self.follow(now_ms, &mut effects);
        Ok(effects)
    }

    /// Takes a response; true if it was new.
    fn hold(
        &mut self,
        response: SignedResponse,
        effects: &mut Vec<Effect>,
    ) -> Result<bool, ResponseRefused> {
        let seed = self.seed(response.job);
        let persist = self.responses.add(&self.ledger, seed, response)?;
        let news = persist.is_some();
        effects.extend(persist);
        Ok(news)
    }

    /// A gossiped message, and the member that passed it on.
    pub fn gossiped(
        &mut self,
        now_ms: u64,
        from: OperatorIndex,
        topic: Topic,
        bytes: &[u8],
    ) -> (Acceptance, Vec<Effect>) {
        let mut effects = Vec::new();
        let Some(message) = frame::unwrap(bytes) else {
            return (Acceptance::Reject(Fault::Malformed), effects);
        };
        let acceptance = match topic {
            Topic::Bundles => self.bundle_received(message, &mut effects),
            Topic::Partials => match PartialEnvelope::decode(message) {
                Ok(envelope) => self.signing.received(&self.ledger, from, envelope, &mut effects),
                Err(_) => Acceptance::Reject(Fault::Malformed),
            },
            Topic::Responses => self.announced(message, &mut effects),
        };
        if acceptance == Acceptance::Accept {
            self.follow(now_ms, &mut effects);
        }
        (acceptance, effects)
    }

    fn bundle_received(&mut self, message: &[u8], effects: &mut Vec<Effect>) -> Acceptance {
        let Ok(signed) = SignedBundle::decode(message) else {
            return Acceptance::Reject(Fault::Malformed);
        };
        let (acceptance, warning) = self.pool.add(&self.ledger, signed);
        effects.extend(warning.map(Effect::Warn));
        acceptance
    }

    fn announced(&mut self, message: &[u8], effects: &mut Vec<Effect>) -> Acceptance {
        let held = match Announcement::try_from_slice(message) {
            Ok(Announcement::Body(response)) => self.hold(response, effects),
            Ok(Announcement::Held { job, response, signature }) => {
                let seed = self.seed(job);
                self.responses.hint(&self.ledger, seed, job, response, &signature)
            }
            Err(_) => return Acceptance::Reject(Fault::Malformed),
        };
        match held {
            Ok(true) => Acceptance::Accept,
            Ok(false) => Acceptance::Ignore,
            // Blocks may not have reached this node yet.
            Err(ResponseRefused::NotWaiting(_) | ResponseRefused::TooMany(_)) => Acceptance::Ignore,
            Err(ResponseRefused::Bad(
                ResponseError::Signature { .. } | ResponseError::WrongSigner { .. },
            )) => Acceptance::Reject(Fault::BadSignature),
            Err(ResponseRefused::Bad(
                ResponseError::TooLong(_) | ResponseError::Parts(_) | ResponseError::Encoding(_),
            )) => Acceptance::Reject(Fault::Malformed),
        }
    }

    /// A message from one member to this one.
    pub fn sent(&mut self, now_ms: u64, from: OperatorIndex, bytes: &[u8]) -> Vec<Effect> {
        let mut effects = self.ceremony.received(&self.ledger, from, bytes);
        self.follow(now_ms, &mut effects);
        effects
    }

    /// Brings everything to where the ledger is, and states what is new.
    fn follow(&mut self, now_ms: u64, effects: &mut Vec<Effect>) {
        self.follow_ceremony(now_ms, effects);
        effects.extend(self.signing.sync(&self.ledger));
        effects.extend(self.signing.publish(now_ms));
        effects.extend(self.responses.announcements(&self.ledger, now_ms));
        effects.extend(self.responses.fetches(&self.ledger, self.me, now_ms));
        effects.extend(self.judging.tasks(&self.ledger, &self.requests, &self.responses));
        self.speak(now_ms, effects);
        if self.wants_block() {
            effects.push(Effect::WantBlock);
        }
    }

    fn follow_ceremony(&mut self, now_ms: u64, effects: &mut Vec<Effect>) {
        if self.ledger.group().is_some() && !self.signing.has_share() {
            match self.ceremony.share(&self.ledger) {
                Some(Ok((round, share))) => {
                    let epoch = self.ledger.state().epoch;
                    self.signing.set_share(share.clone());
                    effects.push(Effect::StoreShare { epoch, round, share: Box::new(share) });
                    effects.extend(self.ceremony.erase());
                }
                Some(Err(warning)) if self.ceremony.complain() => {
                    effects.push(Effect::Warn(warning));
                }
                Some(Err(_)) | None => {}
            }
        }
        effects.extend(self.ceremony.sync(&self.ledger, now_ms));
        effects.extend(self.ceremony.publish(&self.ledger, now_ms));
    }

    /// What this operator has to state and the ledger does not know of.
    fn facts(&self) -> impl Iterator<Item = Fact> {
        let (ledger, me) = (&self.ledger, self.me);
        self.ceremony.facts(ledger).into_iter().chain(
            self.judging
                .facts(ledger, me, self.signer.address())
                .chain(self.responses.facts(ledger, me))
                .chain(self.requests.facts(ledger, me))
                .filter(|(job, _)| !self.is_halted(*job))
                .map(|(_, fact)| fact),
        )
    }

    fn speak(&mut self, now_ms: u64, effects: &mut Vec<Effect>) {
        if self.bundler.pending().is_none() {
            let facts: Vec<Fact> = self.facts().collect();
            let facts = facts.into_iter();
            if let Some(signed) = self.bundler.next(&self.ledger, &self.signer, now_ms, facts) {
                effects.push(Bundler::persist(&signed));
                self.pool.add(&self.ledger, signed);
            }
        }
        effects.extend(self.bundler.publish(now_ms));
    }

    /// Whether a job is of a hub for which nothing is signed.
    fn is_halted(&self, job: JobId) -> bool {
        let opened = self.ledger.state().jobs.get(&job).map(|job| job.sighting.hub);
        let hub = opened.or_else(|| self.requests.get(job).map(|request| request.sighting.hub));
        hub.is_some_and(|hub| self.signing.is_halted(hub))
    }

    fn wants_block(&self) -> bool {
        self.pool.is_urgent(&self.ledger)
            || self.signing.has_for_block()
            || self.ledger.state().wants_block()
            || self.bundler.holds_up(self.facts())
    }
}

/// Whether a fact was skipped because the others were faster: a job is opened and concluded by a
/// quorum, and what the rest says meanwhile comes too late through nobody's fault.
fn is_overtaken(code: SkipCode) -> bool {
    match code {
        SkipCode::AlreadyOpen | SkipCode::Unknown | SkipCode::WrongPhase => true,
        SkipCode::Duplicate
        | SkipCode::Contradiction
        | SkipCode::Expired
        | SkipCode::Full
        | SkipCode::BadSignature
        | SkipCode::NotCommitted
        | SkipCode::WrongSubject
        | SkipCode::BadLog => false,
    }
}
