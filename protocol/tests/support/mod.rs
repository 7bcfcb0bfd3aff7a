//! Four members with real keys, who put what a test wants into blocks.

#![allow(unreachable_pub)]

use alloy_primitives::{Address, B256, keccak256};
use assay_protocol::{
    block::Block,
    bundle::{Bundle, SignedBundle},
    bytes::{self, block_id},
    ecdsa::Signer,
    fact::{Fact, Reveal},
    genesis::{Genesis, Hub, Member, Parameters},
    ids::{Height, HubIndex, JobId, LedgerTime, OperatorIndex},
    job::{JobDescriptor, Position, Sighting},
    ledger::{Event, Ledger, SkipCode, ceremony_of},
    outcome::Verdict,
    response::response_hash,
    subject::{GroupSignature, Subject},
};
use threshold::{Share, dkg};

pub const START_MS: u64 = 1_700_000_000_000;

pub struct Committee {
    pub ledger: Ledger,
    pub signers: Vec<Signer>,
    networks: Vec<[u8; 32]>,
    pub shares: Vec<Share>,
    pub provider: Signer,
    pub now_ms: u64,
}

pub fn genesis() -> (Genesis, Vec<Signer>, Vec<[u8; 32]>) {
    let mut keys: Vec<(Signer, [u8; 32])> = (1..=4u8)
        .map(|seed| (Signer::from_secret(&[seed; 32]).unwrap(), keccak256([seed]).0))
        .collect();
    keys.sort_by_key(|(_, network)| dkg::public_identity(network));
    let genesis = Genesis {
        salt: B256::ZERO,
        time_ms: LedgerTime(START_MS),
        committee_id: 0,
        hubs: vec![Hub { chain_id: 31337, hub: Address::repeat_byte(0xAB), start_block: 0 }],
        members: keys
            .iter()
            .map(|(signer, network)| Member {
                operator: signer.address(),
                consensus_key: signer.public_key(),
                network_key: dkg::public_identity(network),
                addresses: Vec::new(),
            })
            .collect(),
        parameters: Parameters {
            answer_ms: 10_000,
            commit_ms: 5_000,
            reveal_ms: 5_000,
            ceremony_ms: 60_000,
        },
    };
    let (signers, networks) = keys.into_iter().unzip();
    (genesis, signers, networks)
}

impl Committee {
    pub fn new() -> Self {
        let (genesis, signers, networks) = genesis();
        Self {
            ledger: Ledger::new(genesis).unwrap(),
            signers,
            networks,
            shares: Vec::new(),
            provider: Signer::from_secret(&[9; 32]).unwrap(),
            now_ms: START_MS,
        }
    }

    /// With the group key of a real ceremony.
    pub fn with_key() -> Self {
        let mut committee = Self::new();
        let keys = (0..4).map(|at| (at, vec![Fact::CeremonyKey { round: 1, key: [at as u8; 32] }]));
        committee.block(keys.collect());
        let info = ceremony_of(committee.ledger.genesis(), 1).unwrap();
        let identities: Vec<[u8; 32]> =
            committee.networks.iter().map(dkg::public_identity).collect();
        let mut players: Vec<dkg::Player> =
            committee.networks.iter().map(|key| dkg::Player::new(&info, key).unwrap()).collect();
        let mut logs = Vec::new();
        for (at, network) in committee.networks.iter().enumerate() {
            let (mut dealer, messages) =
                dkg::Dealer::start(&info, network, None, &[at as u8; 32]).unwrap();
            for (to, private) in &messages.private {
                let player = identities.iter().position(|identity| identity == to).unwrap();
                let ack = players[player]
                    .receive_dealing(&identities[at], &messages.public, private)
                    .unwrap();
                dealer.receive_ack(to, &ack).unwrap();
            }
            logs.push(dealer.finalize());
        }
        let facts = logs.iter().cloned().enumerate();
        committee.block(
            facts.map(|(at, log)| (at, vec![Fact::CeremonyLog { round: 1, log }])).collect(),
        );
        assert!(committee.ledger.group().is_some());
        let logs = committee.ledger.state().group.as_ref().unwrap().logs.clone();
        committee.shares = players.iter().map(|player| player.finalize(&logs).unwrap().1).collect();
        committee
    }

    pub fn bundle(&self, at: usize, facts: Vec<Fact>) -> SignedBundle {
        let operator = OperatorIndex(at as u16);
        let number = self.ledger.state().member(operator).unwrap().bundles + 1;
        let bundle = Bundle { operator, number, time: LedgerTime(self.now_ms), facts };
        bundle.sign(self.ledger.state().ledger_id, &self.signers[at])
    }

    /// Decides a block with these facts, 10 ms after the last.
    pub fn block(&mut self, facts: Vec<(usize, Vec<Fact>)>) -> Vec<Event> {
        self.block_with(facts, Vec::new())
    }

