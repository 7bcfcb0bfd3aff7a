//! An operator's keys as files.

use std::path::{Path, PathBuf};

use alloy_primitives::{Address, B256, Bytes, hex};
use bindings::{deploy::OperatorKeys, rpc::PrivateKeySigner};
use ed25519_dalek::SigningKey;
use eyre::{Context as _, Result, bail, eyre};
use keystore::{Kdf, Password, Secret, eip2335, web3};
use protocol::genesis::Member;
use serde::{Deserialize, Serialize};

use crate::files;

/// Names of the files in a key folder.
const OPERATOR: &str = "operator.json";
const CONSENSUS: &str = "consensus.json";
const NETWORK: &str = "network.json";
const ENCRYPTION: &str = "encryption.json";
const PUBLIC: &str = "public.json";
/// The password that a folder's keys are under, where it was made with them.
pub const PASSWORD: &str = "password";

/// Where an operator's key files are.
#[derive(Clone, Debug)]
pub struct KeyFolder(PathBuf);

/// The secrets of one operator.
pub struct OperatorSecrets {
    operator: Secret,
    consensus: Secret,
    network: Secret,
    encryption: Secret,
}

/// What others may know of an operator's keys: `public.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublicKeys {
    /// Address of the operator key.
    pub operator: Address,
    /// secp256k1, compressed.
    pub consensus_key: Bytes,
    /// ed25519.
    pub network_key: B256,
    /// X25519.
    pub encryption_key: B256,
}

impl KeyFolder {
    /// The folder at `path`, which need not be there yet.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// web3 v3 file of the operator key.
    pub fn operator(&self) -> PathBuf {
        self.0.join(OPERATOR)
    }

    /// web3 v3 file of the consensus key.
    pub fn consensus(&self) -> PathBuf {
        self.0.join(CONSENSUS)
    }

    /// EIP-2335 file of the network key.
    pub fn network(&self) -> PathBuf {
        self.0.join(NETWORK)
    }

    /// EIP-2335 file of the encryption key.
    pub fn encryption(&self) -> PathBuf {
        self.0.join(ENCRYPTION)
    }

    /// The public keys.
    pub fn public(&self) -> PathBuf {
        self.0.join(PUBLIC)
    }

    /// The password file.
    pub fn password(&self) -> PathBuf {
        self.0.join(PASSWORD)
    }

    /// Makes new keys and writes them. Nothing that is there is overwritten: any file of them
    /// that exists is an error before the first is written.
    ///
    /// # Errors
    /// Names the file that is there or cannot be written.
    pub fn create(&self, password: &Password, kdf: Kdf) -> Result<OperatorSecrets> {
        files::make_folder(&self.0)?;
        self.check_empty()?;
        let secrets = OperatorSecrets::generate()?;
        let public = secrets.public()?;
        web3::Keystore::seal(&secrets.operator, password, kdf)?.write(&self.operator())?;
        web3::Keystore::seal(&secrets.consensus, password, kdf)?.write(&self.consensus())?;
        let seal = |secret: &Secret, description: &str, public_key: B256| {
            let details = eip2335::Details {
                description: description.into(),
                public_key: public_key.to_vec(),
                path: String::new(),
            };
            eip2335::Keystore::seal(secret, password, kdf, details)
        };
        seal(&secrets.network, "Assay network key, ed25519", public.network_key)?
            .write(&self.network())?;
        seal(&secrets.encryption, "Assay encryption key, X25519", public.encryption_key)?
            .write(&self.encryption())?;
        files::write_new_json(&self.public(), &public)?;
        Ok(secrets)
    }

    /// # Errors
    /// When there is a key file already.
    pub fn check_empty(&self) -> Result<()> {
        let paths =
            [self.operator(), self.consensus(), self.network(), self.encryption(), self.public()];
        match paths.iter().find(|path| path.exists()) {
            None => Ok(()),
            Some(path) => bail!(
                "{} is there already, and keys are never overwritten; choose another folder with \
                 --dir",
                path.display()
            ),
        }
    }

    /// Decrypts all keys.
    ///
    /// # Errors
    /// Names the file that is missing, damaged or under another password.
    pub fn open(&self, password: &Password) -> Result<OperatorSecrets> {
        Ok(OperatorSecrets {
            operator: web3::Keystore::read_secret(&self.operator(), password)?,
            consensus: web3::Keystore::read_secret(&self.consensus(), password)?,
            network: eip2335::Keystore::read_secret(&self.network(), password)?,
            encryption: eip2335::Keystore::read_secret(&self.encryption(), password)?,
        })
    }

