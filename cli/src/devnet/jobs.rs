use alloy_primitives::{Address, B256, Bytes, FixedBytes, U256, keccak256};
use alloy_sol_types::{SolCall, SolEvent, SolStruct, eip712_domain};
use bindings::{
    AttestationHub, DevToken, IResourceEscrow, ResourceEscrow,
    deploy::Deployment,
    rpc::{BlockId, LogBlocks, PrivateKeySigner, Wallet},
};
use eyre::{Context as _, Result, bail, eyre};
use proofs::{
    Kind,
    groth16_bn254::{Input, Statement},
};

/// The kind that every job here is of.
pub(crate) const GROTH16: &str = "groth16-bn254";
/// The parameter that the demo's statement fixes.
const PARAMETER: u64 = 7;

/// The statement of jobs for the demo's circuit: its challenge bound, its parameter fixed, its
/// result reported.
pub fn demo_statement(vk_id: B256) -> Bytes {
    let inputs = vec![Input::Bound, Input::Fixed(U256::from(PARAMETER)), Input::Reported];
    Statement { vk_id, inputs }.encode().into()
}

/// A job that a consumer wants, and that a provider quotes.
#[derive(Clone, Debug)]
pub struct JobRequest {
    /// What must be shown.
    pub statement: Bytes,
    /// What the provider gets, in tokens.
    pub price: U256,
    /// What it risks, in tokens.
    pub stake_at_risk: U256,
    /// Seconds from now after which the escrow may give the price back.
    pub duration_s: u64,
}

/// A job that is on chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct PlacedJob {
    /// Its id.
    pub job_id: B256,
    /// The hub's number for it.
    pub job_index: u64,
    /// The block of its request.
    pub block: u64,
    /// Gas of the request.
    pub gas_used: u64,
}

/// A quote with its provider's signature: what `assay provider quote` writes.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignedQuote {
    pub(crate) provider: Address,
    /// Who may take it; zero for anyone.
    pub(crate) consumer: Address,
    pub(crate) kind: FixedBytes<4>,
    pub(crate) statement: Bytes,
    pub(crate) token: Address,
    pub(crate) price: U256,
    pub(crate) stake_at_risk: U256,
    pub(crate) valid_until: u64,
    pub(crate) deadline: u64,
    pub(crate) nonce: U256,
    pub(crate) signature: Bytes,
}

impl SignedQuote {
    /// The quote as the escrow takes it.
    pub(crate) fn quote(&self) -> IResourceEscrow::Quote {
        IResourceEscrow::Quote {
            provider: self.provider,
            consumer: self.consumer,
            kind: self.kind,
            statementHash: keccak256(&self.statement),
            token: self.token,
            price: self.price,
            stakeAtRisk: self.stake_at_risk,
            validUntil: self.valid_until,
            deadline: self.deadline,
            nonce: self.nonce,
        }
    }

    /// What the provider signs (EIP-712).
    pub(crate) fn digest(&self, deployment: &Deployment) -> B256 {
        let domain = eip712_domain! {
            name: "Assay ResourceEscrow",
            version: "1",
            chain_id: deployment.chain_id,
            verifying_contract: deployment.escrow,
        };
        self.quote().eip712_signing_hash(&domain)
    }

    /// A quote for `request`, as of chain time `now` in seconds.
    pub(crate) fn sign(
        key: &PrivateKeySigner,
        deployment: &Deployment,
        request: &JobRequest,
        consumer: Address,
        now: u64,
    ) -> Result<Self> {
        let deadline = now.saturating_add(request.duration_s);
        let mut quote = Self {
            provider: key.address(),
            consumer,
            kind: Kind::of_name(GROTH16).0.into(),
            statement: request.statement.clone(),
            token: deployment.token,
            price: request.price,
            stake_at_risk: request.stake_at_risk,
            valid_until: deadline,
            deadline,
            nonce: U256::from(rand::random::<u64>()),
            signature: Bytes::new(),
        };
        let digest = quote.digest(deployment);
        let signature = bindings::deploy::sign_digest(key, digest)?;
        quote.signature = signature;
        Ok(quote)
    }
}

