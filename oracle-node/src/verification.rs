//! Verification of responses, off the async runtime, with keys as the chain has them.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use alloy_primitives::{B256, Bytes, keccak256};
use bindings::{
    VerifierRegistry,
    rpc::{BlockId, Limits, Rpc, RpcError},
};
use operator::{Judged, Request, VerifyTask};
use proofs::{Context, KeySource, Kind, Registry};
use protocol::{
    bytes::HubAddress,
    genesis::{Genesis, Hub},
    ids::JobId,
    outcome::Verdict,
};
use tokio::sync::{Semaphore, mpsc};

use crate::{config::Chain, timeline};

/// Verifications that run at once.
const MAX_PARALLEL: usize = 2;

/// Pause between attempts to read a verifying key from an endpoint that fails.
const RETRY: Duration = Duration::from_secs(1);

/// Attempts to read a key before a task is given up: the job has ended by then.
const MAX_READS: u32 = 3_600;

/// Verifying keys by their keccak256.
type Keys = BTreeMap<B256, Bytes>;

/// The most verifying keys that are shared between tasks; those beyond are read each time.
const MAX_SHARED_KEYS: usize = 512;

/// Keys that some task has read. They never change under their id, and none is forgotten, so that
/// a task finds what it has put here.
#[derive(Default)]
struct SharedKeys(Mutex<Keys>);

impl SharedKeys {
    /// Puts all of a task's keys here; false if there is no room.
    fn hold(&self, keys: &Keys) -> bool {
        let mut shared = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (id, key) in keys {
            if shared.len() >= MAX_SHARED_KEYS && !shared.contains_key(id) {
                return false;
            }
            shared.insert(*id, key.clone());
        }
        true
    }
}

impl KeySource for SharedKeys {
    fn key(&self, id: &B256) -> Option<Bytes> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(id).cloned()
    }
}

/// The most keys that are remembered as endpoints gave them.
const MAX_READ_KEYS: usize = 1024;

/// Where a chain's keys are read, one after the other, and what was read: by block, none where the
/// registry had no such key.
struct Source {
    chain: Chain,
    endpoints: Vec<Rpc>,
    read: tokio::sync::Mutex<BTreeMap<(u64, B256), Option<Bytes>>>,
}

impl Source {
    /// The keys as registered at a block: all operators read the same, whenever they read. None
    /// when no endpoint answers for long.
    async fn keys_at(&self, needed: Vec<B256>, block: u64) -> Option<Keys> {
        let mut keys = Keys::new();
        for id in needed {
            let mut read = self.read.lock().await;
            let key = match read.get(&(block, id)) {
                Some(key) => key.clone(),
                None => {
                    let key = key_of(&self.chain, &self.endpoints, id, block).await?;
                    read.insert((block, id), key.clone());
                    // The earliest block's give way.
                    if read.len() > MAX_READ_KEYS {
                        read.pop_first();
                    }
                    key
                }
            };
            keys.extend(key.map(|key| (id, key)));
        }
        Some(keys)
    }
}

/// What came of a task.
#[derive(Clone, Debug)]
pub(crate) struct Finished {
    /// The job.
    pub job: JobId,
    /// The response's root.
    pub response: B256,
    /// The judgement.
    pub judged: Judged,
    /// Verifying keys that it took, by their keccak256.
    pub keys: Keys,
}

/// Takes tasks, and reports what came of them.
#[derive(Clone)]
pub(crate) struct Verification {
    sources: Arc<Vec<Source>>,
    slots: Arc<Semaphore>,
    finished: mpsc::Sender<Finished>,
    shared: Arc<SharedKeys>,
    /// Verifiers over the shared keys: they keep prepared ones.
    registry: Arc<Registry>,
}

impl Verification {
    /// Verification over these chains' registries; results go to `finished`.
    ///
    /// # Errors
    /// When an endpoint's URL is none.
    pub(crate) fn new(
        chains: &[Chain],
        finished: mpsc::Sender<Finished>,
    ) -> Result<Self, bindings::rpc::UrlError> {
        let mut sources = Vec::new();
        for chain in chains {
            let mut endpoints = Vec::new();
            for (index, url) in chain.rpc_urls.iter().enumerate() {
                endpoints.push(Rpc::new(url, index, Limits::default())?);
            }
            sources.push(Source { chain: chain.clone(), endpoints, read: Default::default() });
        }
        let slots = Arc::new(Semaphore::new(MAX_PARALLEL));
        let shared = Arc::new(SharedKeys::default());
        let registry = Arc::new(Registry::standard(shared.clone()));
        Ok(Self { sources: Arc::new(sources), slots, finished, shared, registry })
    }

