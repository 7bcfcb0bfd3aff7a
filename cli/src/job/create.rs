use std::path::PathBuf;

use alloy_primitives::U256;
use bindings::rpc::{BlockId, PrivateKeySigner, Wallet};
use clap::Args;
use eyre::{Result, bail, eyre};

use super::network::{Connected, Network};
use crate::{
    devnet::{JobRequest, SignedQuote, Summary, place},
    files, keys,
};

const EXAMPLES: &str = "\
Exit codes:
  0  the job is on chain
  1  it is not; the reason is on standard error

Examples:
  # On a devnet: its consumer pays, its first provider answers
  assay job create --devnet net

  # Elsewhere: with a quote that a provider gave you
  assay job create --deployment deployment.json --rpc http://127.0.0.1:8545 \\
      --quote quote.json --key consumer.json --password-file password";

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    #[command(flatten)]
    network: Network,
    /// The provider's quote, as `assay provider quote` writes it; on a devnet one is made
    #[arg(long, value_name = "FILE", required_unless_present = "devnet")]
    quote: Option<PathBuf>,
    /// Key of the account that pays, web3 v3; on a devnet its consumer's
    #[arg(long, value_name = "FILE", required_unless_present = "devnet")]
    key: Option<PathBuf>,
    /// A file that holds the key's password
    #[arg(long, value_name = "FILE", required_unless_present = "devnet")]
    password_file: Option<PathBuf>,
    /// On a devnet: which provider answers
    #[arg(long, value_name = "NAME", requires = "devnet")]
    provider: Option<String>,
    /// Print the job as JSON
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(arguments: Arguments) -> Result<()> {
    let network = arguments.network.connect()?;
    let wallet = Wallet::connect(network.rpc.clone(), payer(&arguments, &network)?).await?;
    if wallet.chain_id() != network.deployment.chain_id {
        bail!(
            "the endpoint is of chain {}, the deployment of {}",
            wallet.chain_id(),
            network.deployment.chain_id
        );
    }
    let quote: SignedQuote = match &arguments.quote {
        Some(path) => files::read_json(path)?,
        None => devnet_quote(&arguments, &network, &wallet).await?,
    };
    let job = place(&network.deployment, &quote, &wallet).await?;
    if arguments.json {
        print!("{}", files::json(&job)?);
        return Ok(());
    }
    println!("job    {}", job.job_id);
    println!("index  {}", job.job_index);
    println!("block  {}, {} gas", job.block, job.gas_used);
    println!("next: assay job watch {}", job.job_id);
    Ok(())
}

fn payer(arguments: &Arguments, network: &Connected) -> Result<PrivateKeySigner> {
    let of_devnet = |path: fn(&Summary) -> &PathBuf| network.devnet.as_ref().map(path);
    let key = arguments.key.as_ref().or_else(|| of_devnet(|summary| &summary.consumer_key));
    let password =
        arguments.password_file.as_ref().or_else(|| of_devnet(|summary| &summary.password_file));
    let (Some(key), Some(password)) = (key, password) else {
        bail!("name who pays: --key FILE and --password-file FILE");
    };
    keys::read_signer(key, &keys::read_password(password)?)
}

async fn devnet_quote(
    arguments: &Arguments,
    network: &Connected,
    wallet: &Wallet,
) -> Result<SignedQuote> {
    let Some(devnet) = &network.devnet else { bail!("name a provider's quote with --quote FILE") };
    let wanted = arguments.provider.as_deref();
    let mut providers = devnet.providers.iter();
    let provider = providers.find(|it| wanted.is_none_or(|name| name == it.name));
    let provider = provider.ok_or_else(|| {
        let names: Vec<_> = devnet.providers.iter().map(|it| it.name.as_str()).collect();
        eyre!("no such provider; there are: {}", names.join(", "))
    })?;
    let key = keys::read_signer(&provider.key, &keys::read_password(&devnet.password_file)?)?;
    let head = network.rpc.header(BlockId::Latest).await?;
    let now = head.ok_or_else(|| eyre!("the chain has no head"))?.time;
    let request = JobRequest::of_demo(devnet.statement.clone());
    SignedQuote::sign(&key, &network.deployment, &request, wallet.address(), now)
}

impl JobRequest {
    /// A job as the demo pays for it: 10 tokens, with 20 of the provider's at risk.
    pub fn of_demo(statement: alloy_primitives::Bytes) -> Self {
        let token = U256::from(1_000_000_000_000_000_000u64);
        Self {
            statement,
            price: token * U256::from(10),
            stake_at_risk: token * U256::from(20),
            duration_s: 7_200,
        }
    }
}
