//! House rules that a program can check.

use eyre::{Result, bail};

use crate::repository::Repository;

/// The most lines a source file may have.
const LINES_MAX: usize = 600;

/// Checks all sources; fails with one line a breach.
pub(crate) fn run(repository: &Repository) -> Result<()> {
    let mut breaches = Vec::new();
    let mut read = 0;
    for file in repository.files()? {
        if !is_source(&file) {
            continue;
        }
        let text = repository.text(&file)?.unwrap_or_default();
        breaches.extend(check(&file, &text));
        read += 1;
    }
    for breach in &breaches {
        println!("{breach}");
    }
    if !breaches.is_empty() {
        bail!("{} breaches of the house rules", breaches.len());
    }
    println!("{read} source files keep the house rules");
    Ok(())
}

fn is_source(file: &str) -> bool {
    [".rs", ".sol", ".circom"].iter().any(|ending| file.ends_with(ending))
}

/// Spelled in parts, so that this file passes its own check.
fn markers() -> [String; 5] {
    [["TO", "DO"], ["FIX", "ME"], ["XX", "X:"], ["#[ign", "ore"], ["unimple", "mented!"]]
        .map(|parts| parts.concat())
}

fn check(file: &str, text: &str) -> Vec<String> {
    let mut breaches = Vec::new();
    let lines = text.lines().count();
    if lines > LINES_MAX {
        breaches.push(format!("{file}: {lines} lines, at most {LINES_MAX}: split it by concern"));
    }
    for (index, line) in text.lines().enumerate() {
        for marker in markers().iter().filter(|marker| line.contains(marker.as_str())) {
            breaches
                .push(format!("{file}:{}: `{marker}`: finish it, or write an issue", index + 1));
        }
    }
    breaches
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_finds_long_files() {
        assert_eq!(check("a.rs", &"x\n".repeat(LINES_MAX)), Vec::<String>::new());
        let found = check("a.rs", &"x\n".repeat(LINES_MAX + 1));
        assert_eq!(found, ["a.rs: 601 lines, at most 600: split it by concern"]);
    }

    #[test]
    fn check_finds_markers_with_their_line() {
        let text = format!("fn a() {{}}\n// {} later\n", markers()[0]);
        let found = check("a.sol", &text);
        assert_eq!(found.len(), 1);
        assert!(found[0].starts_with("a.sol:2: "), "{found:?}");
    }
}
