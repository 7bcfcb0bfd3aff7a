//! Four members who run a ledger with real keys, real proofs and real commit certificates.

use std::{collections::BTreeMap, path::Path, sync::OnceLock};

use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use arc_malachitebft_core_types::{CommitCertificate, CommitSignature, NilOrVal, Round, VoteType};
use assay_audit::{Exporter, Options, Report, Unusable, verify};
use consensus::{BlockId, ConsensusKey, encode_certificate, vote_digest};
use proofs::{
    formats::snarkjs,
    groth16_bn254::{Input, Statement},
};
use protocol::{
    block::Block,
    bundle::{Bundle, SignedBundle},
    bytes::{self, block_id},
    ecdsa::Signer,
    fact::{Fact, Reveal},
    genesis::{Genesis, Hub, Member, Parameters},
    ids::{Height, HubIndex, JobId, LedgerTime, OperatorIndex},
    job::{JobDescriptor, Position, Sighting},
    ledger::{Ledger, ceremony_of},
    outcome::Verdict,
    response::SignedResponse,
    subject::{GroupSignature, Subject},
};
use threshold::{Share, dkg};

const START_MS: u64 = 1_700_000_000_000;

/// What a job was judged by.
#[derive(Clone, Default)]
pub(crate) struct Material {
    pub(crate) statement: Bytes,
    pub(crate) key: Bytes,
    pub(crate) response: Option<Bytes>,
}

/// A ledger, and everything that an export of it takes.
pub(crate) struct Story {
    pub(crate) ledger: Ledger,
    pub(crate) blocks: Vec<(Bytes, Bytes)>,
    pub(crate) materials: BTreeMap<JobId, Material>,
    signers: Vec<Signer>,
    consensus: Vec<ConsensusKey>,
    networks: Vec<[u8; 32]>,
    shares: Vec<Share>,
    provider: Signer,
    now_ms: u64,
}

/// A valid proof of another project's circuit, with its inputs fixed by the statement.
pub(crate) struct Proven {
    pub(crate) key: Bytes,
    pub(crate) proof: Vec<u8>,
    pub(crate) inputs: Vec<U256>,
    pub(crate) id: B256,
}

pub(crate) fn fixture() -> Proven {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../proofs/tests/fixtures/groth16/taceo-multiplier2-1pub");
    let file = |name: &str| std::fs::read(folder.join(name)).unwrap();
    let key = snarkjs::read_key(&file("verification_key.json")).unwrap();
    Proven {
        key: key.to_canonical().into(),
        id: key.id(),
        proof: snarkjs::read_proof(&file("proof.json")).unwrap().to_canonical().to_vec(),
        inputs: snarkjs::read_public(&file("public.json")).unwrap().numbers(),
    }
}

impl Proven {
    /// The statement over these inputs plus `offset`: the proof holds for offset 0 alone.
    pub(crate) fn statement(&self, offset: u64) -> Bytes {
        let inputs =
            self.inputs.iter().map(|input| Input::Fixed(*input + U256::from(offset))).collect();
        Statement { vk_id: self.id, inputs }.encode().into()
    }
}