impl JobRequest {
    /// The call of the escrow that creates it, quoted by `provider` at chain time `now` in
    /// seconds: for whoever sends many.
    ///
    /// # Errors
    /// When the key refuses to sign.
    pub fn creation(
        &self,
        deployment: &Deployment,
        provider: &PrivateKeySigner,
        consumer: Address,
        now: u64,
    ) -> Result<ResourceEscrow::createJobCall> {
        Ok(SignedQuote::sign(provider, deployment, self, consumer, now)?.create_job())
    }

    /// Has `provider` quote it and `consumer` pay for it.
    ///
    /// # Errors
    /// When the chain refuses, with its reason.
    pub async fn place(
        &self,
        deployment: &Deployment,
        provider: &PrivateKeySigner,
        consumer: &Wallet,
    ) -> Result<PlacedJob> {
        let head = consumer.rpc().header(BlockId::Latest).await?;
        let now = head.ok_or_else(|| eyre!("the chain has no head"))?.time;
        let quote = SignedQuote::sign(provider, deployment, self, consumer.address(), now)?;
        place(deployment, &quote, consumer).await
    }
}

impl SignedQuote {
    /// What creates the job that is quoted.
    fn create_job(&self) -> ResourceEscrow::createJobCall {
        ResourceEscrow::createJobCall {
            quote: self.quote(),
            signature: self.signature.clone(),
            statement: self.statement.clone(),
            amount: self.price,
        }
    }
}

/// Takes a quote: approves the price and creates the job.
pub(crate) async fn place(
    deployment: &Deployment,
    quote: &SignedQuote,
    consumer: &Wallet,
) -> Result<PlacedJob> {
    let rpc = consumer.rpc();
    let escrow = deployment.escrow;
    let allowance = DevToken::allowanceCall { owner: consumer.address(), spender: escrow };
    if rpc.call(deployment.token, &allowance).await? < quote.price {
        let approve = DevToken::approveCall { spender: escrow, value: quote.price };
        consumer.call(quote.token, &approve, U256::ZERO).await.wrap_err("approving the price")?;
    }
    let fee = rpc.call(deployment.hub, &AttestationHub::feeCall {}).await?;
    let hash = consumer
        .send(Some(escrow), fee, quote.create_job().abi_encode().into())
        .await
        .map_err(|error| refused("creating the job", &error))?;
    let receipt = consumer.wait(hash).await.wrap_err("creating the job")?;
    let block = receipt.block.number;
    let topic = ResourceEscrow::JobCreated::SIGNATURE_HASH;
    let range = LogBlocks::Range { from: block, to: block };
    let logs = rpc.logs(escrow, range, &[topic]).await?;
    let Some(log) = logs.iter().find(|log| log.transaction == hash) else {
        bail!("transaction {hash} created no job; is {escrow} an Assay escrow?");
    };
    let created = ResourceEscrow::JobCreated::decode_raw_log(log.topics.iter(), &log.data)?;
    Ok(PlacedJob {
        job_id: created.jobId,
        job_index: created.jobIndex,
        block,
        gas_used: receipt.gas_used,
    })
}

/// An escrow's revert by its name, where it has one.
pub(crate) fn refused(step: &str, error: &bindings::rpc::WalletError) -> eyre::Report {
    use alloy_sol_types::SolInterface as _;
    use bindings::rpc::{RpcError, WalletError};
    if let WalletError::Rpc(RpcError::Answered { revert: Some(data), .. }) = error
        && let Ok(reason) = ResourceEscrow::ResourceEscrowErrors::abi_decode(data)
    {
        return eyre!("{step}: the escrow refuses: {reason:?}");
    }
    eyre!("{step}: {error}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quote_type_is_the_escrows() {
        let declared = "Quote(address provider,address consumer,bytes4 kind,bytes32 statementHash,\
                        address token,uint256 price,uint256 stakeAtRisk,uint64 validUntil,\
                        uint64 deadline,uint256 nonce)";
        assert_eq!(IResourceEscrow::Quote::eip712_encode_type(), declared);
    }
}
