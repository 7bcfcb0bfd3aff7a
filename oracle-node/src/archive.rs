//! What the ledger concluded, kept for the API and the submitter after the ledger has forgotten.
//!
//! Everything here follows from the blocks; it is written as blocks are applied, and written again
//! at start for blocks whose archive entries a crash lost.

use aggregator::{CallSize, Certificate, CertificateQuery, CertificateSource, SourceError};
use alloy_primitives::{Address, B256};
use borsh::{BorshDeserialize, BorshSerialize};
use protocol::{
    genesis::Genesis,
    ids::{Epoch, Height, HubIndex, JobId},
    job::Sighting,
    ledger::{Batch, Event, Ledger},
    outcome::Outcome,
    subject::Subject,
};
use store::{Store, StoreError};
use threshold::Signature;

/// The last height whose archive entries are written.
const ARCHIVED_TO: &[u8] = b"archive/height";

/// A job, from its opening to its attestation.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct JobRecord {
    /// What was asked for.
    pub sighting: Sighting,
    /// The height that opened it.
    pub opened: Height,
    /// The challenge's seed; zero if it never came to one.
    pub seed: B256,
    /// The response that was judged; zero if there was none.
    pub response: B256,
    /// How it ended, and at which height.
    pub concluded: Option<(Outcome, Height)>,
}

/// A batch as the submitter needs it.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
struct BatchRecord {
    height: Height,
    root: B256,
    packed: Vec<u8>,
    acc: B256,
    block_id: B256,
    epoch: Epoch,
}

/// A group signature on a height's attestation, EIP-2537 form.
type AttestationBytes = [u8; 128];

/// Entries of one block, to be written with the rest of its effects.
#[derive(Debug, Default)]
pub struct Entries {
    records: Vec<(Vec<u8>, Vec<u8>)>,
    /// Jobs whose responses may be pruned, and since when.
    concluded: Vec<(JobId, Height)>,
}

impl Entries {
    fn put(&mut self, key: Vec<u8>, value: &impl BorshSerialize) {
        if let Ok(value) = borsh::to_vec(value) {
            self.records.push((key, value));
        }
    }

    /// Adds the entries to a store's batch.
    pub fn write(self, batch: &mut store::Batch) {
        for (key, value) in self.records {
            batch.record(&key, value);
        }
        for (job, height) in self.concluded {
            batch.concluded(job, height);
        }
    }
}

/// Reads and writes archive entries.
#[derive(Clone, Debug)]
pub struct Archive {
    store: Store,
    genesis: std::sync::Arc<Genesis>,
}

fn key(kind: &str, hub: HubIndex, rest: &[u8]) -> Vec<u8> {
    [b"archive/", kind.as_bytes(), b"/", hub.0.to_be_bytes().as_slice(), rest].concat()
}

/// Where a response is archived: its root covers its parts, which two jobs can share.
pub(crate) fn response_key(job: JobId, root: B256) -> B256 {
    alloy_primitives::keccak256([job.0.as_slice(), root.as_slice()].concat())
}

fn job_key(job: JobId) -> Vec<u8> {
    [b"archive/job/".as_slice(), job.0.as_slice()].concat()
}

impl Archive {
    /// The archive in a store.
    pub fn new(store: Store, genesis: std::sync::Arc<Genesis>) -> Self {
        Self { store, genesis }
    }

