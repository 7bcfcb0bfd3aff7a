//! Reading the file once, and deriving everything again.
//!
//! In order of the file: the genesis hashes to the ledger's name; each block's commit certificate is a
//! quorum's over the block's id; the block states the digest that we reached, and its bundles are their
//! operators' next and signed by them; applied, it gives signatures, tallies, outcomes and batches, by
//! the same code that members run, so a group signature that does not hold or a reveal that opens no
//! commitment counts for nothing here either; each outcome that no quorum of reveals made is one that the ledger's own
//! rules give; each other one is judged again from statement, seed, keys and response; batches chain; and
//! the `end` record states the counts, the digest and the hash that we reached.

use std::{
    collections::{BTreeSet, VecDeque},
    io::{self, BufRead},
};

use alloy_primitives::{B256, Bytes};
use consensus::{LedgerValidators, PublicKey, verify_certificate};
use protocol::{
    genesis::Genesis,
    ledger::{Batch, Event},
    subject::Subject,
};
use thiserror::Error;

use crate::{
    conclusion::{Conclusion, Origin},
    finding::{Finding, MAX_FINDINGS},
    judge::{Judge, Judged, Material},
    read::{ReadError, Records},
    record::{BEGINNING, Record},
    replay::{Decided, Replay},
    report::{Counts, HubReport, Report},
};

/// Whether what jobs were judged by must be in the file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Materials {
    /// A job that cannot be judged again is a finding.
    #[default]
    Required,
    /// It is counted.
    Optional,
}

/// How to audit.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// What to make of absent statements, keys and responses.
    pub materials: Materials,
    /// Heights whose digest [`Report::watched`] shall hold.
    pub watched: BTreeSet<u64>,
}

/// Hears what an audit comes across, for checks against the world outside the file.
pub trait Observer {
    /// A job ended.
    fn concluded(&mut self, _conclusion: &Conclusion) {}
    /// Outcomes were put into a batch for their hub.
    fn batch(&mut self, _batch: &Batch) {}
    /// So far the audit has come.
    fn progress(&mut self, _bytes: u64, _height: u64) {}
}

impl Observer for () {}

/// Why there is no report.
#[derive(Debug, Error)]
pub enum Unusable {
    /// The file cannot be read.
    #[error("the file cannot be read: {0}")]
    Io(#[from] io::Error),
    /// The file begins otherwise.
    #[error(
        "not an export of this version: it must begin with {}",
        String::from_utf8_lossy(BEGINNING)
    )]
    NotAnExport,
}

/// Audits a file.
///
/// # Errors
/// Only when there is nothing to audit; what is wrong with an export is in the report.
pub fn verify(
    input: impl BufRead,
    options: &Options,
    observer: &mut dyn Observer,
) -> Result<Report, Unusable> {
    let mut records = Records::new(input);
    if !records.begins_with(BEGINNING)? {
        return Err(Unusable::NotAnExport);
    }
    let mut findings = Findings::default();
    let ended = match begin(&mut records, &mut findings)? {
        None => None,
        Some((replay, validators)) => {
            let mut audit = Audit::new(replay, validators, options, observer);
            audit.run(&mut records, &mut findings)?;
            Some(audit)
        }
    };
    let mut report = match ended {
        Some(audit) => audit.report(),
        None => Report::of_nothing(),
    };
    report.counts.records = records.number;
    report.counts.bytes = records.bytes;
    report.verified = findings.list.is_empty();
    report.findings = findings.list;
    report.findings_left_off = findings.left_off;
    Ok(report)
}

#[derive(Default)]
struct Findings {
    list: Vec<Finding>,
    left_off: u64,
}

/// A record's place.
#[derive(Clone, Copy, Default)]
struct Place {
    record: u64,
    offset: u64,
    height: u64,
}

impl Findings {
    fn add(&mut self, at: Place, job: Option<B256>, what: impl ToString) {
        if self.list.len() >= MAX_FINDINGS {
            self.left_off = self.left_off.saturating_add(1);
            return;
        }
        let Place { record, offset, height } = at;
        self.list.push(Finding { record, offset, height, job, what: what.to_string() });
    }
}

