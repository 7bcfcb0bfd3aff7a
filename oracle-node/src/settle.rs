//! Putting things on chain: the confirmation of the group key, then certificates in turn.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use aggregator::{Submitter, SubmitterConfig, SubmitterEvent, TickError, Turn};
use alloy_primitives::U256;
use bindings::{
    AttestationHub,
    rpc::{Limits, PrivateKeySigner, Rpc, Wallet, WalletError},
};
use protocol::{
    genesis::Genesis,
    ids::{Epoch, OperatorIndex},
};
use tokio::sync::watch;

use crate::{archive::Archive, config::Chain, metrics::Metrics};

/// Pause between looks at a hub that has no key yet, and after failures.
const LOOK: Duration = Duration::from_secs(1);

/// How often a confirmation is made dearer, an eighth each time.
const REPLACEMENTS_MAX: u32 = 16;
/// Pause before a confirmation that led to nothing is sent again.
const CONFIRM_AGAIN: Duration = Duration::from_secs(120);

/// What the confirmation that makes the quorum costs above the others: it checks the proof of
/// possession and stores the key. Which one that is shows only in the block.
const CONFIRM_GAS_ROOM: u64 = 600_000;

/// Where a hub stands with a key.
enum Confirmation {
    /// It is the group key.
    Active,
    /// This operator has confirmed; others have to.
    Waiting,
    /// This operator has confirmed just now.
    Sent,
}

/// A group key with its proof of possession, ready for a hub.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ProvenKey {
    /// The epoch.
    pub epoch: Epoch,
    /// EIP-2537 G2.
    pub key: Box<[u8; 256]>,
    /// EIP-2537 G1.
    pub proof: Box<[u8; 128]>,
}

/// What a settler is told while it runs.
#[derive(Debug)]
pub(crate) struct SettlerControl {
    /// The group key with its proof of possession.
    pub proven: watch::Sender<Option<ProvenKey>>,
    /// Whether its chain is halted: no transaction is signed then.
    pub halted: watch::Sender<bool>,
}

/// What settling on one chain takes.
pub(crate) struct Settler {
    /// The chain and its endpoints.
    pub chain: Chain,
    /// Fees, delays and limits.
    pub policy: aggregator::Policy,
    /// Whether certificates are submitted, or only the key is confirmed.
    pub submits: bool,
    /// Pays.
    pub key: PrivateKeySigner,
    /// What the ledger stands on.
    pub genesis: Arc<Genesis>,
    /// Whose node this is.
    pub me: OperatorIndex,
    /// Certificates.
    pub archive: Archive,
    /// Counters.
    pub metrics: Arc<Metrics>,
}

impl Settler {
    /// Runs until `stop` changes, or the chain is halted.
    pub(crate) async fn run(
        self,
        mut proven: watch::Receiver<Option<ProvenKey>>,
        mut halted: watch::Receiver<bool>,
        mut stop: watch::Receiver<bool>,
    ) {
        let mut until = stop.clone();
        let chain = self.chain.chain_id;
        let work = async {
            self.confirm(&mut proven).await;
            if self.submits {
                self.submit(async move {
                    let _ = until.wait_for(|stop| *stop).await;
                })
                .await;
            }
        };
        tokio::select! {
            biased;
            Ok(_) = halted.wait_for(|halted| *halted) => {
                tracing::error!(chain, "chain halted; nothing is sent to its hub");
            }
            () = work => {}
            _ = stop.wait_for(|stop| *stop) => {}
        }
    }

