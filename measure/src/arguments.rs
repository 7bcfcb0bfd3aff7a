use std::path::PathBuf;

/// Rounds of a comparison unless told otherwise: odd, so that the median is one of them.
const ROUNDS: usize = 21;

/// What a bench was asked for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Arguments {
    /// Comparisons whose name holds one of these run; all, if there is none.
    pub(crate) names: Vec<String>,
    pub(crate) rounds: usize,
    pub(crate) json: Option<PathBuf>,
}

impl Arguments {
    /// From the command line, the program's name left out. `--bench` comes from cargo.
    pub(crate) fn parse(mut words: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut parsed = Self { names: Vec::new(), rounds: ROUNDS, json: None };
        while let Some(word) = words.next() {
            match word.as_str() {
                "--bench" => {}
                "--rounds" => {
                    let rounds = words.next().and_then(|number| number.parse().ok());
                    parsed.rounds =
                        rounds.filter(|n| *n > 0).ok_or("--rounds takes a number above 0")?;
                }
                "--json" => {
                    parsed.json = Some(words.next().ok_or("--json takes a file's name")?.into());
                }
                _ if word.starts_with('-') => {
                    return Err(format!("{word}: usage: [NAME…] [--rounds N] [--json FILE]"));
                }
                _ => parsed.names.push(word),
            }
        }
        Ok(parsed)
    }

    pub(crate) fn select(&self, name: &str) -> bool {
        self.names.is_empty() || self.names.iter().any(|part| name.contains(part.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(words: &[&str]) -> Result<Arguments, String> {
        Arguments::parse(words.iter().map(|word| (*word).to_owned()))
    }

    #[test]
    fn parse_takes_names_and_options() {
        let parsed = parse(&["--bench", "batch", "--rounds", "3", "--json", "a.json"]).unwrap();
        assert_eq!((parsed.rounds, parsed.json.clone()), (3, Some("a.json".into())));
        assert!(parsed.select("a batch of 4"));
        assert!(!parsed.select("decoding"));
        assert!(parse(&[]).unwrap().select("decoding"));
    }

    #[test]
    fn parse_refuses_what_it_does_not_know() {
        for words in [&["--round", "3"][..], &["--rounds", "0"], &["--rounds"], &["--json"]] {
            assert!(parse(words).is_err(), "{words:?}");
        }
    }
}
