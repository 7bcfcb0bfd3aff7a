use std::path::PathBuf;

use clap::Args;
use eyre::Result;
use keystore::Kdf;

use crate::{
    files,
    keys::{self, KeyFolder},
};

const EXAMPLES: &str = "\
Writes operator.json and consensus.json (web3 v3), network.json and encryption.json (EIP-2335),
all under one password, and public.json. Nothing that is there is overwritten.

Exit codes:
  0  the keys were made
  1  they were not; the reason is on standard error

Examples:
  # With a password of your own
  assay operator keygen --dir keys --password-file secret.txt

  # With a random one, in keys/password; move it apart from the keys
  assay operator keygen --dir keys";

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// The folder to write into
    #[arg(long, value_name = "DIR", default_value = "keys")]
    dir: PathBuf,
    /// A file that holds the password; without one, a random password is written to DIR/password
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// Encrypt cheaply, for networks whose keys are no secret
    #[arg(long)]
    light_kdf: bool,
    /// Print the public keys as JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    files::make_folder(&arguments.dir)?;
    let folder = KeyFolder::new(&arguments.dir);
    folder.check_empty()?;
    let password = match &arguments.password_file {
        Some(path) => keys::read_password(path)?,
        None => keys::create_password(&folder.password())?,
    };
    let kdf = if arguments.light_kdf { Kdf::LIGHT } else { Kdf::STANDARD };
    let public = folder.create(&password, kdf)?.public()?;
    if arguments.json {
        print!("{}", files::json(&public)?);
        return Ok(());
    }
    println!("operator       {}", public.operator);
    println!("consensus key  {}", public.consensus_key);
    println!("network key    {}", public.network_key);
    println!("encryption key {}", public.encryption_key);
    println!("files          {}", arguments.dir.display());
    if arguments.password_file.is_none() {
        println!("password       {} (random)", folder.password().display());
    }
    println!("Back up the files and the password, apart from each other.");
    println!("Never run two nodes with the same keys.");
    Ok(())
}
