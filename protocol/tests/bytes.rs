//! The bytes of the protocol against the fixture that the Solidity tests read too.

use alloy_primitives::{Address, B256, hex, keccak256};
use assay_protocol::{
    bytes::{self, HubAddress, MerkleTree, Tag, verify_merkle_path},
    ids::{Epoch, Height, JobId},
    job::JobDescriptor,
    outcome::{Judgement, Outcome, Verdict},
    response::response_hash,
};
use serde_json::Value;

fn fixture() -> Value {
    serde_json::from_str(include_str!("fixtures/protocol-bytes.json")).unwrap()
}

/// One case of the fixture, read by field.
struct Case<'a>(&'a Value);

impl Case<'_> {
    fn text(&self, field: &str) -> &str {
        self.0[field].as_str().unwrap_or_else(|| panic!("no field {field} in {}", self.0))
    }
    fn word(&self, field: &str) -> B256 {
        self.text(field).parse().unwrap()
    }
    fn address(&self, field: &str) -> Address {
        self.text(field).parse().unwrap()
    }
    fn number<T: std::str::FromStr>(&self, field: &str) -> T {
        self.text(field).parse().ok().unwrap()
    }
    fn bytes(&self, field: &str) -> Vec<u8> {
        hex::decode(self.text(field)).unwrap()
    }
    fn hub(&self) -> HubAddress {
        HubAddress { chain_id: self.number("chainId"), hub: self.address("hub") }
    }
    fn judgement(&self) -> Judgement {
        Judgement {
            verdict: Verdict::from_u8(self.number("verdict")).unwrap(),
            code: self.number("code"),
            value: self.number("value"),
            evidence: self.word("evidence"),
        }
    }
}