    pub fn block_with(
        &mut self,
        facts: Vec<(usize, Vec<Fact>)>,
        signatures: Vec<GroupSignature>,
    ) -> Vec<Event> {
        self.now_ms += 10;
        let bundles = facts.into_iter().map(|(at, facts)| self.bundle(at, facts)).collect();
        let block = Block { state_digest: self.ledger.digest(), bundles, signatures };
        self.ledger.validate(&block).unwrap();
        let height = Height(self.ledger.state().height.0 + 1);
        let id = block_id(self.ledger.state().ledger_id, height, &block.encode());
        self.ledger.apply(id, &block)
    }

    /// All four state the same facts.
    pub fn all(&mut self, facts: &[Fact]) -> Vec<Event> {
        self.block((0..4).map(|at| (at, facts.to_vec())).collect())
    }

    /// All four speak while `ms` pass, as heartbeats do, and then for enough blocks for any phase
    /// to end.
    pub fn pass(&mut self, ms: u64) -> Vec<Event> {
        let mut events = Vec::new();
        for _ in 0..ms / 10_000 {
            self.now_ms += 10_000;
            events.extend(self.all(&[]));
        }
        self.now_ms += ms % 10_000;
        for _ in 0..6 {
            events.extend(self.all(&[]));
        }
        events
    }

    pub fn sign(&self, subject: Subject) -> GroupSignature {
        let message = self.ledger.state().due[&subject];
        let partials: Vec<_> =
            self.shares.iter().map(|share| threshold::sign_partial(share, &message.0)).collect();
        let sharing = &self.ledger.group().unwrap().sharing;
        let combined = threshold::combine(sharing, &message.0, &partials[..3]).unwrap();
        GroupSignature { subject, signature: combined.signature.to_bytes() }
    }

    pub fn sighting(&self, index: u64) -> Sighting {
        Sighting {
            hub: HubIndex(0),
            job: JobDescriptor {
                chain_id: 31337,
                escrow: Address::repeat_byte(0xEE),
                index,
                provider: self.provider.address(),
                kind: [1, 2, 3, 4],
                statement_hash: keccak256("statement"),
                deadline_seconds: START_MS / 1000 + 100_000,
            },
            position: Position { block_number: 7, log_index: 0 },
        }
    }

    /// A job that waits for its answer.
    pub fn challenged(&mut self, index: u64) -> JobId {
        let mut jobs = self.challenged_all(&[index]);
        jobs.pop().unwrap()
    }

    /// Jobs that wait for their answers, opened in one block.
    pub fn challenged_all(&mut self, indices: &[u64]) -> Vec<JobId> {
        let sightings: Vec<Sighting> = indices.iter().map(|index| self.sighting(*index)).collect();
        let jobs: Vec<JobId> = sightings.iter().map(|sighting| sighting.job.id()).collect();
        let facts: Vec<Fact> = sightings.into_iter().map(Fact::Saw).collect();
        self.all(&facts);
        let height = self.ledger.state().height;
        let signature = self.sign(Subject::Beacon { height });
        self.block_with(Vec::new(), vec![signature]);
        assert!(jobs.iter().all(|job| self.ledger.state().jobs[job].seed != B256::ZERO));
        jobs
    }

    pub fn got(&self, job: JobId, body: &[u8]) -> Fact {
        let response = response_hash(&[body.to_vec()]);
        let hub = self.ledger.genesis().hubs[0].address();
        let seed = self.ledger.state().jobs[&job].seed;
        let ledger = self.ledger.state().ledger_id;
        let digest = bytes::response_digest(ledger, hub, job, seed, response);
        Fact::Got { job, response, signature: self.provider.sign(digest) }
    }

    /// A job whose response is fixed.
    pub fn answered(&mut self, index: u64) -> JobId {
        let job = self.challenged(index);
        let got = self.got(job, b"answer");
        self.block(vec![(0, vec![got.clone()]), (1, vec![got])]);
        job
    }

    pub fn reveal(&self, job: JobId, verdict: Verdict) -> Reveal {
        let job = &self.ledger.state().jobs[&job];
        Reveal {
            verdict,
            code: 0,
            value: 1,
            seed: job.seed,
            response: job.response,
            reported: B256::ZERO,
            salt: B256::repeat_byte(5),
        }
    }

    pub fn commitment(&self, at: usize, job: JobId, reveal: &Reveal) -> Fact {
        let judgement =
            reveal.judgement(self.ledger.state().jobs[&job].sighting.job.statement_hash);
        let address = self.signers[at].address();
        let ledger = self.ledger.state().ledger_id;
        let commitment = bytes::commitment(ledger, job, address, &judgement, reveal.salt);
        Fact::Commit { job, commitment }
    }
}

pub fn skips(events: &[Event]) -> Vec<SkipCode> {
    events
        .iter()
        .filter_map(|event| match event {
            Event::Skipped { code, .. } => Some(*code),
            _ => None,
        })
        .collect()
}
