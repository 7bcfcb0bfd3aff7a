//! Puts all contracts on a chain and wires them, and registers operators: for the devnet and for tests.

use alloy::signers::SignerSync;
use alloy::signers::local::PrivateKeySigner;
use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_sol_types::{SolConstructor, SolInterface};
use serde::{Deserialize, Serialize};

use crate::rpc::{RpcError, Wallet, WalletError};
use crate::{
    AttestationHub, DevToken, IOperatorRegistry, OperatorRegistry, ResourceEscrow,
    ResourceRegistry, VerifierRegistry,
};

/// What a deployment is made with. Times in seconds, amounts in the token's or the chain's smallest unit, parts in
/// ten-thousandths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Seats of the committee.
    pub seats: u32,
    /// Stake of one seat.
    pub seat_stake: u128,
    /// From the rotation that ends a membership to the stake's release; above `challenge_window`.
    pub unbonding_period: u64,
    /// What a verification costs.
    pub verification_fee: U256,
    /// From a recorded outcome until it is final.
    pub challenge_window: u64,
    /// From a provider's request to its withdrawal; above `challenge_window`.
    pub withdrawal_delay: u64,
    /// What an injured party gets of a slash.
    pub compensation_bps: u16,
    /// The protocol's part of a completed job.
    pub fee_bps: u16,
    /// What a missed job costs of the stake at risk.
    pub missed_slash_bps: u16,
    /// Least time between a job and its deadline; above one hour.
    pub minimum_duration: u64,
}

impl Default for Settings {
    /// Short times, for a devnet.
    fn default() -> Self {
        Self {
            seats: 4,
            seat_stake: 1_000_000_000_000_000_000_000,
            unbonding_period: 3_600,
            verification_fee: U256::from(1_000_000_000_000_000u64),
            challenge_window: 60,
            withdrawal_delay: 3_600,
            compensation_bps: 5_000,
            fee_bps: 100,
            missed_slash_bps: 2_500,
            minimum_duration: 3_601,
        }
    }
}

/// Where everything is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deployment {
    /// The chain.
    pub chain_id: u64,
    /// Block before the first of these contracts: watchers start here.
    pub start_block: u64,
    /// The staking and payment token.
    pub token: Address,
    /// Operators and their stake.
    pub operator_registry: Address,
    /// The attestation hub.
    pub hub: Address,
    /// Verifying keys.
    pub verifier_registry: Address,
    /// Providers and their stake.
    pub resource_registry: Address,
    /// The escrow.
    pub escrow: Address,
}

/// Why a deployment failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeployError {
    /// The chain is older than Prague.
    #[error("the chain has no precompile at {0} (EIP-2537): Assay needs Ethereum Prague or later")]
    PrecompileMissing(Address),
    /// A transaction failed.
    #[error("{step}: {error}")]
    Step {
        /// What was being done.
        step: &'static str,
        /// How it failed.
        error: WalletError,
    },
}

/// Deploys a token of our own and all contracts on it; the wallet's account owns what has an owner.
pub async fn deploy(wallet: &Wallet, settings: &Settings) -> Result<Deployment, DeployError> {
    let token =
        DevToken::constructorCall { name_: "Assay devnet token".into(), symbol_: "AST".into() };
    let token = create(wallet, "token", &DevToken::BYTECODE, &token).await?;
    deploy_with_token(wallet, settings, token).await
}

/// Deploys all contracts on a token that exists.
pub async fn deploy_with_token(
    wallet: &Wallet,
    settings: &Settings,
    token: Address,
) -> Result<Deployment, DeployError> {
    let owner = wallet.address();
    let head = wallet.rpc().header(crate::rpc::BlockId::Latest).await;
    let head = head.map_err(|error| failed("head", error.into()))?;
    let start_block = head.map_or(0, |header| header.number);

    let operators = OperatorRegistry::constructorCall {
        owner_: owner,
        token_: token,
        seatStake_: settings.seat_stake,
        seats_: settings.seats,
        unbondingPeriod_: settings.unbonding_period,
    };
    let operator_registry =
        create(wallet, "operator registry", &OperatorRegistry::BYTECODE, &operators).await?;
    let hub = AttestationHub::constructorCall {
        registry_: operator_registry,
        fee_: settings.verification_fee,
        challengeWindow_: settings.challenge_window,
    };
    let hub = create(wallet, "hub", &AttestationHub::BYTECODE, &hub).await?;
    let set_hub = OperatorRegistry::setHubCall { hub_: hub };
    let done = wallet.call(operator_registry, &set_hub, U256::ZERO).await;
    done.map_err(|error| failed("operator registry's hub", error))?;

    let keys = VerifierRegistry::constructorCall { owner_: owner, guardian_: owner };
    let verifier_registry =
        create(wallet, "verifier registry", &VerifierRegistry::BYTECODE, &keys).await?;
    let resources = ResourceRegistry::constructorCall {
        admin: owner,
        token,
        withdrawalDelay_: settings.withdrawal_delay,
        compensationBps_: settings.compensation_bps,
        slashRecipient_: owner,
    };
    let resource_registry =
        create(wallet, "resource registry", &ResourceRegistry::BYTECODE, &resources).await?;
    let escrow = ResourceEscrow::constructorCall {
        hub_: hub,
        registry_: resource_registry,
        feeRecipient_: owner,
        feeBps_: settings.fee_bps,
        missedSlashBps_: settings.missed_slash_bps,
        minimumDuration_: settings.minimum_duration,
    };
    let escrow = create(wallet, "escrow", &ResourceEscrow::BYTECODE, &escrow).await?;
    grant_escrow_role(wallet, resource_registry, escrow)
        .await
        .map_err(|error| failed("escrow's role", error))?;
    let chain_id = wallet.chain_id();
    Ok(Deployment {
        chain_id,
        start_block,
        token,
        operator_registry,
        hub,
        verifier_registry,
        resource_registry,
        escrow,
    })
}

