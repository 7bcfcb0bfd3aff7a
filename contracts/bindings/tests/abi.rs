//! The bindings against the committed files. Those against the sources: `cargo xtask ci`.

use std::collections::BTreeMap;
use std::path::Path;

use alloy_primitives::Bytes;
use assay_bindings::{
    AttestationHub, DevToken, OperatorRegistry, ProofGate, ResourceEscrow, ResourceRegistry,
    VerifierRegistry,
};

fn committed() -> BTreeMap<String, Bytes> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../abi");
    let mut codes = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let file: serde_json::Value =
            serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        let code: Bytes = file["bytecode"].as_str().unwrap().parse().unwrap();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        if !code.is_empty() {
            codes.insert(name, code);
        }
    }
    codes
}

#[test]
fn bindings_hold_the_creation_code_of_every_committed_contract() {
    let bound = [
        ("AttestationHub", &AttestationHub::BYTECODE),
        ("DevToken", &DevToken::BYTECODE),
        ("OperatorRegistry", &OperatorRegistry::BYTECODE),
        ("ProofGate", &ProofGate::BYTECODE),
        ("ResourceEscrow", &ResourceEscrow::BYTECODE),
        ("ResourceRegistry", &ResourceRegistry::BYTECODE),
        ("VerifierRegistry", &VerifierRegistry::BYTECODE),
    ];
    let bound: BTreeMap<String, Bytes> =
        bound.into_iter().map(|(name, code)| (name.to_owned(), code.clone())).collect();
    let committed = committed();
    let names = |codes: &BTreeMap<String, Bytes>| codes.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&bound), names(&committed));
    for (name, code) in &bound {
        assert!(code == &committed[name], "{name}");
    }
}