    /// The last height whose entries are written.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn height(&self) -> Result<Height, StoreError> {
        let bytes = self.store.record(ARCHIVED_TO)?;
        Ok(bytes.and_then(|bytes| Height::try_from_slice(&bytes).ok()).unwrap_or_default())
    }

    /// A job that was opened, by its id.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn job(&self, job: JobId) -> Result<Option<JobRecord>, StoreError> {
        self.read(&job_key(job))
    }

    /// Ids of opened jobs of a hub, ascending by index from `from` on; at most `limit`.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn jobs(&self, hub: HubIndex, from: u64, limit: usize) -> Result<Vec<JobId>, StoreError> {
        let mut jobs = Vec::new();
        let mut index = from;
        while jobs.len() < limit {
            match self.read::<JobId>(&key("index", hub, &index.to_be_bytes()))? {
                Some(job) => jobs.push(job),
                None if index > self.last_index(hub)? => break,
                None => {}
            }
            let Some(next) = index.checked_add(1) else { break };
            index = next;
        }
        Ok(jobs)
    }

    fn last_index(&self, hub: HubIndex) -> Result<u64, StoreError> {
        Ok(self.read(&key("last", hub, &[]))?.unwrap_or(0))
    }

    fn read<T: BorshDeserialize>(&self, key: &[u8]) -> Result<Option<T>, StoreError> {
        let bytes = self.store.record(key)?;
        Ok(bytes.and_then(|bytes| T::try_from_slice(&bytes).ok()))
    }

    /// The entries of a block that was just applied; `ledger` is the state after it.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn entries(&self, ledger: &Ledger, events: &[Event]) -> Result<Entries, StoreError> {
        let state = ledger.state();
        let mut entries = Entries::default();
        let mut jobs = std::collections::BTreeMap::new();
        for event in events {
            match event {
                Event::Opened { job }
                | Event::Challenged { job, .. }
                | Event::Answered { job, .. }
                | Event::RevealsOpened { job } => {
                    if let Some(open) = state.jobs.get(job) {
                        let record = JobRecord {
                            sighting: open.sighting.clone(),
                            opened: open.opened,
                            seed: open.seed,
                            response: open.response,
                            concluded: None,
                        };
                        jobs.insert(*job, record);
                    }
                    if let Event::Opened { job } = event
                        && let Some(open) = state.jobs.get(job)
                    {
                        let (hub, index) = (open.sighting.hub, open.sighting.job.index);
                        entries.put(key("index", hub, &index.to_be_bytes()), job);
                        let last = self.last_index(hub)?.max(index);
                        entries.put(key("last", hub, &[]), &last);
                    }
                }
                Event::Concluded(outcome) => {
                    entries.concluded.push((outcome.job, state.height));
                    let known = match jobs.remove(&outcome.job) {
                        Some(record) => Some(record),
                        None => self.job(outcome.job)?,
                    };
                    if let Some(mut record) = known {
                        record.concluded = Some((outcome.clone(), state.height));
                        jobs.insert(outcome.job, record);
                    }
                }
                Event::BatchClosed(batch) => self.put_batch(&mut entries, ledger, batch),
                Event::Signed { subject: Subject::Attestation { height, hub }, signature } => {
                    if let Ok(signature) = Signature::from_bytes(signature) {
                        self.put_attestation(&mut entries, *hub, *height, signature.to_eip2537());
                    }
                }
                Event::Signed { subject: Subject::KeyPossession { hub, epoch }, signature } => {
                    if let Ok(signature) = Signature::from_bytes(signature) {
                        let proof = (*epoch, signature.to_eip2537());
                        entries.put(key("possession", *hub, &[]), &proof);
                    }
                }
                Event::Skipped { .. }
                | Event::SignatureDue { .. }
                | Event::Signed { subject: Subject::Beacon { .. }, .. }
                | Event::SignatureSkipped { .. }
                | Event::CeremonyOpened { .. }
                | Event::DealingOpened { .. }
                | Event::CeremonyFailed { .. }
                | Event::GroupFormed { .. } => {}
            }
        }
        for (job, record) in jobs {
            entries.put(job_key(job), &record);
        }
        entries.put(ARCHIVED_TO.to_vec(), &state.height);
        Ok(entries)
    }

    fn put_batch(&self, entries: &mut Entries, ledger: &Ledger, batch: &Batch) {
        let record = BatchRecord {
            height: batch.height,
            root: batch.root,
            packed: batch.packed.clone(),
            acc: batch.acc,
            block_id: ledger.state().block_id,
            epoch: ledger.state().epoch,
        };
        entries.put(key("after", batch.hub, batch.previous.as_slice()), &record);
    }

    fn put_attestation(
        &self,
        entries: &mut Entries,
        hub: HubIndex,
        height: Height,
        signature: AttestationBytes,
    ) {
        entries.put(key("signed", hub, &height.0.to_be_bytes()), &signature);
    }

    /// The entry of an attestation that was combined here, before the ledger has it.
    pub fn attestation(
        &self,
        hub: HubIndex,
        height: Height,
        signature: AttestationBytes,
    ) -> Entries {
        let mut entries = Entries::default();
        self.put_attestation(&mut entries, hub, height, signature);
        entries
    }

    /// The entry of a group key's proof of possession for a hub.
    pub fn possession(&self, hub: HubIndex, epoch: Epoch, proof: AttestationBytes) -> Entries {
        let mut entries = Entries::default();
        entries.put(key("possession", hub, &[]), &(epoch, proof));
        entries
    }

    /// The group key's last proof of possession for a hub, and its epoch.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn proof_of_possession(
        &self,
        hub: HubIndex,
    ) -> Result<Option<(Epoch, AttestationBytes)>, StoreError> {
        self.read(&key("possession", hub, &[]))
    }

    /// The newest certificate that extends `after`, as far as one transaction holds.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn certificate(
        &self,
        chain_id: u64,
        hub: Address,
        after: B256,
    ) -> Result<Option<Certificate>, StoreError> {
        let position =
            self.genesis.hubs.iter().position(|it| it.chain_id == chain_id && it.hub == hub);
        let Some(index) = position.and_then(|position| u16::try_from(position).ok()) else {
            return Ok(None);
        };
        let hub = HubIndex(index);
        let (mut acc, mut size) = (after, CallSize::default());
        let mut batches = Vec::new();
        let mut newest: Option<(usize, BatchRecord, AttestationBytes)> = None;
        while batches.len() < aggregator::BATCHES_MAX {
            let Some(record) = self.read::<BatchRecord>(&key("after", hub, acc.as_slice()))? else {
                break;
            };
            let Some(larger) = size.with(record.packed.len()) else { break };
            size = larger;
            acc = record.acc;
            batches.push(aggregator::Batch {
                height: record.height.0,
                root: record.root,
                packed: record.packed.clone().into(),
            });
            let signed = self.read(&key("signed", hub, &record.height.0.to_be_bytes()))?;
            if let Some(signature) = signed {
                newest = Some((batches.len(), record, signature));
            }
        }
        Ok(newest.map(|(count, record, signature)| {
            batches.truncate(count);
            Certificate {
                height: record.height.0,
                epoch: record.epoch.0,
                committee_id: self.genesis.committee_id,
                block_id: record.block_id,
                acc: record.acc,
                signature: signature.to_vec().into(),
                batches,
            }
        }))
    }
}

