//! Running other programs: announced, streamed, bounded in time.

use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use eyre::{Context as _, Result, bail};

/// How often a running program is looked at when its time is limited.
const POLL_INTERVAL: Duration = Duration::from_millis(100);
/// How long a program may take to stop when asked to.
const STOP_GRACE: Duration = Duration::from_secs(20);

/// A program about to be run.
#[derive(Debug)]
pub(crate) struct Program {
    name: OsString,
    arguments: Vec<OsString>,
    directory: PathBuf,
    environment: Vec<(String, OsString)>,
    limit: Option<Duration>,
}

impl Program {
    /// `name`, to be run in `directory`.
    pub(crate) fn new(name: impl AsRef<OsStr>, directory: &Path) -> Self {
        Self {
            name: name.as_ref().to_owned(),
            arguments: Vec::new(),
            directory: directory.to_owned(),
            environment: Vec::new(),
            limit: None,
        }
    }

    /// Cargo, the one that runs this task, in `directory`.
    pub(crate) fn cargo(directory: &Path) -> Self {
        Self::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()), directory)
    }

    pub(crate) fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.arguments.push(argument.as_ref().to_owned());
        self
    }

    pub(crate) fn args(mut self, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        self.arguments.extend(arguments.into_iter().map(|argument| argument.as_ref().to_owned()));
        self
    }

    pub(crate) fn env(mut self, key: &str, value: impl AsRef<OsStr>) -> Self {
        self.environment.push((key.to_owned(), value.as_ref().to_owned()));
        self
    }

    /// The program is asked to stop, and then made to, when it runs longer than this.
    pub(crate) fn limit(mut self, limit: Duration) -> Self {
        self.limit = Some(limit);
        self
    }

    /// The program as one would type it.
    pub(crate) fn line(&self) -> String {
        let mut line = String::new();
        for (key, value) in self.environment.iter().filter(|(key, _)| key != "PATH") {
            let _ = write!(line, "{key}={} ", value.to_string_lossy());
        }
        line.push_str(&file_name(&self.name));
        for argument in &self.arguments {
            let argument = argument.to_string_lossy();
            if argument.contains([' ', '&', '|', '(']) {
                let _ = write!(line, " '{argument}'");
            } else {
                let _ = write!(line, " {argument}");
            }
        }
        line
    }

    /// Runs it with our own output; fails when it does.
    pub(crate) fn run(self) -> Result<()> {
        println!("$ {}", self.line());
        let mut child = self
            .command()
            .spawn()
            .wrap_err_with(|| format!("could not start `{}`", file_name(&self.name)))?;
        let status = match self.limit {
            None => child.wait()?,
            Some(limit) => wait_at_most(&mut child, limit, &self.line())?,
        };
        if !status.success() {
            bail!("`{}` failed ({status})", self.line());
        }
        Ok(())
    }

    /// Runs it and returns what it printed; fails when it does, with what it said.
    pub(crate) fn output(self) -> Result<String> {
        let output = self
            .command()
            .stdin(Stdio::null())
            .output()
            .wrap_err_with(|| format!("could not start `{}`", file_name(&self.name)))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            bail!("`{}` failed ({}): {}", self.line(), output.status, said.trim());
        }
        Ok(String::from_utf8(output.stdout)?)
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.name);
        command.args(&self.arguments).current_dir(&self.directory);
        // What `cargo run` told us about this package would only confuse the builds we start.
        for (key, _) in std::env::vars_os() {
            let name = key.to_string_lossy();
            if name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") {
                command.env_remove(&key);
            }
        }
        command.envs(self.environment.iter().map(|(key, value)| (key, value)));
        command
    }
}

fn wait_at_most(child: &mut Child, limit: Duration, line: &str) -> Result<ExitStatus> {
    if let Some(status) = wait_until(child, Instant::now() + limit)? {
        return Ok(status);
    }
    // Ask first: a program that started others then stops them too.
    let _ = Command::new("kill").args(["-TERM", &child.id().to_string()]).status();
    if wait_until(child, Instant::now() + STOP_GRACE)?.is_none() {
        child.kill()?;
        child.wait()?;
    }
    bail!("`{line}` ran longer than {} s and was stopped", limit.as_secs())
}

fn wait_until(child: &mut Child, end: Instant) -> Result<Option<ExitStatus>> {
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if Instant::now() >= end {
            return Ok(None);
        }
        thread::sleep(POLL_INTERVAL);
    }
}

fn file_name(name: &OsStr) -> String {
    Path::new(name).file_name().unwrap_or(name).to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn here() -> &'static Path {
        Path::new(".")
    }

    #[test]
    fn line_shows_environment_and_quotes() {
        let program = Program::new("/usr/bin/echo", here()).env("A", "1").args(["x", "y z"]);
        assert_eq!(program.line(), "A=1 echo x 'y z'");
    }

    #[test]
    fn run_of_a_failing_program_names_it() {
        let error = Program::new("false", here()).run().unwrap_err();
        assert!(error.to_string().starts_with("`false` failed"), "{error}");
    }

    #[test]
    fn run_of_a_missing_program_names_it() {
        let error = Program::new("no-such-program-here", here()).run().unwrap_err();
        assert_eq!(error.to_string(), "could not start `no-such-program-here`");
    }

    #[test]
    fn run_past_its_limit_is_stopped() {
        let started = Instant::now();
        let program = Program::new("sleep", here()).arg("60").limit(Duration::from_millis(200));
        let error = program.run().unwrap_err();
        assert!(error.to_string().contains("was stopped"), "{error}");
        assert!(started.elapsed() < Duration::from_secs(30));
    }
}