/// Runs `hash` over every case of `message`, and compares with the fixture's hash.
fn check(message: &str, hash: impl Fn(&Case<'_>) -> B256) {
    let fixture = fixture();
    let cases = fixture[message].as_array().unwrap();
    assert!(cases.len() >= 2, "{message} has {} cases", cases.len());
    for case in cases {
        let case = Case(case);
        assert_eq!(hash(&case), case.word("hash"), "{message}: {}", case.0);
    }
}

#[test]
fn tags_equal_fixture_and_differ() {
    let fixture = fixture();
    let tags = fixture["tags"].as_object().unwrap();
    for tag in Tag::ALL {
        assert_eq!(Tag::ALL.iter().filter(|other| other.hash() == tag.hash()).count(), 1);
        let name = tag.text().strip_prefix("assay/v1/").unwrap();
        if let Some(expected) = tags.get(name) {
            assert_eq!(Case(expected).word("hash"), tag.hash(), "{name}");
        }
    }
}

#[test]
fn job_and_seed_equal_fixture() {
    check("JOB", |case| {
        assert_eq!(keccak256(case.bytes("statement")), case.word("statementHash"));
        JobDescriptor {
            chain_id: case.number("chainId"),
            escrow: case.address("escrow"),
            index: case.number("nonce"),
            provider: case.address("provider"),
            kind: case.bytes("kind").try_into().unwrap(),
            statement_hash: case.word("statementHash"),
            deadline_seconds: case.number("deadline"),
        }
        .id()
        .0
    });
    check("BEACON", |case| {
        bytes::beacon(
            case.word("ledgerId"),
            case.number("committeeId"),
            Epoch(case.number("epoch")),
            Height(case.number("h")),
        )
    });
    check("SEED", |case| {
        let signature: [u8; 128] = case.bytes("beaconSignature").try_into().unwrap();
        bytes::seed(&signature, case.word("blockId"), JobId(case.word("jobId")))
    });
}

#[test]
fn judgements_equal_fixture() {
    check("EVIDENCE", |case| {
        bytes::evidence(
            case.word("seed"),
            case.word("statementHash"),
            case.word("responseHash"),
            case.word("reportedHash"),
        )
    });
    check("COMMIT", |case| {
        bytes::commitment(
            case.word("ledgerId"),
            JobId(case.word("jobId")),
            case.address("operator"),
            &case.judgement(),
            case.word("salt"),
        )
    });
    check("LEAF", |case| {
        bytes::leaf(&Outcome {
            job: JobId(case.word("jobId")),
            hub: Default::default(),
            job_index: 0,
            judgement: case.judgement(),
        })
    });
}

#[test]
fn trees_equal_fixture_and_paths_verify() {
    check("NODE", |case| bytes::merkle_root(&[case.word("left"), case.word("right")]));
    let fixture = fixture();
    for case in fixture["TREE"].as_array().unwrap() {
        let words = |value: &Value| -> Vec<B256> {
            value.as_array().unwrap().iter().map(|w| w.as_str().unwrap().parse().unwrap()).collect()
        };
        let leaves = words(&case["leaves"]);
        let tree = MerkleTree::new(leaves.clone());
        let root = tree.root();
        assert_eq!(root, Case(case).word("root"));
        for (position, leaf) in leaves.iter().enumerate() {
            let path = tree.path(position).unwrap();
            assert_eq!(path, words(&case["paths"][position]));
            let count = leaves.len();
            assert!(verify_merkle_path(root, *leaf, position, count, &path));
            let longer = [path.clone(), vec![B256::ZERO]].concat();
            assert!(!verify_merkle_path(root, *leaf, position, count, &longer));
            assert!(!verify_merkle_path(root, keccak256(leaf), position, count, &path));
            if let Some((_, shorter)) = path.split_last() {
                assert!(!verify_merkle_path(root, *leaf, position, count, shorter));
            }
        }
    }
}

#[test]
fn group_messages_equal_fixture() {
    check("ATTEST", |case| {
        bytes::attestation(
            case.word("ledgerId"),
            case.hub(),
            case.number("committeeId"),
            Epoch(case.number("epoch")),
            Height(case.number("h")),
            case.word("blockId"),
            case.word("acc"),
        )
    });
    check("ACC", |case| {
        let packed = case.bytes("packed");
        let rows = bytes::decode_packed(&packed).unwrap();
        assert_eq!(bytes::encode_packed(&rows), packed);
        bytes::accumulate(
            case.word("previousAcc"),
            case.word("root"),
            &packed,
            case.number("count"),
        )
    });
    check("ROTATE", |case| {
        bytes::rotation(
            case.word("ledgerId"),
            case.hub(),
            case.number("committeeId"),
            Epoch(case.number("epoch")),
            &case.bytes("newKey").try_into().unwrap(),
            Height(case.number("lastHeight")),
        )
    });
    check("KEYPOP", |case| {
        bytes::key_possession(
            case.word("ledgerId"),
            case.hub(),
            case.number("committeeId"),
            Epoch(case.number("epoch")),
            &case.bytes("newKey").try_into().unwrap(),
        )
    });
}

#[test]
fn responses_equal_fixture() {
    check("RESPONSE", |case| {
        bytes::response_digest(
            case.word("ledgerId"),
            case.hub(),
            JobId(case.word("jobId")),
            case.word("seed"),
            case.word("responseHash"),
        )
    });
    check("PART", |case| {
        bytes::part_leaf(case.number("index"), case.number("count"), &case.bytes("part"))
    });
    let fixture = fixture();
    for case in fixture["RESPONSE_HASH"].as_array().unwrap() {
        let parts: Vec<Vec<u8>> = case["parts"]
            .as_array()
            .unwrap()
            .iter()
            .map(|part| hex::decode(part.as_str().unwrap()).unwrap())
            .collect();
        assert_eq!(response_hash(&parts), Case(case).word("responseHash"));
    }
}

#[test]
fn packed_bad_bytes_refused() {
    use bytes::PackedError;
    let row = |index: u64, verdict: u8| {
        let mut bytes = index.to_be_bytes().to_vec();
        bytes.push(verdict);
        bytes.extend_from_slice(&[0; 18]);
        bytes
    };
    assert_eq!(bytes::decode_packed(&[0; 26]), Err(PackedError::Length(26)));
    let bad = PackedError::Verdict { position: 0, verdict: 4 };
    assert_eq!(bytes::decode_packed(&row(1, 4)), Err(bad));
    let twice = [row(2, 0), row(2, 0)].concat();
    assert_eq!(bytes::decode_packed(&twice), Err(PackedError::Order { position: 1 }));
}