impl CertificateSource for Archive {
    async fn certificate(
        &self,
        query: CertificateQuery,
    ) -> Result<Option<Certificate>, SourceError> {
        Self::certificate(self, query.chain_id, query.hub, query.after)
            .map_err(|error| SourceError::Unreachable(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use alloy_primitives::keccak256;
    use protocol::{
        ecdsa::Signer,
        genesis::{Hub, Member, Parameters},
        ids::LedgerTime,
        outcome::{Judgement, Verdict},
    };

    use super::*;

    fn genesis() -> Genesis {
        let mut networks: Vec<[u8; 32]> = (1..=4u8).map(|seed| keccak256([seed]).0).collect();
        networks.sort_unstable();
        let member = |(seed, network_key): (u8, [u8; 32])| {
            let signer = Signer::from_secret(&[seed; 32]).unwrap();
            let (operator, consensus_key) = (signer.address(), signer.public_key());
            Member { operator, consensus_key, network_key, addresses: Vec::new() }
        };
        let window_ms = 1_000;
        Genesis {
            salt: B256::ZERO,
            time_ms: LedgerTime(1),
            committee_id: 0,
            hubs: vec![Hub { chain_id: 1, hub: Address::repeat_byte(1), start_block: 0 }],
            members: (1..=4u8).zip(networks).map(member).collect(),
            parameters: Parameters {
                answer_ms: window_ms,
                commit_ms: window_ms,
                reveal_ms: window_ms,
                ceremony_ms: window_ms,
            },
        }
    }

    /// What is replayed at start after a crash are entries alone.
    #[test]
    fn entries_of_a_concluded_job_let_its_responses_be_pruned() {
        let folder = tempfile::tempdir().unwrap();
        let genesis = genesis();
        let identity =
            store::Identity { ledger_id: genesis.ledger_id(), operator: Address::repeat_byte(2) };
        let path = folder.path().join("node.redb");
        let store = Store::open(&path, identity, store::Options::default()).unwrap();
        let ledger = Ledger::new(genesis.clone()).unwrap();
        let archive = Archive::new(store.clone(), genesis.into());
        let job = JobId(B256::repeat_byte(7));
        let judgement =
            Judgement { verdict: Verdict::Valid, code: 0, value: 0, evidence: B256::ZERO };
        let outcome = Outcome { job, hub: HubIndex(0), job_index: 1, judgement };

        let mut batch = store::Batch::new();
        let response = B256::repeat_byte(8);
        batch.response(response, job, vec![1]);
        let events = [Event::Concluded(outcome)];
        archive.entries(&ledger, &events).unwrap().write(&mut batch);
        store.append_blocking(batch).unwrap();
        assert!(store.response(response).unwrap().is_some());

        let mut batch = store::Batch::new();
        batch.prune_responses(ledger.state().height);
        store.append_blocking(batch).unwrap();
        assert_eq!(store.response(response).unwrap(), None);
    }
}
