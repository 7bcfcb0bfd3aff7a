//! Looks at what no other task looks at: whether the account can pay, and whether certificates wait.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use aggregator::Policy;
use alloy_primitives::{Address, B256, U256};
use bindings::{
    AttestationHub,
    rpc::{Limits, Rpc, RpcError},
};
use tokio::sync::watch;

use crate::{archive::Archive, config::Chain, metrics::Metrics, reminder::Reminder};

/// Pause between looks.
const LOOK: Duration = Duration::from_secs(30);
/// Pause between warnings of one kind.
const REMIND: Duration = Duration::from_secs(600);
/// Blocks whose tips are asked for.
const TIP_BLOCKS: u64 = 20;
/// What a submission of up to 256 outcomes takes, rounded up; `contracts/snapshots` has it measured.
pub const SUBMISSION_GAS: u128 = 400_000;

/// What an operator can pay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Purse {
    /// The account's balance, in wei.
    pub balance_wei: u128,
    /// Base fee and tip at the moment, in wei a gas.
    pub fee_wei: u128,
}

impl Purse {
    /// What the account holds, and what the chain asks.
    ///
    /// # Errors
    /// When the endpoint does not answer.
    pub async fn read(rpc: &Rpc, operator: Address, policy: &Policy) -> Result<Self, RpcError> {
        let balance = rpc.balance(operator).await?.min(U256::from(u128::MAX));
        let mut history = rpc.fee_history(TIP_BLOCKS).await?;
        history.tips.retain(|tip| *tip > 0);
        history.tips.sort_unstable();
        let tip = history.tips.get(history.tips.len() / 2).copied().unwrap_or(0);
        Ok(Self {
            balance_wei: balance.saturating_to(),
            fee_wei: history.next_base_fee.saturating_add(tip.max(policy.tip_min_wei)),
        })
    }

    /// Submissions of [`SUBMISSION_GAS`] that it pays for at the present fee.
    pub fn submissions(&self) -> u128 {
        let price = self.fee_wei.saturating_mul(SUBMISSION_GAS);
        self.balance_wei.checked_div(price).unwrap_or(u128::MAX)
    }
}

/// One chain's lookout.
pub(crate) struct Lookout {
    /// The chain and its endpoints.
    pub(crate) chain: Chain,
    /// The mark below which the balance is low.
    pub(crate) policy: Policy,
    /// Whose account.
    pub(crate) operator: Address,
    /// Certificates.
    pub(crate) archive: Archive,
    /// Gauges.
    pub(crate) metrics: Arc<Metrics>,
}

impl Lookout {
    /// Runs until `stop` changes.
    pub(crate) async fn run(self, mut stop: watch::Receiver<bool>) {
        tokio::select! {
            () = self.look_on() => {}
            _ = stop.wait_for(|stop| *stop) => {}
        }
    }

    async fn look_on(&self) {
        let mut low = Reminder::new(REMIND);
        let mut waiting: Option<(B256, Instant)> = None;
        loop {
            for (index, url) in self.chain.rpc_urls.iter().enumerate() {
                let Ok(rpc) = Rpc::new(url, index, Limits::default()) else { continue };
                match self.look(&rpc, &mut low, &mut waiting).await {
                    Ok(()) => break,
                    Err(error) => {
                        tracing::debug!(chain = self.chain.chain_id, %error, "lookout");
                    }
                }
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    async fn look(
        &self,
        rpc: &Rpc,
        low: &mut Reminder,
        waiting: &mut Option<(B256, Instant)>,
    ) -> Result<(), RpcError> {
        let chain_id = self.chain.chain_id;
        let purse = Purse::read(rpc, self.operator, &self.policy).await?;
        self.metrics.chains.balance(chain_id, purse.balance_wei, purse.submissions());
        let is_low = purse.balance_wei < self.policy.balance_low_wei;
        if low.due(is_low, Instant::now()) {
            tracing::warn!(
                chain = chain_id, balance_wei = purse.balance_wei, mark_wei = self.policy.balance_low_wei,
                submissions = purse.submissions(), operator = %self.operator,
                "balance is low: send ether to the operator's address"
            );
        }
        let acc = rpc.call(self.chain.hub, &AttestationHub::lastAccCall {}).await?;
        let behind = self.archive.certificate(chain_id, self.chain.hub, acc);
        let behind = matches!(behind, Ok(Some(_)));
        *waiting = match *waiting {
            Some((after, since)) if behind && after == acc => Some((after, since)),
            _ if behind => Some((acc, Instant::now())),
            _ => None,
        };
        let seconds = waiting.map_or(0, |(_, since)| since.elapsed().as_secs());
        self.metrics.chains.unsubmitted(chain_id, seconds);
        Ok(())
    }
}
