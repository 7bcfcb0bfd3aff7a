use std::path::PathBuf;

use alloy_primitives::{Address, U256};
use bindings::{
    DevToken, OperatorRegistry,
    deploy::{self, Deployment},
    rpc::{Limits, Rpc, Wallet},
};
use clap::Args;
use eyre::{Context as _, Result, bail};
use serde::Serialize;

use crate::{
    files,
    keys::{self, KeyFolder},
};

const REGISTER_EXAMPLES: &str = "\
The owner's account pays the stake, and gets it back after unbonding; it needs the tokens and some
ether. The operator's own key signs bundles and never holds the stake.

Exit codes:
  0  registered, or registered with these keys already
  1  not; the reason is on standard error

Examples:
  assay operator register --deployment deployment.json --rpc http://127.0.0.1:8545 \\
      --keys keys --owner-key owner.json --owner-password-file owner.password \\
      --endpoint /ip4/203.0.113.7/tcp/26656";

const LEAVE_EXAMPLES: &str = "\
Keep the node running until the hub has seen the rotation that ends its epoch.

Exit codes:
  0  the departure is queued, or was already
  1  it is not; the reason is on standard error

Examples:
  assay operator leave --deployment deployment.json --rpc http://127.0.0.1:8545 \\
      --operator 0x90f7… --owner-key owner.json --owner-password-file owner.password";

const STATUS_EXAMPLES: &str = "\
Exit codes:
  0  the operator is registered
  1  it is not, or the chain does not answer

Examples:
  assay operator status --deployment deployment.json --rpc http://127.0.0.1:8545 --keys keys
  assay operator status --deployment deployment.json --rpc http://127.0.0.1:8545 \\
      --operator 0x90f7… --json";

/// Where the registry is.
#[derive(Args)]
pub(crate) struct OnChain {
    /// Where the contracts are
    #[arg(long, value_name = "FILE")]
    deployment: PathBuf,
    /// An endpoint of the chain
    #[arg(long, value_name = "URL")]
    rpc: String,
}

/// The account that owns the stake.
#[derive(Args)]
pub(crate) struct Owner {
    /// Key of the account that owns the stake, web3 v3
    #[arg(long, value_name = "FILE")]
    owner_key: PathBuf,
    /// A file that holds that key's password
    #[arg(long, value_name = "FILE")]
    owner_password_file: PathBuf,
}

/// Whose standing it is about.
#[derive(Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Whose {
    /// The operator's address
    #[arg(long, value_name = "ADDRESS")]
    operator: Option<Address>,
    /// Folder of its keys
    #[arg(long, value_name = "DIR")]
    keys: Option<PathBuf>,
}

#[derive(Args)]
#[command(after_help = REGISTER_EXAMPLES)]
pub(crate) struct RegisterArguments {
    #[command(flatten)]
    chain: OnChain,
    #[command(flatten)]
    owner: Owner,
    /// Folder of the operator's keys
    #[arg(long, value_name = "DIR", default_value = "keys")]
    keys: PathBuf,
    /// The keys' password file; `password` in the key folder if this is left out
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// Where others reach the node
    #[arg(long, value_name = "MULTIADDR")]
    endpoint: String,
}

#[derive(Args)]
#[command(after_help = LEAVE_EXAMPLES)]
pub(crate) struct LeaveArguments {
    #[command(flatten)]
    chain: OnChain,
    #[command(flatten)]
    owner: Owner,
    #[command(flatten)]
    whose: Whose,
}

#[derive(Args)]
#[command(after_help = STATUS_EXAMPLES)]
pub(crate) struct StatusArguments {
    #[command(flatten)]
    chain: OnChain,
    #[command(flatten)]
    whose: Whose,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// An operator's standing in the registry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Standing {
    pub(crate) operator: Address,
    pub(crate) status: &'static str,
    pub(crate) owner: Address,
    pub(crate) stake: String,
    pub(crate) leaving: bool,
    pub(crate) jailed: bool,
    pub(crate) withdrawable_at: u64,
    pub(crate) endpoint: String,
    pub(crate) consensus_key: alloy_primitives::Bytes,
    pub(crate) network_key: alloy_primitives::B256,
    pub(crate) encryption_key: alloy_primitives::B256,
}

impl OnChain {
    async fn connect(&self) -> Result<(Deployment, Rpc)> {
        let deployment: Deployment = files::read_json(&self.deployment)?;
        let rpc = Rpc::new(&self.rpc, 0, Limits::default())?;
        let found = rpc.chain_id().await.wrap_err("--rpc")?;
        if found != deployment.chain_id {
            bail!("--rpc is of chain {found}, the deployment of {}", deployment.chain_id);
        }
        Ok((deployment, rpc))
    }
}