/// What an operator shows of itself, and the keys that prove it.
#[derive(Clone, Debug)]
pub struct OperatorKeys {
    /// Signs bundles and transactions.
    pub operator: PrivateKeySigner,
    /// Signs votes.
    pub consensus: PrivateKeySigner,
    /// ed25519 public key.
    pub network: B256,
    /// X25519 public key.
    pub encryption: B256,
    /// Where others reach it, a multiaddr.
    pub endpoint: String,
}

/// Stakes a seat for an operator from the wallet's account, which becomes its owner and must have the stake in tokens.
pub async fn register_operator(
    wallet: &Wallet,
    deployment: &Deployment,
    keys: &OperatorKeys,
) -> Result<(), WalletError> {
    let registry = deployment.operator_registry;
    let public = keys.consensus.credential().verifying_key().to_encoded_point(false);
    let registration = IOperatorRegistry::Registration {
        operator: keys.operator.address(),
        consensusKey: Bytes::copy_from_slice(public.as_bytes().get(1..).unwrap_or_default()),
        networkKey: keys.network,
        encryptionKey: keys.encryption,
        endpoint: keys.endpoint.clone(),
    };
    let digest = OperatorRegistry::registrationDigestCall {
        owner_: wallet.address(),
        registration: registration.clone(),
    };
    let digest = wallet.rpc().call(registry, &digest).await?;
    let stake = wallet.rpc().call(registry, &OperatorRegistry::seatStakeCall {}).await?;
    let approve = DevToken::approveCall { spender: registry, value: U256::from(stake) };
    wallet.call(deployment.token, &approve, U256::ZERO).await?;
    let register = OperatorRegistry::registerCall {
        registration,
        operatorSignature: sign_digest(&keys.operator, digest)?,
        consensusSignature: sign_digest(&keys.consensus, digest)?,
    };
    wallet.call(registry, &register, U256::ZERO).await?;
    Ok(())
}

/// Gives `account` tokens of the devnet's own token, out of nothing.
pub async fn mint(
    wallet: &Wallet,
    token: Address,
    account: Address,
    amount: U256,
) -> Result<(), WalletError> {
    let mint = DevToken::mintCall { to: account, amount };
    wallet.call(token, &mint, U256::ZERO).await.map(|_| ())
}

/// Signs a 32-byte digest: 65 bytes r, s, v.
///
/// # Errors
/// When the key refuses.
pub fn sign_digest(key: &PrivateKeySigner, digest: B256) -> Result<Bytes, WalletError> {
    let signature = key.sign_hash_sync(&digest);
    let signature = signature.map_err(|error| WalletError::Signer(error.to_string()))?;
    Ok(Bytes::copy_from_slice(&signature.as_bytes()))
}

async fn grant_escrow_role(
    wallet: &Wallet,
    registry: Address,
    escrow: Address,
) -> Result<(), WalletError> {
    let role = wallet.rpc().call(registry, &ResourceRegistry::ESCROW_ROLECall {}).await?;
    let grant = ResourceRegistry::grantRoleCall { role, account: escrow };
    wallet.call(registry, &grant, U256::ZERO).await.map(|_| ())
}

async fn create<C: SolConstructor>(
    wallet: &Wallet,
    step: &'static str,
    code: &Bytes,
    arguments: &C,
) -> Result<Address, DeployError> {
    let code = [code.as_ref(), &arguments.abi_encode()].concat();
    wallet.create(code.into()).await.map_err(|error| match precompile_missing(&error) {
        Some(precompile) => DeployError::PrecompileMissing(precompile),
        None => failed(step, error),
    })
}

fn precompile_missing(error: &WalletError) -> Option<Address> {
    let WalletError::Rpc(RpcError::Answered { revert: Some(data), .. }) = error else {
        return None;
    };
    match AttestationHub::AttestationHubErrors::abi_decode(data) {
        Ok(AttestationHub::AttestationHubErrors::PrecompileMissing(error)) => {
            Some(error.precompile)
        }
        _ => None,
    }
}

fn failed(step: &'static str, error: WalletError) -> DeployError {
    DeployError::Step { step, error }
}