/// The audit cannot go on.
struct Stop;

/// The next record; none, with a finding, if there is none.
fn next<R: BufRead>(
    records: &mut Records<R>,
    height: u64,
    findings: &mut Findings,
) -> Result<Option<Record>, Unusable> {
    match records.next() {
        Ok(Some(record)) => Ok(Some(record)),
        Ok(None) => {
            let at =
                Place { record: records.number.saturating_add(1), offset: records.bytes, height };
            findings.add(at, None, "the file ends here, without an end record: it is cut off");
            Ok(None)
        }
        Err(ReadError::Io(error)) => Err(error.into()),
        Err(ReadError::Malformed(what)) => {
            let at = Place { record: records.number, offset: records.offset, height };
            findings.add(at, None, what);
            Ok(None)
        }
    }
}

fn begin<R: BufRead>(
    records: &mut Records<R>,
    findings: &mut Findings,
) -> Result<Option<(Replay, LedgerValidators)>, Unusable> {
    let Some(record) = next(records, 0, findings)? else { return Ok(None) };
    let at = Place { record: records.number, offset: records.offset, height: 0 };
    records.pass();
    let Record::Genesis { ledger_id, genesis, .. } = record else {
        findings.add(at, None, format!("a {} record where the genesis belongs", record.name()));
        return Ok(None);
    };
    let is = genesis.ledger_id();
    if is != ledger_id {
        findings.add(at, None, format!("the genesis hashes to ledger {is}, not to {ledger_id}"));
        return Ok(None);
    }
    let validators = validators(&genesis);
    match (Replay::new(*genesis), validators) {
        (Ok(replay), Ok(validators)) => Ok(Some((replay, validators))),
        (Err(error), _) => {
            findings.add(at, None, error);
            Ok(None)
        }
        (_, Err(error)) => {
            findings.add(at, None, error);
            Ok(None)
        }
    }
}

fn validators(genesis: &Genesis) -> Result<LedgerValidators, String> {
    let keys: Result<Vec<PublicKey>, _> =
        genesis.members.iter().map(|member| PublicKey::from_bytes(&member.consensus_key)).collect();
    let keys = keys.map_err(|error| error.to_string())?;
    LedgerValidators::new(keys).map_err(|error| error.to_string())
}

/// A hub's batches so far.
struct Hub {
    report: HubReport,
    /// Height and outcomes of batches that no attestation covers yet.
    unattested: VecDeque<(u64, u64)>,
}

struct Audit<'a> {
    replay: Replay,
    validators: LedgerValidators,
    options: &'a Options,
    observer: &'a mut dyn Observer,
    judge: Judge,
    counts: Counts,
    hubs: Vec<Hub>,
    /// The last block's record.
    block_at: Place,
    /// Its conclusions whose records are still to come, and what has come of the first one.
    waiting: VecDeque<Conclusion>,
    material: Material,
    watched: std::collections::BTreeMap<u64, (B256, B256)>,
}

impl<'a> Audit<'a> {
    fn new(
        replay: Replay,
        validators: LedgerValidators,
        options: &'a Options,
        observer: &'a mut dyn Observer,
    ) -> Self {
        let hubs = replay.ledger.genesis().hubs.iter().map(|hub| Hub {
            report: HubReport {
                chain_id: hub.chain_id,
                hub: hub.hub,
                start_block: hub.start_block,
                batches: 0,
                outcomes: 0,
                attested: 0,
                acc: B256::ZERO,
            },
            unattested: VecDeque::new(),
        });
        Self {
            hubs: hubs.collect(),
            replay,
            validators,
            options,
            observer,
            judge: Judge::new(),
            counts: Counts::default(),
            block_at: Place::default(),
            waiting: VecDeque::new(),
            material: Material::default(),
            watched: std::collections::BTreeMap::new(),
        }
    }

