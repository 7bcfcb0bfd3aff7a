use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

/// Moduli of the base and the scalar field.
pub(crate) const Q: &str =
    "21888242871839275222246405745257275088696311157297823662689037894645226208583";
pub(crate) const R: &str =
    "21888242871839275222246405745257275088548364400416034343698204186575808495617";

pub(crate) const KEY: &str = "verification_key.json";
pub(crate) const PROOF: &str = "proof.json";
pub(crate) const PUBLIC: &str = "public.json";

/// What the binary answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) exit: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Answer {
    pub(crate) fn assert_refused(&self, code: &str) {
        assert_eq!(self.exit, 1, "{self:?}");
        let expected = format!("invalid: {code} ");
        assert!(self.stdout.starts_with(&expected), "expected {code}: {self:?}");
    }

    pub(crate) fn assert_unusable(&self, code: &str, hint: &str) {
        assert_eq!(self.exit, 2, "{self:?}");
        let expected = format!("unusable: {code} ");
        assert!(self.stderr.starts_with(&expected), "expected {code}: {self:?}");
        assert!(self.stderr.contains(hint), "expected {hint}: {self:?}");
        assert_eq!(self.stdout, "");
    }
}

pub(crate) fn assay(arguments: &[&str]) -> Answer {
    let output = Command::new(env!("CARGO_BIN_EXE_assay")).args(arguments).output().unwrap();
    Answer {
        exit: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

pub(crate) fn verify(vk: &Path, proof: &Path, public: &Path, more: &[&str]) -> Answer {
    let [vk, proof, public] = [vk, proof, public].map(|path| path.to_str().unwrap());
    let files = ["verify", "groth16", "--vk", vk, "--proof", proof, "--public", public];
    assay(&[&files, more].concat())
}

pub(crate) fn fixture(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../proofs/tests/fixtures").join(path)
}

/// The valid key, proof and public inputs of the manifest, by folder.
pub(crate) fn fixtures() -> Vec<PathBuf> {
    let manifest = fs::read(fixture("groth16/manifest.json")).unwrap();
    let manifest: Vec<Value> = serde_json::from_slice(&manifest).unwrap();
    assert!(manifest.iter().all(|entry| entry["expected_verdict"] == "valid"));
    let id = |entry: &Value| entry["id"].as_str().unwrap().to_owned();
    manifest.iter().map(|entry| fixture(&format!("groth16/{}", id(entry)))).collect()
}

/// A copy of a valid fixture that a test spoils.
pub(crate) struct Case {
    directory: TempDir,
}

impl Case {
    pub(crate) fn of(folder: &Path) -> Self {
        let directory = TempDir::new().unwrap();
        for name in [KEY, PROOF, PUBLIC] {
            fs::write(directory.path().join(name), fs::read(folder.join(name)).unwrap()).unwrap();
        }
        Self { directory }
    }

    pub(crate) fn new() -> Self {
        Self::of(&fixture("groth16/codex-hardhat-3pub"))
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }

    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        fs::write(self.path(name), bytes).unwrap();
    }

    pub(crate) fn json(&self, name: &str) -> Value {
        serde_json::from_slice(&self.read(name)).unwrap()
    }

    /// Changes one of the files as JSON.
    pub(crate) fn change(self, name: &str, change: impl FnOnce(&mut Value)) -> Self {
        let mut value = self.json(name);
        change(&mut value);
        self.write(name, value.to_string());
        self
    }

    /// Changes one of the files as bytes.
    pub(crate) fn spoil(self, name: &str, change: impl FnOnce(&mut Vec<u8>)) -> Self {
        let mut bytes = self.read(name);
        change(&mut bytes);
        self.write(name, bytes);
        self
    }

    pub(crate) fn verify(&self) -> Answer {
        self.verify_with(&[])
    }

    pub(crate) fn verify_with(&self, more: &[&str]) -> Answer {
        verify(&self.path(KEY), &self.path(PROOF), &self.path(PUBLIC), more)
    }
}

/// The decimal sum of two decimal strings.
pub(crate) fn sum(left: &str, right: &str) -> Value {
    let digits = |text: &str| text.bytes().rev().map(|byte| byte - b'0').collect::<Vec<_>>();
    let (left, right) = (digits(left), digits(right));
    let mut out = Vec::new();
    let mut carry = 0;
    for index in 0..left.len().max(right.len()) {
        let digit = |digits: &[u8]| digits.get(index).copied().unwrap_or(0);
        let total = digit(&left) + digit(&right) + carry;
        out.push(b'0' + total % 10);
        carry = total / 10;
    }
    if carry > 0 {
        out.push(b'0' + carry);
    }
    out.reverse();
    String::from_utf8(out).unwrap().into()
}

pub(crate) fn add(value: &Value, number: &str) -> Value {
    sum(value.as_str().unwrap(), number)
}