    /// Reads the keys that a request will take, so that they are here when its response comes.
    pub(crate) fn prepare(&self, request: &Request, genesis: &Genesis) {
        let Some(hub) = genesis.hub(request.sighting.hub).map(Hub::address) else { return };
        let kind = Kind(request.sighting.job.kind);
        let needed = self.registry.keys_needed(kind, &request.statement);
        let (this, block) = (self.clone(), request.sighting.position.block_number);
        tokio::spawn(async move { this.source(hub)?.keys_at(needed, block).await });
    }

    /// Starts a task. The operator bounds how many there are.
    pub(crate) fn start(&self, task: VerifyTask) {
        let this = self.clone();
        tokio::spawn(async move {
            let Some(keys) = this.keys_of(&task).await else {
                tracing::error!(job = %task.job, "no endpoint gives the verifying key; no judgement");
                return;
            };
            let Ok(_slot) = this.slots.acquire().await else { return };
            let (job, response) = (task.job, task.response);
            let registry = this.registry_for(&task, &keys);
            let judged = tokio::task::spawn_blocking(move || {
                timeline::verifying(&task);
                let judged = judge(&task, &registry);
                timeline::verified(task.job);
                judged
            })
            .await;
            match judged {
                Ok(judged) => {
                    let finished = Finished { job, response, judged, keys };
                    if this.finished.send(finished).await.is_err() {
                        tracing::debug!(%job, "verified after the node stopped");
                    }
                }
                Err(error) => tracing::error!(%job, %error, "verifier failed; no judgement"),
            }
        });
    }

    /// The shared verifiers, if they know exactly the keys that this task may use; a key that was
    /// not registered at the request's block is unknown to it, whatever later tasks have read.
    fn registry_for(&self, task: &VerifyTask, keys: &Keys) -> Arc<Registry> {
        let kind = Kind(task.descriptor.kind);
        let needed = self.registry.keys_needed(kind, &task.statement);
        if needed.iter().all(|id| keys.contains_key(id)) && self.shared.hold(keys) {
            self.registry.clone()
        } else {
            Arc::new(Registry::standard(Arc::new(keys.clone())))
        }
    }

    /// The keys that the statement names, as registered at the block of the request.
    async fn keys_of(&self, task: &VerifyTask) -> Option<Keys> {
        let kind = Kind(task.descriptor.kind);
        let needed = self.registry.keys_needed(kind, &task.statement);
        self.source(task.hub)?.keys_at(needed, task.position.block_number).await
    }

    fn source(&self, hub: HubAddress) -> Option<&Source> {
        let of_hub = |chain: &Chain| chain.chain_id == hub.chain_id && chain.hub == hub.hub;
        self.sources.iter().find(|source| of_hub(&source.chain))
    }
}

/// A key from the first endpoint that gives it; `Some(None)` when one says that there is none, and
/// `None` when none answers within [`MAX_READS`].
///
/// Keys never change under their id. So an endpoint that has forgotten the state of the request's
/// block is asked for its latest instead.
async fn key_of(chain: &Chain, endpoints: &[Rpc], id: B256, block: u64) -> Option<Option<Bytes>> {
    let call = VerifierRegistry::verifyingKeyCall { vkId: id };
    for _ in 0..MAX_READS {
        for endpoint in endpoints {
            for at in [BlockId::Number(block), BlockId::Latest] {
                match endpoint.call_at(chain.verifier_registry, &call, at).await {
                    Ok(key) if key.is_empty() => return Some(None),
                    Ok(key) if keccak256(&key) == id => return Some(Some(key)),
                    Ok(_) => {
                        tracing::error!(%id, endpoint = endpoint.label(), "endpoint gives a key that is not the one asked for");
                        break;
                    }
                    // The registry itself says that it has no such key.
                    Err(RpcError::Answered { revert: Some(_), .. }) => return Some(None),
                    Err(error) => {
                        tracing::warn!(%id, endpoint = endpoint.label(), %error, "verifying key not read");
                    }
                }
            }
        }
        tokio::time::sleep(RETRY).await;
    }
    None
}

fn judge(task: &VerifyTask, registry: &Registry) -> Judged {
    let context = Context {
        chain_id: task.hub.chain_id,
        hub: task.hub.hub,
        job_id: task.job.0,
        provider: task.descriptor.provider,
        seed: task.seed,
        ledger_time_ms: task.answered_at.0,
    };
    let parts: Vec<&[u8]> = task.parts.iter().map(Vec::as_slice).collect();
    let verdict = registry.verify(Kind(task.descriptor.kind), &context, &task.statement, &parts);
    tracing::info!(
        job = %task.job, seed = %task.seed, response = %task.response,
        statement = %task.descriptor.statement_hash, provider = %task.descriptor.provider,
        ?verdict, "verified"
    );
    Judged {
        verdict: Verdict::from_u8(verdict.number()).unwrap_or(Verdict::Inconclusive),
        code: verdict.code_number(),
        value: verdict.value(),
        reported: verdict.reported_hash(),
    }
}
