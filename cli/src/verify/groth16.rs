use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use proofs::Code;
use proofs::formats::{Format, FormatError};
use serde::Serialize;

/// Longest file that is read; a key of 1000 inputs takes 0.2 MB as JSON.
const FILE_BYTES_MAX: u64 = 16 << 20;

const EXIT_CODES: &str = "\
Exit codes:
  0  valid
  1  invalid: the files read, but the proof, the key or an input is refused
  2  unusable: a file is missing, truncated, or not of the form it should be

Examples:
  # What snarkjs leaves behind
  assay verify groth16 --vk verification_key.json --proof proof.json --public public.json

  # gnark's binary files, with the verdict as JSON
  assay verify groth16 --vk circuit.vk --proof circuit.proof --public public.witness --json

  # In a script
  assay verify groth16 --vk vk.json --proof proof.json --public public.json && echo paid";

#[derive(Args)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct Arguments {
    /// Verifying key: snarkjs `verification_key.json`, or gnark's binary key
    #[arg(long, value_name = "FILE")]
    vk: PathBuf,
    /// Proof: snarkjs `proof.json`, or gnark's binary proof
    #[arg(long, value_name = "FILE")]
    proof: PathBuf,
    /// Public inputs: snarkjs `public.json`, or gnark's binary public witness
    #[arg(long, value_name = "FILE")]
    public: PathBuf,
    /// Form of all three files; each file's own is told from its bytes if this is left out
    #[arg(long, value_enum)]
    format: Option<FormatName>,
    /// Print the verdict as one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum FormatName {
    Snarkjs,
    Gnark,
}

impl From<FormatName> for Format {
    fn from(name: FormatName) -> Self {
        match name {
            FormatName::Snarkjs => Self::Snarkjs,
            FormatName::Gnark => Self::Gnark,
        }
    }
}

/// What the files come to.
enum Outcome {
    Valid(Facts),
    Invalid { code: Code, place: Option<String> },
    Unusable { code: Code, message: String },
}

struct Facts {
    vk_id: String,
    public_inputs: usize,
}

/// The verdict as `--json` prints it; fields that do not apply are left out.
#[derive(Default, Serialize)]
struct Report {
    verdict: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code_number: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    vk_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    public_inputs: Option<usize>,
}

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    let outcome = judge(arguments);
    if arguments.json {
        match serde_json::to_string(&outcome.report()) {
            Ok(text) => println!("{text}"),
            Err(error) => eprintln!("error: the verdict could not be written as JSON: {error}"),
        }
    } else if matches!(outcome, Outcome::Unusable { .. }) {
        eprintln!("{outcome}");
    } else {
        println!("{outcome}");
    }
    ExitCode::from(match outcome {
        Outcome::Valid(_) => 0,
        Outcome::Invalid { .. } => 1,
        Outcome::Unusable { .. } => 2,
    })
}

fn judge(arguments: &Arguments) -> Outcome {
    let format = arguments.format.map(Format::from);
    let key = read(&arguments.vk, format, Format::read_key);
    let proof = read(&arguments.proof, format, Format::read_proof);
    let public = read(&arguments.public, format, Format::read_public);
    // A file that cannot be read is said first, whatever the readable ones hold.
    let (key, proof, public) = match (key, proof, public) {
        (Ok(key), Ok(proof), Ok(public)) => (key, proof, public),
        (key, proof, public) => {
            let mut problems: Vec<_> =
                [key.err(), proof.err(), public.err()].into_iter().flatten().collect();
            problems.sort_by_key(|problem| matches!(problem, Outcome::Invalid { .. }));
            let first = problems.into_iter().next();
            return first.unwrap_or_else(|| unusable(Path::new(""), Code::FileUnavailable, ""));
        }
    };
    if public.len() != key.input_count() {
        let place = format!("the key takes {}, there are {}", key.input_count(), public.len());
        return Outcome::Invalid { code: Code::InputCount, place: Some(place) };
    }
    match key.verify(&proof, &public) {
        Ok(()) => {
            Outcome::Valid(Facts { vk_id: key.id().to_string(), public_inputs: public.len() })
        }
        Err(code) => Outcome::Invalid { code, place: None },
    }
}

fn read<T>(
    path: &Path,
    format: Option<Format>,
    parse: fn(Format, &[u8]) -> Result<T, FormatError>,
) -> Result<T, Outcome> {
    let bytes =
        read_bytes(path).map_err(|message| unusable(path, Code::FileUnavailable, &message))?;
    let format = format.unwrap_or_else(|| Format::detect(&bytes));
    parse(format, &bytes).map_err(|error| match error {
        FormatError::Refused { code, place } => {
            Outcome::Invalid { code, place: Some(format!("{}: {place}", path.display())) }
        }
        FormatError::Unreadable { code, message } => {
            unusable(path, code, &format!("{message} (read as {format})"))
        }
    })
}

fn unusable(path: &Path, code: Code, message: &str) -> Outcome {
    Outcome::Unusable { code, message: format!("{}: {message}", path.display()) }
}

fn read_bytes(path: &Path) -> Result<Vec<u8>, String> {
    let advice = "give the path of a file that you can read";
    let file = File::open(path).map_err(|error| format!("{error}; {advice}"))?;
    let mut bytes = Vec::new();
    file.take(FILE_BYTES_MAX + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| format!("{error}; {advice}"))?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length <= FILE_BYTES_MAX) {
        Ok(bytes)
    } else {
        Err(format!("longer than {FILE_BYTES_MAX} bytes; give a key, proof or public input file"))
    }
}

impl Outcome {
    fn report(&self) -> Report {
        match self {
            Self::Valid(facts) => Report {
                verdict: "valid",
                vk_id: Some(facts.vk_id.clone()),
                public_inputs: Some(facts.public_inputs),
                ..Report::default()
            },
            Self::Invalid { code, place } => Report {
                verdict: "invalid",
                code: Some(code.name()),
                code_number: Some(code.number()),
                message: Some(explain(*code, place.as_deref())),
                ..Report::default()
            },
            Self::Unusable { code, message } => Report {
                verdict: "unusable",
                code: Some(code.name()),
                code_number: Some(code.number()),
                message: Some(message.clone()),
                ..Report::default()
            },
        }
    }
}

fn explain(code: Code, place: Option<&str>) -> String {
    let explanation = code.explanation();
    place.map_or_else(|| explanation.to_owned(), |place| format!("{explanation} ({place})"))
}

impl fmt::Display for Outcome {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Valid(_) => formatter.write_str("valid"),
            Self::Invalid { code, place } => {
                write!(formatter, "invalid: {code} {}", explain(*code, place.as_deref()))
            }
            Self::Unusable { code, message } => write!(formatter, "unusable: {code} {message}"),
        }
    }
}
