//! Running async commands, stopping them, and telling how they ended.

use std::{future::Future, io::Read as _, process::ExitCode, time::Duration};

use eyre::{Context as _, Result};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch,
};

/// How long a process may take to stop once its parent is gone.
const ORPHAN_GRACE: Duration = Duration::from_secs(10);
/// What an orphan that did not stop in time exits with (sysexits' EX_SOFTWARE).
const ORPHAN_EXIT: i32 = 70;

/// Runs a command to its end.
pub(crate) fn finish<T: Outcome>(work: impl Future<Output = Result<T>>) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let result = match runtime.wrap_err("async runtime") {
        Ok(runtime) => {
            let result = runtime.block_on(work);
            // Blocking work that nobody waits for any more must not hold the process up.
            runtime.shutdown_timeout(Duration::from_secs(1));
            result
        }
        Err(error) => Err(error),
    };
    report(result)
}

/// Tells an error, and turns a result into an exit code.
pub(crate) fn report<T: Outcome>(result: Result<T>) -> ExitCode {
    match result {
        Ok(outcome) => outcome.exit_code(),
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// How a command that did not fail ended.
pub(crate) trait Outcome {
    /// The process's exit code.
    fn exit_code(self) -> ExitCode;
}

impl Outcome for () {
    fn exit_code(self) -> ExitCode {
        ExitCode::SUCCESS
    }
}

impl Outcome for ExitCode {
    fn exit_code(self) -> ExitCode {
        self
    }
}

/// Ready once the process is told to stop, by SIGINT or SIGTERM.
pub(crate) async fn interrupted() {
    let (Ok(mut interrupt), Ok(mut terminate)) =
        (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        tracing::error!("signals cannot be watched; stop this process with SIGKILL");
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}

/// Ready once the process is told to stop, or, with a lifeline, once standard input ends: whoever
/// started it held the other end, and is gone however it died. A process that then takes too long
/// is ended.
pub(crate) fn stopped(lifeline: bool) -> impl Future<Output = ()> {
    let orphaned = lifeline.then(watch_standard_input);
    async move {
        let orphaned = async {
            match orphaned {
                Some(mut gone) => {
                    let _ = gone.wait_for(|gone| *gone).await;
                }
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = interrupted() => {}
            () = orphaned => {}
        }
    }
}

fn watch_standard_input() -> watch::Receiver<bool> {
    let (tell, gone) = watch::channel(false);
    std::thread::spawn(move || {
        let mut bytes = [0; 64];
        // Whatever comes is ignored; only the end counts.
        while std::io::stdin().lock().read(&mut bytes).is_ok_and(|count| count > 0) {}
        tracing::warn!("the parent process is gone; stopping");
        let _ = tell.send(true);
        std::thread::sleep(ORPHAN_GRACE);
        tracing::error!("not stopped in time; ending at once");
        std::process::exit(ORPHAN_EXIT);
    });
    gone
}
