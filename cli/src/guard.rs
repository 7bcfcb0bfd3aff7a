//! Running a foreign program so that it ends with whoever started it.
//!
//! Processes of this binary watch their standard input for that. Other programs do not, so this
//! command asks the kernel to kill it when its parent dies, and then becomes the program: the
//! request outlives `execve`. Kernels other than Linux have no such request; there the program
//! ends only by the signals that its parent sends while it lives.

use std::{ffi::OsString, os::unix::process::CommandExt as _, process::ExitCode};

use clap::Args;

/// Arguments of `assay guard`.
#[derive(Args)]
pub(crate) struct Arguments {
    /// The process that it must not outlive
    #[arg(long)]
    parent: u32,
    /// The program
    program: OsString,
    /// Its arguments
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<OsString>,
}

/// Becomes the program; returns only if that fails.
pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    #[cfg(target_os = "linux")]
    {
        let kill = Some(rustix::process::Signal::KILL);
        if let Err(error) = rustix::process::set_parent_process_death_signal(kill) {
            eprintln!("error: the kernel does not watch the parent process: {error}");
            return ExitCode::FAILURE;
        }
    }
    // It may have died before the kernel was asked.
    if std::os::unix::process::parent_id() != arguments.parent {
        eprintln!("error: the parent process is gone");
        return ExitCode::FAILURE;
    }
    let error = std::process::Command::new(&arguments.program).args(&arguments.arguments).exec();
    eprintln!("error: {}: {error}", arguments.program.to_string_lossy());
    ExitCode::FAILURE
}
