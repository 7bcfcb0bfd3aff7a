//! The command line itself.

use serde_json::Value;

use crate::support::*;

fn report(answer: &Answer) -> Value {
    assert_eq!(answer.stderr, "");
    serde_json::from_str(&answer.stdout).unwrap()
}

#[test]
fn json_report_of_a_valid_proof_names_the_key() {
    let answer = Case::new().verify_with(&["--json"]);
    assert_eq!(answer.exit, 0);
    let report = report(&answer);
    assert_eq!(report["verdict"], "valid");
    assert_eq!(report["public_inputs"], 3);
    assert_eq!(report["vk_id"].as_str().unwrap().len(), 66);
    assert!(report.get("code").is_none());
}

#[test]
fn json_report_of_a_refused_proof_has_its_code() {
    let case = Case::new().change(PUBLIC, |public| public[2] = "4".into());
    let answer = case.verify_with(&["--json"]);
    assert_eq!(answer.exit, 1);
    let report = report(&answer);
    assert_eq!(report["verdict"], "invalid");
    assert_eq!(report["code"], "PROOF_REJECTED");
    assert_eq!(report["code_number"], 200);
}

#[test]
fn json_report_of_unusable_files_has_a_message() {
    let case = Case::new().spoil(PROOF, |bytes| bytes.truncate(100));
    let answer = case.verify_with(&["--json"]);
    assert_eq!(answer.exit, 2);
    let report = report(&answer);
    assert_eq!(report["verdict"], "unusable");
    assert_eq!(report["code"], "FILE_TRUNCATED");
    assert!(report["message"].as_str().unwrap().contains("proof.json"));
}

#[test]
fn refusal_says_where() {
    let case = Case::new().change(PROOF, |proof| proof["pi_b"][1][0] = add(&"1".into(), Q));
    let answer = case.verify();
    assert!(answer.stdout.contains("point B"), "{answer:?}");
}

#[test]
fn help_has_exit_codes_and_examples() {
    let answer = assay(&["verify", "groth16", "--help"]);
    assert_eq!(answer.exit, 0);
    for text in ["--vk <FILE>", "--format", "--json", "Exit codes:", "Examples:"] {
        assert!(answer.stdout.contains(text), "{text}: {}", answer.stdout);
    }
}

#[test]
fn wrong_usage_exits_2() {
    for arguments in [
        &["verify", "groth16"][..],
        &["verify"],
        &["verify", "plonk"],
        &["verify", "groth16", "--vk", "a", "--proof", "b", "--public", "c", "--format", "d"],
    ] {
        assert_eq!(assay(arguments).exit, 2, "{arguments:?}");
    }
}
