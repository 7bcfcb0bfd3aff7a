//! What a run said at its end.

use std::fmt;

/// A target's run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// Whose.
    pub(crate) target: String,
    executions: u64,
    per_second: u64,
    /// Edges of this workspace's code that were reached, of those there are.
    edges: u64,
    edges_all: u64,
    /// Edges, each with how often it was taken, and comparisons.
    features: u64,
    /// The first panic's message, and the input that leads to it.
    failed: Option<(String, String)>,
}

impl Outcome {
    /// Reads libFuzzer's log.
    pub(crate) fn read(target: &str, log: &[u8], success: bool) -> Self {
        let log = String::from_utf8_lossy(log);
        let mut outcome = Self { target: target.to_owned(), ..Self::default() };
        let (mut panic, mut input) = (None, None);
        let mut lines = log.lines();
        while let Some(line) = lines.next() {
            if let Some(rest) = line.strip_prefix("stat::number_of_executed_units:") {
                outcome.executions = number(rest);
            } else if let Some(rest) = line.strip_prefix("stat::average_exec_per_sec:") {
                outcome.per_second = number(rest);
            } else if line.contains("inline 8-bit counters)") {
                outcome.edges_all = after(line, "(");
            } else if line.contains(" cov: ") {
                outcome.edges = after(line, " cov: ");
                outcome.features = after(line, " ft: ");
            } else if line.starts_with("thread ") && line.contains(" panicked at ") {
                let message = lines.next().unwrap_or_default();
                panic.get_or_insert_with(|| format!("{line} {message}"));
            } else if line.starts_with("memory allocation of ") {
                panic.get_or_insert_with(|| line.to_owned());
            } else if line.starts_with("==") && line.contains("ERROR: libFuzzer:") {
                panic.get_or_insert_with(|| line.to_owned());
            } else if let Some((_, path)) = line.split_once("Test unit written to ") {
                input = Some(path.trim().to_owned());
            }
        }
        if !success {
            let unknown = || "it ended by itself, see its log".to_owned();
            outcome.failed = Some((panic.unwrap_or_else(unknown), input.unwrap_or_default()));
        }
        outcome
    }

    /// What failed, and the line that repeats it.
    pub(crate) fn failure(&self, target: &str) -> Option<String> {
        let (message, input) = self.failed.as_ref()?;
        Some(format!(
            "{target}: {message}\n    input: {input}\n    \
             repeat with: ASSAY_FUZZ_TARGET={target} target/debug/assay-fuzz {input}"
        ))
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { target, executions, per_second, edges, features, .. } = self;
        write!(f, "{target:<12}{executions:>10} executions{per_second:>8}/s{edges:>7} edges")?;
        write!(f, "{features:>7} features")?;
        if self.failed.is_some() { f.write_str("  FAILED") } else { Ok(()) }
    }
}

/// As Markdown, for docs/fuzzing.md.
pub(crate) fn print_table(outcomes: &[Outcome]) {
    let all = outcomes.iter().map(|outcome| outcome.edges_all).max().unwrap_or(0);
    println!("\nThe binary has {all} edges.\n");
    println!("| Target | Executions | a second | Edges | Features |");
    println!("|---|---:|---:|---:|---:|");
    for Outcome { target, executions, per_second, edges, features, .. } in outcomes {
        println!("| `{target}` | {executions} | {per_second} | {edges} | {features} |");
    }
}

fn number(text: &str) -> u64 {
    text.trim().parse().unwrap_or(0)
}

/// The number that follows `mark`.
fn after(line: &str, mark: &str) -> u64 {
    let rest = line.split_once(mark).map_or("", |(_, rest)| rest);
    rest.trim_start().split(|c: char| !c.is_ascii_digit()).next().map_or(0, number)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "\
INFO: Loaded 1 modules   (31337 inline 8-bit counters): 31337 [0x1, 0x2),
#2	INITED cov: 10 ft: 12 corp: 1/1b exec/s: 0 rss: 30Mb
#99	DONE   cov: 120 ft: 340 corp: 9/90b lim: 4 exec/s: 9 rss: 31Mb
stat::number_of_executed_units: 99
stat::average_exec_per_sec:     9
";

    #[test]
    fn outcome_of_a_good_run_has_its_numbers() {
        let outcome = Outcome::read("block", LOG.as_bytes(), true);
        assert_eq!((outcome.executions, outcome.per_second), (99, 9));
        assert_eq!((outcome.edges, outcome.features, outcome.edges_all), (120, 340, 31337));
        assert_eq!(outcome.failure("block"), None);
    }

    #[test]
    fn outcome_of_a_crash_names_message_and_input() {
        let log = format!(
            "{LOG}thread '<unnamed>' (7) panicked at protocol/src/block.rs:81:9:\nindex out of range\n\
             ==7== ERROR: libFuzzer: deadly signal\nTest unit written to /x/failing/crash-1\n"
        );
        let failure = Outcome::read("block", log.as_bytes(), false).failure("block").unwrap();
        assert!(failure.contains("block.rs:81:9: index out of range"), "{failure}");
        assert!(
            failure.contains("ASSAY_FUZZ_TARGET=block target/debug/assay-fuzz /x/failing/crash-1")
        );
    }
}
