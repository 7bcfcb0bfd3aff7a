use std::error::Error;
use std::hint::black_box;
use std::time::Duration;

use crate::arguments::Arguments;
use crate::clock::thread_time;
use crate::report::{Report, Row};

/// A sample runs its code as often as it takes to last this long.
const SAMPLE_MIN: Duration = Duration::from_millis(20);

/// Most runs in one sample.
const RUNS_MAX: u32 = 100_000;

/// Comparisons of ours with a peer, run one after the other.
pub struct Bench {
    arguments: Arguments,
    report: Report,
}

impl Bench {
    /// Takes the command line: names of comparisons, `--rounds N`, `--json FILE`.
    ///
    /// # Errors
    /// An argument that is none of these.
    pub fn from_arguments(title: &str) -> Result<Self, Box<dyn Error>> {
        let arguments = Arguments::parse(std::env::args().skip(1))?;
        Ok(Self { report: Report::new(title, arguments.rounds), arguments })
    }

    /// Times two ways to do the same to `items` things, in turns.
    pub fn compare<A, B>(
        &mut self,
        name: &str,
        items: usize,
        mut ours: impl FnMut() -> A,
        mut peer: impl FnMut() -> B,
    ) {
        if !self.arguments.select(name) {
            return;
        }
        let (our_runs, peer_runs) = (runs(&mut ours), runs(&mut peer));
        let mut pairs = Vec::with_capacity(self.arguments.rounds);
        for round in 0..self.arguments.rounds {
            pairs.push(if round % 2 == 0 {
                let first = sample(&mut ours, our_runs);
                (first, sample(&mut peer, peer_runs))
            } else {
                let first = sample(&mut peer, peer_runs);
                (sample(&mut ours, our_runs), first)
            });
        }
        let row = Row::new(name, items, &pairs);
        eprintln!("{row}");
        self.report.rows.push(row);
    }

    /// Prints the table, and writes the file if one was asked for.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn finish(self) -> Result<(), Box<dyn Error>> {
        println!("\n{}", self.report);
        if let Some(path) = self.arguments.json {
            std::fs::write(path, serde_json::to_string_pretty(&self.report)? + "\n")?;
        }
        Ok(())
    }
}

/// How many runs make a sample; a first run, which warms up, is not among them.
fn runs<T>(code: &mut impl FnMut() -> T) -> u32 {
    black_box(code());
    let mut runs = 1;
    while runs < RUNS_MAX && sample(code, runs) * runs < SAMPLE_MIN {
        runs *= 2;
    }
    runs
}

/// Mean time of one run.
fn sample<T>(code: &mut impl FnMut() -> T, runs: u32) -> Duration {
    let start = thread_time();
    for _ in 0..runs {
        black_box(code());
    }
    (thread_time() - start) / runs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn work(steps: u64) -> u64 {
        (0..steps).fold(1, |sum, step| black_box(sum ^ step.wrapping_mul(sum)))
    }

    #[test]
    fn compare_finds_the_ratio_of_two_amounts_of_work() {
        let arguments = Arguments::parse(std::iter::empty()).unwrap();
        let mut bench = Bench { report: Report::new("work", 21), arguments };
        bench.compare("four times", 1, || work(20_000), || work(80_000));
        let ratio = bench.report.rows[0].ratio.median;
        assert!((3.0..5.5).contains(&ratio), "{ratio}");
    }

    #[test]
    fn compare_that_was_not_asked_for_does_not_run() {
        let arguments = Arguments::parse(["other".to_owned()].into_iter()).unwrap();
        let mut bench = Bench { report: Report::new("work", 21), arguments };
        let unasked = || -> u64 { panic!("it was not asked for") };
        bench.compare("four times", 1, unasked, unasked);
        assert!(bench.report.rows.is_empty());
    }
}