    /// The public keys, without a password.
    ///
    /// # Errors
    /// When the file is missing or is none.
    pub fn read_public(&self) -> Result<PublicKeys> {
        files::read_json(&self.public())
            .wrap_err("public keys (make keys with `assay operator keygen`)")
    }
}

impl OperatorSecrets {
    fn generate() -> Result<Self> {
        Ok(Self {
            operator: web3::generate()?,
            consensus: web3::generate()?,
            network: Secret::generate()?,
            encryption: Secret::generate()?,
        })
    }

    /// The key that signs bundles and transactions.
    ///
    /// # Errors
    /// When the secret is no key of secp256k1.
    pub fn operator_signer(&self) -> Result<PrivateKeySigner> {
        signer(&self.operator)
    }

    /// What others may know.
    ///
    /// # Errors
    /// When a secret is no key of its curve.
    pub fn public(&self) -> Result<PublicKeys> {
        let consensus = signer(&self.consensus)?;
        let point = consensus.credential().verifying_key().to_encoded_point(true);
        let network = SigningKey::from_bytes(self.network.expose());
        let encryption =
            x25519_dalek::x25519(*self.encryption.expose(), x25519_dalek::X25519_BASEPOINT_BYTES);
        Ok(PublicKeys {
            operator: signer(&self.operator)?.address(),
            consensus_key: Bytes::copy_from_slice(point.as_bytes()),
            network_key: network.verifying_key().to_bytes().into(),
            encryption_key: encryption.into(),
        })
    }

    /// What registration takes.
    ///
    /// # Errors
    /// When a secret is no key of its curve.
    pub fn registration(&self, endpoint: &str) -> Result<OperatorKeys> {
        let public = self.public()?;
        Ok(OperatorKeys {
            operator: signer(&self.operator)?,
            consensus: signer(&self.consensus)?,
            network: public.network_key,
            encryption: public.encryption_key,
            endpoint: endpoint.to_owned(),
        })
    }
}

impl PublicKeys {
    /// The operator's line of a genesis.
    ///
    /// # Errors
    /// When the consensus key does not have the length of one.
    pub fn member(&self, address: &str) -> Result<Member> {
        let consensus_key = self.consensus_key.as_ref().try_into().map_err(|_| {
            eyre!("consensus key {} is not 33 bytes", hex::encode(&self.consensus_key))
        })?;
        Ok(Member {
            operator: self.operator,
            consensus_key,
            network_key: self.network_key.0,
            addresses: vec![address.to_owned()],
        })
    }
}

/// A secret as a key for secp256k1.
///
/// # Errors
/// When it is none.
pub fn signer(secret: &Secret) -> Result<PrivateKeySigner> {
    PrivateKeySigner::from_slice(secret.expose())
        .map_err(|error| eyre!("not a secp256k1 key: {error}"))
}

/// Reads a password file.
///
/// # Errors
/// When it cannot be read or holds nothing.
pub fn read_password(path: &Path) -> Result<Password> {
    let text = files::read(path).wrap_err("password file")?;
    let password = Password::from_file_content(text);
    if password.is_empty() {
        bail!("password file {} holds no password", path.display());
    }
    Ok(password)
}

/// Makes a random password and writes it to a file of mode 0600.
///
/// # Errors
/// When the file is there already or cannot be written.
pub fn create_password(path: &Path) -> Result<Password> {
    let text = hex::encode(Secret::generate()?.expose());
    files::write_new(path, &text, 0o600)?;
    Ok(Password::new(text))
}

/// Reads a secp256k1 key from its web3 v3 file.
///
/// # Errors
/// Names the file that is missing, damaged or under another password.
pub fn read_signer(path: &Path, password: &Password) -> Result<PrivateKeySigner> {
    signer(&web3::Keystore::read_secret(path, password)?)
}

/// Makes a secp256k1 key and writes its web3 v3 file.
///
/// # Errors
/// When the file is there already or cannot be written.
pub fn create_signer(path: &Path, password: &Password, kdf: Kdf) -> Result<PrivateKeySigner> {
    let secret = web3::generate()?;
    web3::Keystore::seal(&secret, password, kdf)?.write(path)?;
    signer(&secret)
}