    fn height(&self) -> u64 {
        self.replay.ledger.state().height.0
    }

    fn run<R: BufRead>(
        &mut self,
        records: &mut Records<R>,
        findings: &mut Findings,
    ) -> Result<(), Unusable> {
        loop {
            let Some(record) = next(records, self.height(), findings)? else { return Ok(()) };
            let at =
                Place { record: records.number, offset: records.offset, height: self.height() };
            let before = records.hash_before();
            records.pass();
            let going = match record {
                Record::Genesis { .. } => {
                    findings.add(at, None, "a second genesis record");
                    Err(Stop)
                }
                Record::Block { height, body, certificate } => {
                    self.settle_all(findings);
                    self.block(at, height, &body, &certificate, findings)
                }
                Record::Statement { job, bytes } => {
                    self.material(at, job, findings, |material, conclusion, _| {
                        material.put_statement(conclusion, bytes)
                    })
                }
                Record::Key { job, bytes } => {
                    self.material(at, job, findings, |material, conclusion, _| {
                        material.put_key(conclusion, bytes)
                    })
                }
                Record::Response { job, bytes } => {
                    self.material(at, job, findings, |material, conclusion, ledger| {
                        material.put_response(ledger, conclusion, &bytes)
                    })
                }
                Record::End { .. } => {
                    self.settle_all(findings);
                    self.end(at, &record, before, findings);
                    self.after_end(records, findings)?;
                    Err(Stop)
                }
            };
            self.observer.progress(records.bytes, self.height());
            if going.is_err() {
                return Ok(());
            }
        }
    }

    fn block(
        &mut self,
        at: Place,
        height: u64,
        body: &Bytes,
        certificate: &[u8],
        findings: &mut Findings,
    ) -> Result<(), Stop> {
        let expected = self.height().saturating_add(1);
        let at = Place { height: expected, ..at };
        self.block_at = at;
        if height != expected {
            findings.add(at, None, format!("block {height} where block {expected} belongs"));
            return Err(Stop);
        }
        let (ledger, id) = (self.replay.ledger_id(), self.replay.next_id(body));
        match verify_certificate(&self.validators, &ledger.0, certificate) {
            Ok(header) if header.height == height && header.block_id == id.0 => {
                self.counts.certificates = self.counts.certificates.saturating_add(1);
                self.counts.votes = add(self.counts.votes, header.signers.len());
            }
            Ok(header) => {
                let (to, named) = (header.height, B256::from(header.block_id));
                let what = format!(
                    "the commit certificate is for height {to} and block {named}; this is height \
                     {height} and block {id}"
                );
                findings.add(at, None, what);
                return Err(Stop);
            }
            Err(error) => {
                findings.add(at, None, format!("commit certificate: {error}"));
                return Err(Stop);
            }
        }
        let (decided, conclusions) = match self.replay.apply(body) {
            Ok(applied) => applied,
            Err(error) => {
                findings.add(at, None, error);
                return Err(Stop);
            }
        };
        self.counts.blocks = self.counts.blocks.saturating_add(1);
        self.count(&decided, findings);
        let concluded =
            decided.events.iter().filter(|event| matches!(event, Event::Concluded(_))).count();
        if concluded != conclusions.len() {
            findings.add(at, None, "a job that was never opened was concluded");
        }
        for conclusion in &conclusions {
            self.counts.jobs.count(conclusion.outcome.judgement.verdict);
            self.observer.concluded(conclusion);
        }
        self.waiting.extend(conclusions);
        if self.options.watched.contains(&height) {
            self.watched.insert(height, (self.replay.ledger.digest(), id));
        }
        Ok(())
    }

