use std::{
    path::Path,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use alloy_primitives::{B256, Bytes, U256};
use bindings::{
    AttestationHub, OperatorRegistry, VerifierRegistry,
    deploy::{self, Deployment, Settings},
};
use eyre::{Context as _, Result, bail, eyre};
use futures::future::join_all;
use keystore::Password;
use oracle_node::views::Status;
use proofs::formats::Format;
use protocol::{
    genesis::{Genesis, Hub},
    ids::LedgerTime,
};

use super::{
    accounts::{Accounts, funded},
    evm::Evm,
    folder::{self, Folder},
    jobs::demo_statement,
    operators::{Draft, Operator},
    options::Options,
    ports::Ports,
    process::Process,
    progress::Progress,
    providers::{self, ProviderFiles, RunningProvider, prover_folder},
    summary::{OperatorSummary, ProviderSummary, Summary},
};
use crate::{files, keys};

/// Pause between looks at nodes and chain.
pub(crate) const LOOK: Duration = Duration::from_millis(200);
/// Beside the ceremony's own phases: processes starting, the key confirmed on chain.
const READY_MARGIN: Duration = Duration::from_secs(90);
/// Stages of a key ceremony.
const CEREMONY_STAGES: u32 = 4;

/// A running network.
#[derive(Debug)]
pub struct Devnet {
    options: Options,
    folder: Folder,
    evm: Evm,
    deployment: Deployment,
    genesis: Genesis,
    accounts: Accounts,
    operators: Vec<Operator>,
    providers: Vec<RunningProvider>,
    statement: Bytes,
}

impl Devnet {
    /// Brings everything up: when this returns, the committee has a key, the hub has confirmed
    /// it, and the providers' agents run.
    ///
    /// # Errors
    /// Names the step that failed; every process that was started is gone then, and a temporary
    /// folder is kept for its logs.
    pub async fn start(options: Options, progress: &Progress) -> Result<Self> {
        let folder = Folder::create(options.dir.as_deref(), options.replace)?;
        let path = folder.path().to_owned();
        let mut devnet = match Self::prepare(options, folder, progress).await {
            Ok(devnet) => devnet,
            Err((error, folder)) => {
                let kept = folder.keep();
                return Err(error.wrap_err(format!("devnet not started; see {}", kept.display())));
            }
        };
        match devnet.bring_up(progress).await {
            Ok(()) => Ok(devnet),
            Err(error) => {
                devnet.stop_processes().await?;
                devnet.folder.keep();
                let advice = format!("devnet not ready; see {}", path.join("logs").display());
                Err(error.wrap_err(advice))
            }
        }
    }

    async fn prepare(
        options: Options,
        folder: Folder,
        progress: &Progress,
    ) -> Result<Self, (eyre::Report, Folder)> {
        match Parts::create(&options, folder.path(), progress).await {
            Ok(parts) => Ok(Self {
                evm: parts.evm,
                deployment: parts.deployment,
                genesis: parts.genesis,
                accounts: parts.accounts,
                operators: parts.operators,
                providers: parts.providers,
                statement: parts.statement,
                options,
                folder,
            }),
            Err(error) => Err((error, folder)),
        }
    }

    async fn bring_up(&mut self, progress: &Progress) -> Result<()> {
        self.evm.mine_every(self.options.block_time_s).await?;
        let logs = self.folder.logs();
        for operator in &mut self.operators {
            operator.start(&self.options, &logs)?;
        }
        progress.step(format_args!(
            "{} operators started; the key ceremony begins",
            self.operators.len()
        ));
        self.wait_for_group_key(progress).await?;
        for provider in &mut self.providers {
            *provider = provider.files.clone().start(&self.options, &logs)?;
        }
        let file = self.folder.path().join(folder::SUMMARY);
        files::write_new_json(&file, &self.summary())
    }

    /// Waits until every operator holds a share and the hub has the group key.
    async fn wait_for_group_key(&mut self, progress: &Progress) -> Result<()> {
        let ceremony = Duration::from_millis(self.genesis.parameters.ceremony_ms);
        let limit = ceremony.saturating_mul(CEREMONY_STAGES).saturating_add(READY_MARGIN);
        let mut told = String::new();
        let ready = async {
            loop {
                self.check_alive()?;
                let statuses = self.statuses().await;
                let up = statuses.iter().flatten().count();
                let shares = statuses.iter().flatten().filter(|status| status.has_share).count();
                let height =
                    statuses.iter().flatten().map(|status| status.height).max().unwrap_or(0);
                let on_hub = self.has_group_key().await.unwrap_or(false);
                let all = self.operators.len();
                let hub = if on_hub { ", key active on the hub" } else { "" };
                let now = format!("{up} of {all} operators answer, {shares} hold a share{hub}");
                if now != told {
                    progress.step(format_args!("{now} (height {height})"));
                    told = now;
                }
                if shares == all && on_hub {
                    return Ok::<_, eyre::Report>(());
                }
                tokio::time::sleep(LOOK).await;
            }
        };
        match tokio::time::timeout(limit, ready).await {
            Ok(result) => result,
            Err(_) => bail!("no group key after {} s; last seen: {told}", limit.as_secs()),
        }
    }

    /// Whether the hub has confirmed a group key.
    ///
    /// # Errors
    /// When the chain does not answer.
    pub async fn has_group_key(&self) -> Result<bool> {
        let call = AttestationHub::groupKeyCall {};
        Ok(!self.evm.rpc().call(self.deployment.hub, &call).await?.is_empty())
    }

    /// Every operator's status, in order; `None` for one that does not answer.
    pub async fn statuses(&self) -> Vec<Option<Status>> {
        let asked = self.operators.iter().map(|operator| operator.client().status());
        join_all(asked).await.into_iter().map(Result::ok).collect()
    }

    /// Waits until all operators are at one height, and compares their states.
    ///
    /// # Errors
    /// When their digests differ, or they do not come to one height within `limit`.
    pub async fn agreed_state(&mut self, limit: Duration) -> Result<(u64, B256)> {
        let mut seen = String::new();
        let agreed = async {
            loop {
                self.check_alive()?;
                let statuses = self.statuses().await;
                seen = statuses
                    .iter()
                    .map(|status| status.as_ref().map_or("-".into(), |it| it.height.to_string()))
                    .collect::<Vec<_>>()
                    .join(", ");
                if let Some(state) = one_state(&statuses)? {
                    return Ok::<_, eyre::Report>(state);
                }
                tokio::time::sleep(LOOK).await;
            }
        };
        match tokio::time::timeout(limit, agreed).await {
            Ok(result) => result,
            Err(_) => bail!("operators stay at different heights: {seen}"),
        }
    }

    /// Kills an operator's process by SIGKILL.
    ///
    /// # Errors
    /// When there is no such operator, or it cannot be killed.
    pub async fn kill_operator(&mut self, number: usize) -> Result<()> {
        self.operator_mut(number)?.kill().await
    }

    /// Starts an operator's process again.
    ///
    /// # Errors
    /// When there is no such operator, it runs already or cannot be run.
    pub fn start_operator(&mut self, number: usize) -> Result<()> {
        let (options, logs) = (self.options.clone(), self.folder.logs());
        self.operator_mut(number)?.start(&options, &logs)
    }

    fn operator_mut(&mut self, number: usize) -> Result<&mut Operator> {
        self.operators.get_mut(number).ok_or_else(|| eyre!("there is no operator {number}"))
    }

    /// # Errors
    /// When a process ended by itself.
    pub fn check_alive(&mut self) -> Result<()> {
        self.evm.process().check_alive()?;
        for operator in &mut self.operators {
            operator.check_alive()?;
        }
        for provider in &mut self.providers {
            provider.process.as_mut().map_or(Ok(()), Process::check_alive)?;
        }
        Ok(())
    }

    /// Ends every process, and deletes a temporary folder.
    ///
    /// # Errors
    /// When a process cannot be ended.
    pub async fn stop(mut self) -> Result<()> {
        self.stop_processes().await
    }

    /// As [`Devnet::stop`], but keeps the folder, and says where it is.
    ///
    /// # Errors
    /// As above.
    pub async fn stop_and_keep(mut self) -> Result<std::path::PathBuf> {
        self.stop_processes().await?;
        Ok(self.folder.keep())
    }

    /// Operators and providers at once, and the chain last: they still talk to it.
    async fn stop_processes(&mut self) -> Result<()> {
        let mut processes: Vec<Process> =
            self.operators.iter_mut().filter_map(Operator::take_process).collect();
        processes.extend(self.providers.iter_mut().filter_map(|it| it.process.take()));
        let stopped = join_all(processes.iter_mut().map(Process::stop)).await;
        let chain = self.evm.process().stop().await;
        stopped.into_iter().chain([chain]).collect()
    }

    /// The options it was started with.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// Its folder.
    pub fn dir(&self) -> &Path {
        self.folder.path()
    }

    /// Its chain.
    pub fn evm(&self) -> &Evm {
        &self.evm
    }

    /// Where its contracts are.
    pub fn deployment(&self) -> &Deployment {
        &self.deployment
    }

    /// What its ledger stands on.
    pub fn genesis(&self) -> &Genesis {
        &self.genesis
    }

    /// The owner and the consumer.
    pub fn accounts(&self) -> &Accounts {
        &self.accounts
    }

    /// The operators.
    pub fn operators(&self) -> &[Operator] {
        &self.operators
    }

    /// The provider with this name.
    ///
    /// # Errors
    /// When there is none.
    pub fn provider(&self, name: &str) -> Result<&ProviderFiles> {
        let mut files = self.providers.iter().map(|provider| &provider.files);
        files.find(|files| files.name == name).ok_or_else(|| eyre!("there is no provider {name}"))
    }

    /// The demo circuit's statement.
    pub fn statement(&self) -> &Bytes {
        &self.statement
    }

    /// Everything that somebody needs to use it.
    pub fn summary(&self) -> Summary {
        let dir = self.folder.path();
        let logs = self.folder.logs();
        Summary {
            dir: dir.to_owned(),
            rpc_url: self.evm.url().to_owned(),
            deployment: self.deployment,
            ledger_id: self.genesis.ledger_id(),
            genesis: dir.join(GENESIS),
            password_file: dir.join(keys::PASSWORD),
            consumer_key: dir.join(ACCOUNTS).join("consumer.json"),
            statement: self.statement.clone(),
            operators: self
                .operators
                .iter()
                .map(|operator| OperatorSummary {
                    name: operator.name().to_owned(),
                    address: operator.address(),
                    api: operator.client().base().to_owned(),
                    config: operator.dir().join("node.toml"),
                    log: logs.join(format!("{}.log", operator.name())),
                })
                .collect(),
            providers: self
                .providers
                .iter()
                .map(|provider| ProviderSummary {
                    name: provider.files.name.clone(),
                    address: provider.files.address(),
                    key: provider.files.key_file.clone(),
                    config: provider.files.config.clone(),
                })
                .collect(),
        }
    }
}

/// The one height and digest of all, if they are at one height.
fn one_state(statuses: &[Option<Status>]) -> Result<Option<(u64, B256)>> {
    let Some(all) = statuses.iter().map(Option::as_ref).collect::<Option<Vec<_>>>() else {
        return Ok(None);
    };
    let Some(first) = all.first() else { return Ok(None) };
    if all.iter().any(|status| status.height != first.height) {
        return Ok(None);
    }
    if let Some(other) = all.iter().find(|status| status.state_digest != first.state_digest) {
        bail!(
            "state digests differ at height {}: {} has {}, {} has {}",
            first.height,
            first.operator,
            first.state_digest,
            other.operator,
            other.state_digest
        );
    }
    Ok(Some((first.height, first.state_digest)))
}

/// Names inside a devnet's folder.
const GENESIS: &str = "genesis.json";
const DEPLOYMENT: &str = "deployment.json";
const ACCOUNTS: &str = "accounts";

/// What there is before the operators run.
struct Parts {
    evm: Evm,
    deployment: Deployment,
    genesis: Genesis,
    accounts: Accounts,
    operators: Vec<Operator>,
    providers: Vec<RunningProvider>,
    statement: Bytes,
}

impl Parts {
    async fn create(options: &Options, dir: &Path, progress: &Progress) -> Result<Self> {
        let circuit = prover_folder()?;
        files::make_folder(&dir.join("logs"))?;
        let password_file = dir.join(keys::PASSWORD);
        let password = keys::create_password(&password_file)?;
        let ports = Ports::choose(options.base_port, options.nodes)?;
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
        let vk_id = add_verifying_key(&accounts, &deployment, &circuit).await?;
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
