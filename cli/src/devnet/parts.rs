use std::{
    path::Path,
    time::{SystemTime, UNIX_EPOCH},
};

use alloy_primitives::{B256, Bytes, U256};
use bindings::{
    OperatorRegistry, VerifierRegistry,
    deploy::{self, Deployment, Settings},
};
use eyre::{Context as _, Result, eyre};
use keystore::Password;
use proofs::formats::Format;
use protocol::{
    genesis::{Genesis, Hub},
    ids::LedgerTime,
};

use super::{
    accounts::{Accounts, funded},
    evm::Evm,
    jobs::demo_statement,
    operators::{Draft, Operator},
    options::Options,
    ports::Ports,
    progress::Progress,
    providers::{self, ProviderFiles, RunningProvider},
};
use crate::{files, keys};

/// Names inside a devnet's folder.
pub(super) const GENESIS: &str = "genesis.json";
const DEPLOYMENT: &str = "deployment.json";
pub(super) const ACCOUNTS: &str = "accounts";

/// What there is before the operators run.
pub(super) struct Parts {
    pub(super) evm: Evm,
    pub(super) deployment: Deployment,
    pub(super) genesis: Genesis,
    pub(super) accounts: Accounts,
    pub(super) operators: Vec<Operator>,
    pub(super) providers: Vec<RunningProvider>,
    pub(super) statement: Bytes,
}

impl Parts {
    pub(super) async fn create(
        options: &Options,
        dir: &Path,
        (circuit, ports): (&Path, Ports),
        progress: &Progress,
    ) -> Result<Self> {
        files::make_folder(&dir.join("logs"))?;
        let password_file = dir.join(keys::PASSWORD);
        let password = keys::create_password(&password_file)?;
        let evm = Evm::start(&options.program, ports.chain(), options.chain_id, &dir.join("logs"))
            .await?;
        progress.step(format_args!("chain {} at {}", options.chain_id, evm.url()));

        let accounts = Accounts::create(&evm, &dir.join(ACCOUNTS), &password).await?;
        let settings = Settings {
            seats: options.nodes.into(),
            challenge_window: options.challenge_window_s,
            ..Settings::default()
        };
        let deployment = deploy::deploy(&accounts.owner, &settings).await?;
        files::write_new_json(&dir.join(DEPLOYMENT), &deployment)?;
        accounts.give_tokens(&deployment, accounts.owner.address()).await?;
        accounts.give_tokens(&deployment, accounts.consumer.address()).await?;
        progress.step(format_args!("contracts deployed, hub {}", deployment.hub));

        let drafts = create_operators(options, dir, ports, &password, &evm, &accounts, &deployment);
        let drafts = drafts.await?;
        progress.step(format_args!("{} operators registered", drafts.len()));
        let vk_id = add_verifying_key(&accounts, &deployment, circuit).await?;
        let genesis = genesis_of(options, &drafts, &deployment)?;
        let genesis_file = dir.join(GENESIS);
        files::write_new_json(&genesis_file, &genesis)?;
        let operators = drafts
            .into_iter()
            .map(|draft| draft.write(options, &genesis_file, &password_file, deployment, evm.url()))
            .collect::<Result<Vec<_>>>()?;

        let network = providers::Network {
            ledger_id: genesis.ledger_id(),
            nodes: operators.iter().map(|it| it.client().base().to_owned()).collect(),
            min_agreeing: genesis.quorums().f + 1,
            password_file: &password_file,
        };
        let mut providers = Vec::new();
        for (name, behaviour) in &options.providers {
            let one = (name.as_str(), *behaviour);
            let files =
                ProviderFiles::create(&evm, &accounts, &deployment, dir, &password, one).await?;
            files.write_config(&network)?;
            providers.push(RunningProvider { files, process: None });
        }
        progress.step(format_args!("{} providers registered", providers.len()));
        let statement = demo_statement(vk_id);
        Ok(Self { evm, deployment, genesis, accounts, operators, providers, statement })
    }
}

async fn create_operators(
    options: &Options,
    dir: &Path,
    ports: Ports,
    password: &Password,
    evm: &Evm,
    accounts: &Accounts,
    deployment: &Deployment,
) -> Result<Vec<Draft>> {
    let mut drafts = Vec::new();
    for number in 0..options.nodes {
        let draft = Draft::create(dir, number, ports, password)?;
        funded(evm, draft.secrets.operator_signer()?).await?;
        let registration = draft.secrets.registration(&draft.multiaddr)?;
        deploy::register_operator(&accounts.owner, deployment, &registration)
            .await
            .wrap_err_with(|| format!("registering {}", draft.name))?;
        drafts.push(draft);
    }
    let freeze = OperatorRegistry::freezeCommitteeCall {};
    accounts.owner.call(deployment.operator_registry, &freeze, U256::ZERO).await?;
    Ok(drafts)
}

async fn add_verifying_key(
    accounts: &Accounts,
    deployment: &Deployment,
    circuit: &Path,
) -> Result<B256> {
    let path = circuit.join("verification_key.json");
    let text = files::read(&path)?;
    let key = Format::Snarkjs
        .read_key(text.as_bytes())
        .map_err(|error| eyre!("{}: {error}", path.display()))?;
    let add = VerifierRegistry::addVerifyingKeyCall { key: key.to_canonical().into() };
    accounts.owner.call(deployment.verifier_registry, &add, U256::ZERO).await?;
    Ok(key.id())
}

fn genesis_of(options: &Options, drafts: &[Draft], deployment: &Deployment) -> Result<Genesis> {
    let members = drafts.iter().map(|draft| draft.secrets.public()?.member(&draft.multiaddr));
    let mut members = members.collect::<Result<Vec<_>>>()?;
    members.sort_by_key(|member| member.network_key);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).wrap_err("clock is before 1970")?;
    let genesis = Genesis {
        salt: B256::from(rand::random::<[u8; 32]>()),
        time_ms: LedgerTime(u64::try_from(now.as_millis())?),
        committee_id: 0,
        hubs: vec![Hub {
            chain_id: deployment.chain_id,
            hub: deployment.hub,
            start_block: deployment.start_block,
        }],
        members,
        parameters: options.parameters,
    };
    genesis.validate()?;
    Ok(genesis)
}
