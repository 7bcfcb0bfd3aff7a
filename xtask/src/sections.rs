//! The sections of a CI run: each with a heading, its time, and how to repeat it.

use std::time::{Duration, Instant};

use eyre::{Result, bail};

/// What a section does.
type Work<'a> = Box<dyn FnMut() -> Result<()> + 'a>;

/// One part of a CI run.
pub(crate) struct Section<'a> {
    /// A word to select it by.
    pub(crate) name: &'static str,
    /// The command that repeats it alone.
    pub(crate) repeat: &'static str,
    /// What it does.
    pub(crate) work: Work<'a>,
}

impl<'a> Section<'a> {
    pub(crate) fn new(
        name: &'static str,
        repeat: &'static str,
        work: impl FnMut() -> Result<()> + 'a,
    ) -> Self {
        Self { name, repeat, work: Box::new(work) }
    }
}

/// What to do after a section failed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum OnFailure {
    /// Run the others all the same.
    GoOn,
    /// Run no other.
    Stop,
}

/// How a section ended.
struct Ended {
    name: &'static str,
    repeat: &'static str,
    took: Duration,
    failure: Option<String>,
}

/// Keeps the sections named in `only`; all when it is empty.
pub(crate) fn select<'a>(sections: Vec<Section<'a>>, only: &[String]) -> Result<Vec<Section<'a>>> {
    let names: Vec<&str> = sections.iter().map(|section| section.name).collect();
    if let Some(unknown) = only.iter().find(|name| !names.contains(&name.as_str())) {
        bail!("no section `{unknown}`; there are {}", names.join(", "));
    }
    let wanted = |section: &Section<'_>| only.is_empty() || only.iter().any(|n| n == section.name);
    Ok(sections.into_iter().filter(wanted).collect())
}

/// Runs the sections in turn; the last line printed is `N passed, N failed`. Returns how many failed.
pub(crate) fn run(mut sections: Vec<Section<'_>>, on_failure: OnFailure) -> usize {
    let started = Instant::now();
    let count = sections.len();
    let mut ended = Vec::with_capacity(count);
    for (position, section) in sections.iter_mut().enumerate() {
        let begun = Instant::now();
        println!(
            "\n=== {}/{count} {} (at {}) ===",
            position + 1,
            section.name,
            clock(started.elapsed())
        );
        let failure = (section.work)().err().map(|error| format!("{error:#}"));
        let took = begun.elapsed();
        match &failure {
            None => println!("--- {} passed in {}", section.name, clock(took)),
            Some(error) => {
                println!("--- {} FAILED after {}: {error}", section.name, clock(took));
                println!("    repeat with: {}", section.repeat);
            }
        }
        let failed = failure.is_some();
        ended.push(Ended { name: section.name, repeat: section.repeat, took, failure });
        if failed && on_failure == OnFailure::Stop {
            break;
        }
    }
    summary(&ended, started.elapsed())
}

fn summary(ended: &[Ended], total: Duration) -> usize {
    println!("\n=== summary ({}) ===", clock(total));
    for section in ended {
        match &section.failure {
            None => println!("{:<10} passed {:>8}", section.name, clock(section.took)),
            Some(error) => {
                println!("{:<10} FAILED {:>8}  {error}", section.name, clock(section.took));
                println!("{:<10} repeat with: {}", "", section.repeat);
            }
        }
    }
    let failed = ended.iter().filter(|section| section.failure.is_some()).count();
    println!("{} passed, {failed} failed", ended.len() - failed);
    failed
}

/// Minutes and seconds.
fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    if seconds < 60 {
        format!("{:.1} s", time.as_secs_f64())
    } else {
        format!("{}:{:02} min", seconds / 60, seconds % 60)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    fn named<'a>(name: &'static str, ran: &'a RefCell<Vec<&'static str>>) -> Section<'a> {
        Section::new(name, "again", move || {
            ran.borrow_mut().push(name);
            if name.starts_with("bad") {
                bail!("broken");
            }
            Ok(())
        })
    }

    #[test]
    fn run_goes_on_after_a_failure_and_counts_it() {
        let ran = RefCell::new(Vec::new());
        let sections = vec![named("a", &ran), named("bad", &ran), named("c", &ran)];
        assert_eq!(run(sections, OnFailure::GoOn), 1);
        assert_eq!(*ran.borrow(), ["a", "bad", "c"]);
    }

    #[test]
    fn run_stops_when_told_to() {
        let ran = RefCell::new(Vec::new());
        let sections = vec![named("bad", &ran), named("b", &ran)];
        assert_eq!(run(sections, OnFailure::Stop), 1);
        assert_eq!(*ran.borrow(), ["bad"]);
    }

    #[test]
    fn select_keeps_order_and_refuses_unknown_names() {
        let ran = RefCell::new(Vec::new());
        let sections = || vec![named("a", &ran), named("b", &ran), named("c", &ran)];
        let kept = select(sections(), &["c".into(), "a".into()]).unwrap();
        assert_eq!(kept.iter().map(|section| section.name).collect::<Vec<_>>(), ["a", "c"]);
        let Err(error) = select(sections(), &["d".into()]) else { panic!("selected") };
        assert_eq!(error.to_string(), "no section `d`; there are a, b, c");
    }

    #[test]
    fn clock_changes_unit_at_a_minute() {
        assert_eq!(clock(Duration::from_millis(1500)), "1.5 s");
        assert_eq!(clock(Duration::from_secs(125)), "2:05 min");
    }
}