impl Story {
    pub(crate) fn new() -> Self {
        let mut keys: Vec<(Signer, [u8; 32])> = (1..=4u8)
            .map(|seed| (Signer::from_secret(&[seed; 32]).unwrap(), keccak256([seed]).0))
            .collect();
        keys.sort_by_key(|(_, network)| dkg::public_identity(network));
        let consensus: Vec<ConsensusKey> =
            (11..15u8).map(|seed| ConsensusKey::from_bytes(&[seed; 32]).unwrap()).collect();
        let member = |((signer, network), key): (&(Signer, [u8; 32]), &ConsensusKey)| Member {
            operator: signer.address(),
            consensus_key: key.public_key().to_bytes(),
            network_key: dkg::public_identity(network),
            addresses: vec!["/ip4/127.0.0.1/tcp/9000".into()],
        };
        let genesis = Genesis {
            salt: B256::ZERO,
            time_ms: LedgerTime(START_MS),
            committee_id: 0,
            hubs: vec![Hub { chain_id: 31337, hub: Address::repeat_byte(0xAB), start_block: 0 }],
            members: keys.iter().zip(&consensus).map(member).collect(),
            parameters: Parameters {
                answer_ms: 10_000,
                commit_ms: 5_000,
                reveal_ms: 5_000,
                ceremony_ms: 60_000,
            },
        };
        let (signers, networks) = keys.into_iter().unzip();
        let mut story = Self {
            ledger: Ledger::new(genesis).unwrap(),
            blocks: Vec::new(),
            materials: BTreeMap::new(),
            signers,
            consensus,
            networks,
            shares: Vec::new(),
            provider: Signer::from_secret(&[9; 32]).unwrap(),
            now_ms: START_MS,
        };
        story.form_group();
        story
    }