    fn count(&mut self, decided: &Decided, findings: &mut Findings) {
        let counts = &mut self.counts;
        counts.bundles = add(counts.bundles, decided.block.bundles.len());
        for signed in &decided.block.bundles {
            counts.facts = add(counts.facts, signed.bundle.facts.len());
        }
        for event in &decided.events {
            match event {
                Event::Skipped { .. } => counts.facts_skipped = add(counts.facts_skipped, 1),
                Event::Opened { .. } => counts.jobs_opened = add(counts.jobs_opened, 1),
                Event::Signed { subject, .. } => match subject {
                    Subject::Beacon { .. } => counts.beacons = add(counts.beacons, 1),
                    Subject::KeyPossession { .. } => counts.key_proofs = add(counts.key_proofs, 1),
                    Subject::Attestation { height, hub } => {
                        counts.attestations = add(counts.attestations, 1);
                        if let Some(hub) = self.hubs.get_mut(usize::from(hub.0)) {
                            hub.attest(height.0);
                        }
                    }
                },
                Event::SignatureSkipped { .. } => {
                    counts.signatures_skipped = add(counts.signatures_skipped, 1);
                }
                Event::GroupFormed { .. } => counts.ceremonies = add(counts.ceremonies, 1),
                Event::BatchClosed(batch) => {
                    counts.batches = add(counts.batches, 1);
                    self.observer.batch(batch);
                    let hub = self.hubs.get_mut(usize::from(batch.hub.0));
                    if !hub.is_some_and(|hub| hub.extend(batch)) {
                        findings.add(
                            self.block_at,
                            None,
                            "a batch does not extend its hub's chain",
                        );
                    }
                }
                Event::Challenged { .. }
                | Event::Answered { .. }
                | Event::RevealsOpened { .. }
                | Event::Concluded(_)
                | Event::SignatureDue { .. }
                | Event::CeremonyOpened { .. }
                | Event::DealingOpened { .. }
                | Event::CeremonyFailed { .. } => {}
            }
        }
    }

    /// Takes a record of `job`, once the conclusions before it are settled.
    fn material(
        &mut self,
        at: Place,
        job: B256,
        findings: &mut Findings,
        put: impl FnOnce(&mut Material, &Conclusion, B256) -> Result<(), String>,
    ) -> Result<(), Stop> {
        if !self.waiting.iter().any(|conclusion| conclusion.outcome.job.0 == job) {
            let what = "a record of a job that the block before did not conclude, or out of order";
            findings.add(at, Some(job), what);
            return Ok(());
        }
        while self.waiting.front().is_some_and(|first| first.outcome.job.0 != job) {
            self.settle_one(findings);
        }
        let ledger = self.replay.ledger_id();
        if let Some(conclusion) = self.waiting.front()
            && let Err(what) = put(&mut self.material, conclusion, ledger)
        {
            findings.add(at, Some(job), what);
        }
        Ok(())
    }

    fn settle_all(&mut self, findings: &mut Findings) {
        while !self.waiting.is_empty() {
            self.settle_one(findings);
        }
    }

    fn settle_one(&mut self, findings: &mut Findings) {
        let Some(conclusion) = self.waiting.pop_front() else { return };
        let material = std::mem::take(&mut self.material);
        let job = Some(conclusion.outcome.job.0);
        if material.response.is_some() {
            self.counts.responses = self.counts.responses.saturating_add(1);
        }
        let concluded = conclusion.outcome.judgement;
        if conclusion.origin == Origin::Ledger {
            self.counts.by_ledger = self.counts.by_ledger.saturating_add(1);
            if !conclusion.follows_from_the_ledger() {
                let what = format!(
                    "{} is neither revealed by a quorum nor what the ledger's rules give",
                    shown(&concluded)
                );
                findings.add(self.block_at, job, what);
            }
            return;
        }
        match self.judge.judge(&conclusion, material) {
            Judged::Same => self.counts.rejudged = self.counts.rejudged.saturating_add(1),
            Judged::Other(ours) => {
                let what = format!(
                    "the ledger concluded {}, judged again it is {}",
                    shown(&concluded),
                    shown(&ours)
                );
                findings.add(self.block_at, job, what);
            }
            Judged::Missing(what) => {
                self.counts.not_rejudged = self.counts.not_rejudged.saturating_add(1);
                if self.options.materials == Materials::Required {
                    let what = format!(
                        "{} cannot be judged again: its {what} is not in the file",
                        shown(&concluded)
                    );
                    findings.add(self.block_at, job, what);
                }
            }
        }
    }