impl Owner {
    async fn connect(&self, rpc: Rpc) -> Result<Wallet> {
        let password = keys::read_password(&self.owner_password_file)?;
        let key = keys::read_signer(&self.owner_key, &password)?;
        Ok(Wallet::connect(rpc, key).await?)
    }
}

impl Whose {
    fn address(&self) -> Result<Address> {
        match (&self.operator, &self.keys) {
            (Some(operator), _) => Ok(*operator),
            (None, Some(keys)) => Ok(KeyFolder::new(keys).read_public()?.operator),
            (None, None) => bail!("name the operator: --operator ADDRESS or --keys DIR"),
        }
    }
}

impl Standing {
    /// Reads it, `None` if the registry does not know the operator.
    pub(crate) async fn read(
        rpc: &Rpc,
        registry: Address,
        operator: Address,
    ) -> Result<Option<Self>> {
        let call = OperatorRegistry::operatorOfCall { operator };
        let found = rpc.call(registry, &call).await?;
        // By the numbers of `IOperatorRegistry.Status`.
        let status = match found.status {
            0 => return Ok(None),
            1 => "queued",
            2 => "active",
            3 => "unbonding",
            4 => "exited",
            _ => "unknown",
        };
        Ok(Some(Self {
            operator,
            status,
            owner: found.owner,
            stake: found.stake.to_string(),
            leaving: found.leaving,
            jailed: found.jailed,
            withdrawable_at: found.withdrawableAt,
            endpoint: found.endpoint,
            consensus_key: found.consensusKey,
            network_key: found.networkKey,
            encryption_key: found.encryptionKey,
        }))
    }
}

pub(crate) async fn register(arguments: RegisterArguments) -> Result<()> {
    let (deployment, rpc) = arguments.chain.connect().await?;
    let folder = KeyFolder::new(&arguments.keys);
    let public = folder.read_public()?;
    let registry = deployment.operator_registry;
    if let Some(standing) = Standing::read(&rpc, registry, public.operator).await? {
        if standing.network_key != public.network_key {
            bail!("{} is registered with other keys; make new ones", public.operator);
        }
        println!("{} is registered already: {}", public.operator, standing.status);
        return Ok(());
    }
    let wallet = arguments.owner.connect(rpc.clone()).await?;
    let stake = rpc.call(registry, &OperatorRegistry::seatStakeCall {}).await?;
    let account = wallet.address();
    let held = rpc.call(deployment.token, &DevToken::balanceOfCall { account }).await?;
    if held < U256::from(stake) {
        bail!("{account} holds {held} of token {}, a seat takes {stake}", deployment.token);
    }
    let password_file = arguments.password_file.unwrap_or_else(|| folder.password());
    let secrets = folder.open(&keys::read_password(&password_file)?)?;
    let registration = secrets.registration(&arguments.endpoint)?;
    deploy::register_operator(&wallet, &deployment, &registration).await.wrap_err("registering")?;
    println!("{} is registered, with a stake of {stake} owned by {account}", public.operator);
    Ok(())
}

pub(crate) async fn leave(arguments: LeaveArguments) -> Result<()> {
    let (deployment, rpc) = arguments.chain.connect().await?;
    let operator = arguments.whose.address()?;
    let registry = deployment.operator_registry;
    let Some(standing) = Standing::read(&rpc, registry, operator).await? else {
        bail!("{operator} is not registered with {registry}");
    };
    if standing.leaving {
        println!("{operator} is leaving already: {}", standing.status);
        return Ok(());
    }
    let wallet = arguments.owner.connect(rpc).await?;
    if wallet.address() != standing.owner {
        bail!("{operator} is owned by {}, not by {}", standing.owner, wallet.address());
    }
    let call = OperatorRegistry::requestExitCall { operator };
    wallet.call(registry, &call, U256::ZERO).await.wrap_err("leaving")?;
    println!("{operator} leaves at the next rotation; keep its node running until then");
    Ok(())
}

pub(crate) async fn status(arguments: StatusArguments) -> Result<()> {
    let (deployment, rpc) = arguments.chain.connect().await?;
    let operator = arguments.whose.address()?;
    let registry = deployment.operator_registry;
    let Some(standing) = Standing::read(&rpc, registry, operator).await? else {
        bail!("{operator} is not registered with {registry}; use `assay operator register`");
    };
    if arguments.json {
        print!("{}", files::json(&standing)?);
        return Ok(());
    }
    let flag = |set: bool, word: &'static str| if set { word } else { "" };
    println!(
        "status    {}{}{}",
        standing.status,
        flag(standing.leaving, ", leaving"),
        flag(standing.jailed, ", jailed")
    );
    println!("operator  {operator}");
    println!("owner     {}", standing.owner);
    println!("stake     {}", standing.stake);
    println!("endpoint  {}", standing.endpoint);
    if standing.withdrawable_at > 0 {
        println!("stake can be withdrawn from {} unix seconds on", standing.withdrawable_at);
    }
    Ok(())
}