    fn form_group(&mut self) {
        let keys = (0..4).map(|at| (at, vec![Fact::CeremonyKey { round: 1, key: [at as u8; 32] }]));
        self.block(keys.collect(), Vec::new());
        let info = ceremony_of(self.ledger.genesis(), 1).unwrap();
        let identities: Vec<[u8; 32]> = self.networks.iter().map(dkg::public_identity).collect();
        let mut players: Vec<dkg::Player> =
            self.networks.iter().map(|key| dkg::Player::new(&info, key).unwrap()).collect();
        let mut logs = Vec::new();
        for (at, network) in self.networks.iter().enumerate() {
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
        let facts = logs.into_iter().enumerate();
        let facts = facts.map(|(at, log)| (at, vec![Fact::CeremonyLog { round: 1, log }]));
        self.block(facts.collect(), Vec::new());
        let logs = self.ledger.state().group.as_ref().unwrap().logs.clone();
        self.shares = players.iter().map(|player| player.finalize(&logs).unwrap().1).collect();
    }

    fn bundle(&self, at: usize, facts: Vec<Fact>) -> SignedBundle {
        let operator = OperatorIndex(at as u16);
        let number = self.ledger.state().member(operator).unwrap().bundles + 1;
        let bundle = Bundle { operator, number, time: LedgerTime(self.now_ms), facts };
        bundle.sign(self.ledger.state().ledger_id, &self.signers[at])
    }

    /// Three of four decide a block with these facts, 10 ms after the last.
    pub(crate) fn block(
        &mut self,
        facts: Vec<(usize, Vec<Fact>)>,
        signatures: Vec<GroupSignature>,
    ) {
        self.now_ms += 10;
        let bundles = facts.into_iter().map(|(at, facts)| self.bundle(at, facts)).collect();
        let block = Block { state_digest: self.ledger.digest(), bundles, signatures };
        self.ledger.validate(&block).unwrap();
        let height = Height(self.ledger.state().height.0 + 1);
        let body = block.encode();
        let ledger = self.ledger.state().ledger_id;
        let id = block_id(ledger, height, &body);
        self.ledger.apply(id, &block);
        let certificate = self.certificate(&ledger, height, id);
        self.blocks.push((body.into(), certificate));
    }

    fn certificate(&self, ledger: &B256, height: Height, id: B256) -> Bytes {
        let value = BlockId(id.0);
        let digest = vote_digest(
            &ledger.0,
            VoteType::Precommit,
            height.0,
            Round::new(0),
            NilOrVal::Val(value),
        );
        let vote = |key: &ConsensusKey| {
            CommitSignature::new(key.public_key().address(), key.sign(&digest).unwrap())
        };
        encode_certificate(&CommitCertificate {
            height: consensus::Height(height.0),
            round: Round::new(0),
            value_id: value,
            commit_signatures: self.consensus[..3].iter().map(vote).collect(),
        })
        .into()
    }

    fn all(&mut self, facts: &[Fact]) {
        self.block((0..4).map(|at| (at, facts.to_vec())).collect(), Vec::new());
    }

    fn pass(&mut self, ms: u64) {
        self.now_ms += ms;
        for _ in 0..6 {
            self.all(&[]);
        }
    }

    fn sign(&self, subject: Subject) -> GroupSignature {
        let message = self.ledger.state().due[&subject];
        let partials: Vec<_> =
            self.shares.iter().map(|share| threshold::sign_partial(share, &message.0)).collect();
        let sharing = &self.ledger.group().unwrap().sharing;
        let combined = threshold::combine(sharing, &message.0, &partials[..3]).unwrap();
        GroupSignature { subject, signature: combined.signature.to_bytes() }
    }

    /// The group signs the outcomes so far.
    pub(crate) fn attest(&mut self) {
        let mut due = self.ledger.state().due.keys().copied();
        let last = due.rfind(|subject| matches!(subject, Subject::Attestation { .. }));
        let signature = self.sign(last.unwrap());
        self.block(Vec::new(), vec![signature]);
    }

    /// A job that waits for its answer.
    pub(crate) fn challenged(&mut self, index: u64, statement: Bytes, key: Bytes) -> JobId {
        let job = JobDescriptor {
            chain_id: 31337,
            escrow: Address::repeat_byte(0xEE),
            index,
            provider: self.provider.address(),
            kind: proofs::Kind::of_name("groth16-bn254").0,
            statement_hash: keccak256(&statement),
            deadline_seconds: START_MS / 1000 + 100_000,
        };
        let id = job.id();
        self.materials.insert(id, Material { statement, key, response: None });
        let position = Position { block_number: 7, log_index: 0 };
        self.all(&[Fact::Saw(Sighting { hub: HubIndex(0), job, position })]);
        let beacon = self.sign(Subject::Beacon { height: self.ledger.state().height });
        self.block(Vec::new(), vec![beacon]);
        id
    }

    fn response(&self, job: JobId, body: &[u8]) -> SignedResponse {
        let mut response = SignedResponse { job, parts: vec![body.to_vec()], signature: [0; 65] };
        let hub = self.ledger.genesis().hubs[0].address();
        let seed = self.ledger.state().jobs[&job].seed;
        let ledger = self.ledger.state().ledger_id;
        let digest = bytes::response_digest(ledger, hub, job, seed, response.hash());
        response.signature = self.provider.sign(digest);
        response
    }

    fn got(&self, job: JobId, body: &[u8]) -> Fact {
        let response = self.response(job, body);
        Fact::Got { job, response: response.hash(), signature: response.signature }
    }

    /// Two members hold the answer, and all commit to what they make of it.
    fn answered(&mut self, job: JobId, body: &[u8], judged: impl Fn(usize) -> Judged) {
        let response = self.response(job, body).encode();
        self.materials.get_mut(&job).unwrap().response = Some(response.into());
        let got = self.got(job, body);
        self.block(vec![(0, vec![got.clone()]), (1, vec![got])], Vec::new());
        let commits = (0..4).map(|at| (at, vec![self.commit(at, job, judged(at))]));
        self.block(commits.collect(), Vec::new());
        let reveals = (0..4).map(|at| {
            let reveal = self.reveal(job, judged(at));
            (at, vec![Fact::Reveal { job, reveal }])
        });
        self.block(reveals.collect(), Vec::new());
    }

    fn reveal(&self, job: JobId, (verdict, code, value): Judged) -> Reveal {
        let job = &self.ledger.state().jobs[&job];
        Reveal {
            verdict,
            code,
            value,
            seed: job.seed,
            response: job.response,
            reported: B256::ZERO,
            salt: B256::repeat_byte(5),
        }
    }

    fn commit(&self, at: usize, job: JobId, judged: Judged) -> Fact {
        let reveal = self.reveal(job, judged);
        let statement = self.ledger.state().jobs[&job].sighting.job.statement_hash;
        let ledger = self.ledger.state().ledger_id;
        let commitment = bytes::commitment(
            ledger,
            job,
            self.signers[at].address(),
            &reveal.judgement(statement),
            reveal.salt,
        );
        Fact::Commit { job, commitment }
    }

    /// A job that members judge as they are told.
    pub(crate) fn judged(
        &mut self,
        index: u64,
        offset: u64,
        judged: impl Fn(usize) -> Judged,
    ) -> JobId {
        let proven = fixture();
        let id = self.challenged(index, proven.statement(offset), proven.key.clone());
        self.answered(id, &proven.proof, judged);
        id
    }

    /// Jobs of every ending: two judged, one missed, one equivocated, one without a quorum.
    pub(crate) fn of_every_ending() -> Self {
        let mut story = Self::new();
        let proven = fixture();
        story.judged(1, 0, |_| VALID);
        story.judged(2, 1, |_| REJECTED);
        story.challenged(3, proven.statement(0), proven.key.clone());
        story.pass(1_000);
        story.pass(11_000);
        let equivocated = story.challenged(4, proven.statement(0), proven.key.clone());
        let (one, two) = (story.got(equivocated, b"one"), story.got(equivocated, b"two"));
        story.block(vec![(0, vec![one]), (1, vec![two])], Vec::new());
        story.judged(5, 0, |at| if at < 2 { VALID } else { REJECTED });
        story.pass(1_000);
        story.pass(6_000);
        story.attest();
        story
    }

    /// The export of the story, with the materials that `with` lets through.
    pub(crate) fn export(&self, with: impl Fn(JobId, &Material) -> Material) -> Vec<u8> {
        let mut exporter = Exporter::new(Vec::new(), self.ledger.genesis().clone()).unwrap();
        for (body, certificate) in &self.blocks {
            for conclusion in exporter.block(body.clone(), certificate.clone()).unwrap() {
                let job = conclusion.outcome.job;
                let material = with(job, &self.materials[&job]);
                if !material.statement.is_empty() {
                    exporter.statement(job.0, material.statement).unwrap();
                }
                if !material.key.is_empty() {
                    exporter.key(job.0, material.key).unwrap();
                }
                let response = material.response.filter(|_| conclusion.response_hash().is_some());
                if let Some(response) = response {
                    exporter.response(job.0, response).unwrap();
                }
            }
        }
        let (file, summary) = exporter.finish().unwrap();
        assert_eq!(summary.state_digest, self.ledger.digest());
        file
    }
}

/// A judgement's verdict, code and value.
pub(crate) type Judged = (Verdict, u16, u128);

pub(crate) const VALID: Judged = (Verdict::Valid, 0, 1);
pub(crate) const REJECTED: Judged = (Verdict::Invalid, 200, 0);

/// The export of [`Story::of_every_ending`], made once.
pub(crate) fn export() -> &'static [u8] {
    static EXPORT: OnceLock<Vec<u8>> = OnceLock::new();
    EXPORT.get_or_init(|| Story::of_every_ending().export(|_, material| material.clone()))
}

pub(crate) fn audit(file: &[u8]) -> Result<Report, Unusable> {
    verify(file, &Options::default(), &mut ())
}

/// Whether an audit takes the file for what it is not.
pub(crate) fn refuted(file: &[u8]) -> bool {
    audit(file).map_or(true, |report| {
        assert_eq!(report.verified, report.findings.is_empty());
        !report.verified
    })
}

/// The file's lines, with their ends.
pub(crate) fn lines(file: &[u8]) -> Vec<Vec<u8>> {
    file.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect()
}

/// What the finding says.
pub(crate) fn findings(file: &[u8]) -> Vec<(u64, String)> {
    let report = audit(file).unwrap();
    report.findings.into_iter().map(|finding| (finding.record, finding.what)).collect()
}
