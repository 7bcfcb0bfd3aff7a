use std::{path::Path, time::Duration};

use alloy_primitives::{B256, Bytes};
use bindings::{AttestationHub, deploy::Deployment};
use eyre::{Result, bail, eyre};
use futures::future::join_all;
use oracle_node::views::Status;
use protocol::genesis::Genesis;

use super::{
    accounts::Accounts,
    evm::Evm,
    folder::{self, Folder},
    operators::Operator,
    options::Options,
    parts::{ACCOUNTS, GENESIS, Parts},
    ports::Ports,
    process::Process,
    progress::Progress,
    providers::{ProviderFiles, RunningProvider, prover_folder},
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
        // What is missing or in use is told before anything is written.
        let circuit = prover_folder()?;
        let ports = Ports::choose(options.base_port, options.nodes)?;
        let folder = Folder::create(options.dir.as_deref(), options.replace)?;
        let path = folder.path().to_owned();
        let mut devnet = match Self::prepare(options, folder, (&circuit, ports), progress).await {
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
        given: (&Path, Ports),
        progress: &Progress,
    ) -> Result<Self, (eyre::Report, Folder)> {
        match Parts::create(&options, folder.path(), given, progress).await {
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
        self.kill_operators(&[number]).await
    }

    /// Kills the processes of several operators by SIGKILL, at once: each has got the signal before
    /// any is waited for.
    ///
    /// # Errors
    /// As above.
    pub async fn kill_operators(&mut self, numbers: &[usize]) -> Result<()> {
        let mut processes = Vec::new();
        for number in numbers {
            processes.extend(self.operator_mut(*number)?.take_process());
        }
        for process in &mut processes {
            process.start_kill()?;
        }
        join_all(processes.iter_mut().map(Process::kill)).await.into_iter().collect()
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
