//! The address file, `contracts/addresses.json`: where public deployments are. `contracts/addresses.schema.json` is its
//! form for other languages.

use alloy_primitives::B256;
use serde::{Deserialize, Serialize};

use crate::deploy::Deployment;

/// The whole file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AddressFile {
    /// Where the file's form is described.
    #[serde(rename = "$schema")]
    pub schema: String,
    /// Every public deployment.
    pub deployments: Vec<Published>,
}

/// A public deployment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Published {
    /// What people call it.
    pub name: String,
    /// The ledger whose committee signs at this hub.
    pub ledger_id: B256,
    /// Commit of this repository that the contracts were built from, 40 hexadecimal digits.
    pub commit: String,
    /// The same as a `deployment.json`.
    pub deployment: Deployment,
}
