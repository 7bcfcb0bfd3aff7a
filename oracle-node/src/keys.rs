//! The operator's keys, from their encrypted files.

use std::{
    fs,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
};

use alloy_primitives::keccak256;
use ed25519_dalek::SigningKey;
use eyre::{Context as _, Result, eyre};
use keystore::{Kdf, Password, Secret, eip2335, web3};
use protocol::ids::Epoch;
use threshold::Share;
use zeroize::Zeroizing;

use crate::config::{Keys as KeysConfig, NodeConfig};

/// Where salts of commitments come from; the same after every restart.
const SALT_PURPOSE: &[u8] = b"assay/v1/local-salt-secret";

/// All keys of one operator, and what encrypts the shares that it gets.
pub(crate) struct KeyRing {
    /// secp256k1: bundles and transactions.
    pub operator: Zeroizing<[u8; 32]>,
    /// secp256k1: votes.
    pub consensus: Zeroizing<[u8; 32]>,
    /// ed25519: network identity.
    pub network: SigningKey,
    password: Password,
    kdf: Kdf,
    shares: PathBuf,
}

impl KeyRing {
    /// Decrypts the key files of a config. Takes about a second each, by intent.
    ///
    /// # Errors
    /// Names the file that is missing, damaged or under another password.
    pub(crate) fn open(config: &NodeConfig) -> Result<Self> {
        let keys = &config.keys;
        let password = read_password(keys)?;
        let secret = |secret: Secret| Zeroizing::new(*secret.expose());
        let operator = secret(web3::Keystore::read_secret(&keys.operator, &password)?);
        let consensus = secret(web3::Keystore::read_secret(&keys.consensus, &password)?);
        let network = secret(eip2335::Keystore::read_secret(&keys.network, &password)?);
        Ok(Self {
            operator,
            consensus,
            network: SigningKey::from_bytes(&network),
            password,
            kdf: if keys.light_kdf { Kdf::LIGHT } else { Kdf::STANDARD },
            shares: config.data_dir.join("shares"),
        })
    }

    /// The secret that salts are derived from.
    pub(crate) fn salt_secret(&self) -> Zeroizing<[u8; 32]> {
        let input = Zeroizing::new([SALT_PURPOSE, self.network.as_bytes()].concat());
        Zeroizing::new(keccak256(&*input).0)
    }

    /// Keeps a share of the group key, encrypted, before it is used.
    ///
    /// # Errors
    /// When the file cannot be written, or holds another share.
    pub(crate) fn store_share(&self, epoch: Epoch, round: u64, share: &Share) -> Result<()> {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.shares)
            .wrap_err_with(|| format!("share folder {}", self.shares.display()))?;
        if let Some(stored) = self.load_share(epoch, round, share.index())? {
            return if *stored.secret_bytes() == *share.secret_bytes() {
                Ok(())
            } else {
                Err(eyre!(
                    "{} holds another share of the same round: move it away if it is of another \
                     ledger",
                    self.share_file(epoch, round).display()
                ))
            };
        }
        let details = eip2335::Details {
            description: format!("Assay share of epoch {epoch}, round {round}"),
            public_key: share.public().to_bytes().to_vec(),
            path: String::new(),
        };
        let secret = Secret::new(*share.secret_bytes());
        eip2335::Keystore::seal(&secret, &self.password, self.kdf, details)?
            .write(&self.share_file(epoch, round))?;
        Ok(())
    }

    /// The share of a round, if it was stored.
    ///
    /// # Errors
    /// When the file is there and cannot be decrypted.
    pub(crate) fn load_share(&self, epoch: Epoch, round: u64, index: u16) -> Result<Option<Share>> {
        let path = self.share_file(epoch, round);
        if !path.exists() {
            return Ok(None);
        }
        let secret = eip2335::Keystore::read_secret(&path, &self.password)?;
        let share = Share::from_secret_bytes(index, secret.expose())
            .map_err(|error| eyre!("{}: {error}", path.display()))?;
        Ok(Some(share))
    }

    fn share_file(&self, epoch: Epoch, round: u64) -> PathBuf {
        self.shares.join(format!("share-{epoch}-{round}.json"))
    }
}

fn read_password(keys: &KeysConfig) -> Result<Password> {
    let path: &Path = &keys.password_file;
    let text = fs::read_to_string(path).wrap_err_with(|| {
        format!("config key keys.password_file: {} cannot be read", path.display())
    })?;
    Ok(Password::from_file_content(text))
}