    /// Confirms the group key on the hub, unless it is active already.
    async fn confirm(&self, proven: &mut watch::Receiver<Option<ProvenKey>>) {
        let mut sent: Option<Instant> = None;
        // Confirmations that were sent and not mined; the next one takes their place.
        let mut waiting = 0_u32;
        loop {
            let waits = sent.is_some_and(|at| at.elapsed() < CONFIRM_AGAIN);
            for (index, url) in self.chain.rpc_urls.iter().enumerate() {
                let Ok(rpc) = Rpc::new(url, index, Limits::default()) else { continue };
                let key = proven.borrow_and_update().clone();
                match self.confirm_at(rpc, key.as_ref(), waits, waiting).await {
                    Ok(Confirmation::Active) => return,
                    Ok(Confirmation::Waiting) => break,
                    Ok(Confirmation::Sent) => {
                        sent = Some(Instant::now());
                        break;
                    }
                    Err(error) => {
                        tracing::warn!(chain = self.chain.chain_id, %error, "group key not confirmed yet");
                        if matches!(error, WalletError::NotMined(_)) {
                            waiting = (waiting + 1).min(REPLACEMENTS_MAX);
                            break;
                        }
                    }
                }
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    async fn confirm_at(
        &self,
        rpc: Rpc,
        key: Option<&ProvenKey>,
        waits: bool,
        waiting: u32,
    ) -> Result<Confirmation, WalletError> {
        let hub = self.chain.hub;
        let ledger = rpc.call(hub, &AttestationHub::ledgerIdCall {}).await?;
        let epoch = rpc.call(hub, &AttestationHub::epochCall {}).await?;
        // This release has one epoch: a key of this ledger on the hub is the one.
        if ledger == self.genesis.ledger_id() && epoch >= key.map_or(1, |key| key.epoch.0) {
            return Ok(Confirmation::Active);
        }
        let Some(key) = key.filter(|_| !waits) else { return Ok(Confirmation::Waiting) };
        let wallet = Wallet::connect(rpc, self.key.clone()).await?;
        let wallet = wallet.with_gas_room(CONFIRM_GAS_ROOM).replacing(waiting);
        let call = AttestationHub::confirmGroupKeyCall {
            ledgerId_: self.genesis.ledger_id(),
            committeeId_: self.genesis.committee_id,
            epoch_: key.epoch.0,
            key: key.key.to_vec().into(),
            pop: key.proof.to_vec().into(),
        };
        let receipt = wallet.call(hub, &call, U256::ZERO).await?;
        tracing::info!(
            chain = self.chain.chain_id, epoch = %key.epoch, gas = receipt.gas_used,
            "group key confirmed"
        );
        Ok(Confirmation::Sent)
    }

    async fn submit(&self, stop: impl Future<Output = ()>) {
        let members = u16::try_from(self.genesis.members.len()).unwrap_or(u16::MAX);
        let config = SubmitterConfig {
            chain_id: self.chain.chain_id,
            hub: self.chain.hub,
            rpc_urls: self.chain.rpc_urls.clone(),
            turn: Turn::Of { index: self.me.0, members },
            policy: self.policy,
        };
        let submitter = match Submitter::new(config, self.key.clone(), self.archive.clone()) {
            Ok(submitter) => submitter,
            Err(error) => {
                tracing::error!(%error, "this node submits nothing");
                return;
            }
        };
        submitter.run(stop, |report| self.report(&report)).await;
    }

    fn report(&self, report: &Result<SubmitterEvent, TickError>) {
        let chain = self.chain.chain_id;
        match report {
            Ok(event) => {
                self.metrics.work.submitted(event);
                match event {
                    SubmitterEvent::BalanceLow { .. }
                    | SubmitterEvent::Refused { .. }
                    | SubmitterEvent::Rejected { .. }
                    | SubmitterEvent::FeesTooHigh { .. }
                    | SubmitterEvent::NonceTaken { .. }
                    | SubmitterEvent::TakingOver { .. }
                    | SubmitterEvent::PoolFull { .. }
                    | SubmitterEvent::Reorged { .. } => {
                        tracing::warn!(chain, ?event, "submitter");
                    }
                    SubmitterEvent::Submitting { .. }
                    | SubmitterEvent::Cancelling { .. }
                    | SubmitterEvent::Mined { .. }
                    | SubmitterEvent::Settled { .. }
                    | SubmitterEvent::SettledElsewhere { .. } => {
                        tracing::info!(chain, ?event, "submitter");
                    }
                }
            }
            Err(error) => {
                self.metrics.work.submitter_troubles.inc();
                tracing::warn!(chain, %error, "submitter");
            }
        }
    }
}
