use std::path::Path;

use alloy_primitives::{Address, U256};
use bindings::{
    deploy::{Deployment, mint},
    rpc::{PrivateKeySigner, Wallet},
};
use eyre::Result;
use keystore::{Kdf, Password};

use super::evm::Evm;
use crate::{files, keys};

/// Wei that each account begins with: 100 ether.
const BALANCE_WEI: u128 = 100_000_000_000_000_000_000;
/// Tokens that consumers and providers begin with.
const TOKENS: u128 = 1_000_000_000_000_000_000_000_000;

/// The devnet's accounts beside the operators': an owner of contracts and stakes, and a consumer.
#[derive(Clone, Debug)]
pub struct Accounts {
    /// Deployed the contracts, owns the operators' stakes.
    pub owner: Wallet,
    /// Pays for jobs.
    pub consumer: Wallet,
}

impl Accounts {
    /// Makes both, with wei; their keys are in `dir`.
    ///
    /// # Errors
    /// When a file cannot be written or the chain does not answer.
    pub async fn create(evm: &Evm, dir: &Path, password: &Password) -> Result<Self> {
        files::make_folder(dir)?;
        let create = |name: &str| {
            keys::create_signer(&dir.join(format!("{name}.json")), password, Kdf::LIGHT)
        };
        let owner = funded(evm, create("owner")?).await?;
        let consumer = funded(evm, create("consumer")?).await?;
        Ok(Self { owner, consumer })
    }

    /// Gives an account tokens.
    ///
    /// # Errors
    /// When the chain does not do it.
    pub async fn give_tokens(&self, deployment: &Deployment, account: Address) -> Result<()> {
        Ok(mint(&self.owner, deployment.token, account, U256::from(TOKENS)).await?)
    }
}

/// An account with wei.
pub(super) async fn funded(evm: &Evm, key: PrivateKeySigner) -> Result<Wallet> {
    evm.set_balance(key.address(), U256::from(BALANCE_WEI)).await?;
    Ok(Wallet::connect(evm.rpc().clone(), key).await?)
}
