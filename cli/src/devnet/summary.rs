use std::{fmt, path::PathBuf};

use alloy_primitives::{Address, B256, Bytes};
use bindings::deploy::Deployment;
use serde::{Deserialize, Serialize};

/// A devnet as `devnet.json` and `assay devnet --json` show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Summary {
    /// The folder of everything.
    pub dir: PathBuf,
    /// The chain's JSON-RPC endpoint.
    pub rpc_url: String,
    /// Where the contracts are.
    pub deployment: Deployment,
    /// The ledger.
    pub ledger_id: B256,
    /// The genesis file.
    pub genesis: PathBuf,
    /// The password that every key here is under.
    pub password_file: PathBuf,
    /// Key of the account that pays for jobs.
    pub consumer_key: PathBuf,
    /// The demo circuit's statement, as jobs name it.
    pub statement: Bytes,
    /// The operators.
    pub operators: Vec<OperatorSummary>,
    /// The providers.
    pub providers: Vec<ProviderSummary>,
}

/// An operator in a [`Summary`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OperatorSummary {
    /// What it is called.
    pub name: String,
    /// Its address.
    pub address: Address,
    /// Its API.
    pub api: String,
    /// Its config file.
    pub config: PathBuf,
    /// Its log.
    pub log: PathBuf,
}

/// A provider in a [`Summary`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProviderSummary {
    /// What it is called.
    pub name: String,
    /// Its address.
    pub address: Address,
    /// Its key.
    pub key: PathBuf,
    /// Its agent's config file.
    pub config: PathBuf,
}

impl fmt::Display for Summary {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let deployment = &self.deployment;
        writeln!(formatter, "chain      {} (id {})", self.rpc_url, deployment.chain_id)?;
        writeln!(formatter, "ledger     {}", self.ledger_id)?;
        for operator in &self.operators {
            writeln!(formatter, "{:<10} {}  {}", operator.name, operator.api, operator.address)?;
        }
        for provider in &self.providers {
            writeln!(formatter, "{:<10} {}", provider.name, provider.address)?;
        }
        writeln!(formatter, "hub        {}", deployment.hub)?;
        writeln!(formatter, "escrow     {}", deployment.escrow)?;
        writeln!(formatter, "token      {}", deployment.token)?;
        writeln!(formatter, "folder     {}", self.dir.display())?;
        write!(
            formatter,
            "keys       {}, all under the password in {}",
            self.dir.display(),
            self.password_file.display()
        )
    }
}
