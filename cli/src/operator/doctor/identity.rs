//! Whose node it is: genesis, key files, and whether they belong together.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use alloy_primitives::Bytes;
use eyre::Result;
use oracle_node::config::NodeConfig;
use protocol::{genesis::Genesis, ids::OperatorIndex};

use super::report::Report;
use crate::{
    files,
    keys::{self, PublicKeys},
};

/// Bits of a mode that let others than the owner and the group in.
const OTHERS: u32 = 0o007;
/// Bits of a mode that let the group in.
const GROUP: u32 = 0o070;

/// What is known of this operator.
pub(super) struct Identity {
    pub(super) genesis: Option<Genesis>,
    pub(super) keys: Option<PublicKeys>,
    /// The consensus key as the registry has it: uncompressed, without prefix.
    pub(super) consensus_point: Option<Bytes>,
}

impl Identity {
    /// Its place in the genesis.
    pub(super) fn index(&self) -> Option<OperatorIndex> {
        self.genesis.as_ref()?.index_of(self.keys.as_ref()?.operator)
    }

    /// Where the genesis says that it is reached.
    pub(super) fn addresses(&self) -> Vec<String> {
        let member = self.index().and_then(|index| self.genesis.as_ref()?.member(index));
        member.map(|member| member.addresses.clone()).unwrap_or_default()
    }
}

pub(super) fn check(report: &mut Report, config: &NodeConfig) -> Identity {
    let genesis = files::read_json::<Genesis>(&config.genesis).and_then(|genesis| {
        genesis.validate()?;
        Ok(genesis)
    });
    let genesis = report.need("genesis", genesis, "get the file from whoever started the network");
    if let Some(genesis) = &genesis {
        let (id, members) = (genesis.ledger_id(), genesis.members.len());
        report.ok("genesis", format_args!("ledger {id}, {members} members"));
    }
    let opened = report.need(
        "keys",
        open(config),
        "check the paths under [keys] and the password; a backup has the same files",
    );
    let (keys, consensus_point) = opened.unzip();
    if let Some(keys) = &keys {
        report.ok("keys", format_args!("operator {}", keys.operator));
    }
    permissions(report, config);
    let identity = Identity { genesis, keys, consensus_point };
    membership(report, &identity);
    identity
}

fn open(config: &NodeConfig) -> Result<(PublicKeys, Bytes)> {
    let files = &config.keys;
    let password = keys::read_password(&files.password_file)?;
    let operator = keys::read_signer(&files.operator, &password)?;
    let consensus = keys::read_signer(&files.consensus, &password)?;
    let network = keystore::eip2335::Keystore::read_secret(&files.network, &password)?;
    let network = ed25519_dalek::SigningKey::from_bytes(network.expose());
    let key = consensus.credential().verifying_key();
    let public = PublicKeys {
        operator: operator.address(),
        consensus_key: key.to_encoded_point(true).as_bytes().to_vec().into(),
        network_key: network.verifying_key().to_bytes().into(),
        encryption_key: Default::default(),
    };
    let point = key.to_encoded_point(false).as_bytes().get(1..).unwrap_or_default().to_vec();
    Ok((public, point.into()))
}

fn permissions(report: &mut Report, config: &NodeConfig) {
    let keys = &config.keys;
    let paths = [&keys.operator, &keys.consensus, &keys.network, &keys.password_file];
    let shares = fs::read_dir(config.data_dir.join("shares"));
    let shares = shares.into_iter().flatten().flatten().map(|share| share.path());
    let mut open = Vec::new();
    let mut worst = 0;
    for path in paths.into_iter().cloned().chain(shares) {
        let mode = mode(&path).unwrap_or(0);
        if mode & (OTHERS | GROUP) != 0 {
            open.push(format!("{} has mode {mode:o}", path.display()));
            worst |= mode & OTHERS;
        }
    }
    let next = "chmod go= them, and think of who may have read them";
    match (open.is_empty(), worst) {
        (true, _) => report.ok("key permissions", "only the owner reads keys, password and shares"),
        (false, 0) => report.warning("key permissions", open.join(", "), next),
        (false, _) => report.failed("key permissions", open.join(", "), next),
    }
}

fn mode(path: &Path) -> Option<u32> {
    Some(fs::metadata(path).ok()?.permissions().mode() & 0o777)
}

fn membership(report: &mut Report, identity: &Identity) {
    let (Some(genesis), Some(keys)) = (&identity.genesis, &identity.keys) else {
        return report.skipped("membership", "needs genesis and keys");
    };
    let next = "use the key files that the genesis was written with, or the genesis of these keys";
    let Some(member) = identity.index().and_then(|index| genesis.member(index)) else {
        return report.failed(
            "membership",
            format_args!("{} is not in the genesis", keys.operator),
            next,
        );
    };
    if member.network_key != keys.network_key.0 {
        report.failed("membership", "the genesis has another network key for this operator", next);
    } else if member.consensus_key[..] != keys.consensus_key[..] {
        report.failed(
            "membership",
            "the genesis has another consensus key for this operator",
            next,
        );
    } else {
        report.ok("membership", format_args!("in the genesis at {}", member.addresses.join(", ")));
    }
}