    fn end(&self, at: Place, record: &Record, before: B256, findings: &mut Findings) {
        let Record::End { blocks, records, height, state_digest, keccak256 } = record else {
            return;
        };
        let mut expect = |what: &str, stated: String, ours: String| {
            if stated != ours {
                findings.add(
                    at,
                    None,
                    format!("the end record states {what} {stated}, it is {ours}"),
                );
            }
        };
        expect("blocks", blocks.to_string(), self.counts.blocks.to_string());
        expect("records", records.to_string(), at.record.saturating_sub(1).to_string());
        expect("height", height.to_string(), self.height().to_string());
        let digest = self.replay.ledger.digest();
        expect("state digest", state_digest.to_string(), digest.to_string());
        expect("keccak256", keccak256.to_string(), before.to_string());
    }

    fn after_end<R: BufRead>(
        &self,
        records: &mut Records<R>,
        findings: &mut Findings,
    ) -> Result<(), Unusable> {
        match records.next() {
            Ok(None) => return Ok(()),
            Err(ReadError::Io(error)) => return Err(error.into()),
            Ok(Some(_)) | Err(ReadError::Malformed(_)) => {}
        }
        let at = Place { record: records.number, offset: records.offset, height: self.height() };
        findings.add(at, None, "the file goes on after its end record");
        Ok(())
    }

    fn report(self) -> Report {
        let ledger = &self.replay.ledger;
        let (state, quorums) = (ledger.state(), ledger.genesis().quorums());
        Report {
            ledger_id: state.ledger_id,
            members: add(0, quorums.n),
            quorum: add(0, quorums.q),
            height: state.height.0,
            block_id: state.block_id,
            state_digest: ledger.digest(),
            ledger_time_ms: state.time.0,
            epoch: state.epoch.0,
            group_key: state
                .group
                .as_ref()
                .map(|group| alloy_primitives::hex::encode_prefixed(group.key)),
            jobs_open: add(0, state.jobs.len()),
            counts: self.counts,
            hubs: self.hubs.into_iter().map(|hub| hub.report).collect(),
            watched: self.watched,
            group_key_eip2537: ledger.group().map(|group| Box::new(group.key.to_eip2537())),
            ..Report::of_nothing()
        }
    }
}

impl Hub {
    /// Takes the next batch, if it is made of its outcomes and extends the chain.
    fn extend(&mut self, batch: &Batch) -> bool {
        let acc = self.report.acc;
        let ours = Batch::new(batch.hub, batch.height, acc, batch.outcomes.clone());
        let outcomes = add(0, batch.outcomes.len());
        self.report.batches = self.report.batches.saturating_add(1);
        self.report.outcomes = self.report.outcomes.saturating_add(outcomes);
        self.report.acc = ours.acc;
        self.unattested.push_back((batch.height.0, outcomes));
        ours == *batch
    }

    /// An attestation covers all batches up to its height.
    fn attest(&mut self, height: u64) {
        while let Some((_, outcomes)) = self.unattested.pop_front_if(|(at, _)| *at <= height) {
            self.report.attested = self.report.attested.saturating_add(outcomes);
        }
    }
}

fn add(count: u64, more: usize) -> u64 {
    count.saturating_add(u64::try_from(more).unwrap_or(u64::MAX))
}

fn shown(judgement: &protocol::outcome::Judgement) -> String {
    let name = match judgement.verdict {
        protocol::outcome::Verdict::Valid => "Valid",
        protocol::outcome::Verdict::Invalid => "Invalid",
        protocol::outcome::Verdict::Missed => "Missed",
        protocol::outcome::Verdict::Inconclusive => "Inconclusive",
    };
    let (code, value, evidence) = (judgement.code, judgement.value, judgement.evidence);
    format!("{name} (code {code}, value {value}, evidence {evidence})")
}
