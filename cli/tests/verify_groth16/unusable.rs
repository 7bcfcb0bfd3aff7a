//! What is no such file at all: exit 2, and a message that says what to do.

use serde_json::{Value, json};

use crate::support::*;

const FILES: [&str; 3] = [KEY, PROOF, PUBLIC];

type Change = fn(&mut Value);

#[test]
fn truncated_files_are_unusable() {
    for folder in fixtures() {
        for name in FILES {
            let whole = Case::of(&folder).read(name);
            let end = whole.iter().rposition(|byte| !byte.is_ascii_whitespace()).unwrap();
            for length in [1, end / 2, end] {
                let case = Case::of(&folder).spoil(name, |bytes| bytes.truncate(length));
                case.verify().assert_unusable("FILE_TRUNCATED", "truncated");
            }
        }
    }
}

#[test]
fn trailing_bytes_are_unusable() {
    for folder in fixtures() {
        for name in FILES {
            for tail in ["x", "{}", "\0", "]"] {
                let case =
                    Case::of(&folder).spoil(name, |bytes| bytes.extend_from_slice(tail.as_bytes()));
                case.verify().assert_unusable("FILE_TRAILING_BYTES", name);
            }
        }
    }
}

#[test]
fn trailing_whitespace_is_not_a_trailing_byte() {
    for name in FILES {
        let case = Case::new().spoil(name, |bytes| bytes.extend_from_slice(b" \r\n\t\n"));
        assert_eq!(case.verify().exit, 0);
    }
}

#[test]
fn missing_files_and_folders_are_unusable() {
    for name in FILES {
        let case = Case::new();
        std::fs::remove_file(case.path(name)).unwrap();
        case.verify().assert_unusable("FILE_UNAVAILABLE", name);
        std::fs::create_dir(case.path(name)).unwrap();
        case.verify().assert_unusable("FILE_UNAVAILABLE", "give the path of a file");
    }
}

#[test]
fn empty_files_and_other_bytes_are_unusable() {
    for name in FILES {
        let contents: [&[u8]; 6] = [b"", b" \n", b"not a proof", b"null", &[0xff; 64], &[0; 700]];
        for bytes in contents {
            let case = Case::new();
            case.write(name, bytes);
            assert_eq!(case.verify().exit, 2, "{name} {bytes:?}");
        }
    }
}

#[test]
fn missing_fields_are_unusable_and_named() {
    let fields = [
        (KEY, "protocol"),
        (KEY, "curve"),
        (KEY, "nPublic"),
        (KEY, "vk_alpha_1"),
        (KEY, "vk_beta_2"),
        (KEY, "vk_gamma_2"),
        (KEY, "vk_delta_2"),
        (KEY, "IC"),
        (PROOF, "pi_a"),
        (PROOF, "pi_b"),
        (PROOF, "pi_c"),
    ];
    for (name, field) in fields {
        let case = Case::new().change(name, |file| {
            file.as_object_mut().unwrap().remove(field);
        });
        case.verify().assert_unusable("FILE_FIELD_MISSING", &format!("`{field}` is missing"));
    }
}

#[test]
fn values_of_another_shape_are_unusable() {
    let changes: [(&str, Change); 10] = [
        (PROOF, |proof| proof["pi_a"] = json!(["1", "2"])),
        (PROOF, |proof| proof["pi_a"] = json!(["1", "2", "1", "1"])),
        (PROOF, |proof| proof["pi_a"][0] = json!(1)),
        (PROOF, |proof| proof["pi_a"][0] = json!("0x01")),
        (PROOF, |proof| proof["pi_a"][0] = json!("")),
        (PROOF, |proof| proof["pi_b"] = proof["pi_a"].clone()),
        (KEY, |key| key["nPublic"] = json!("3")),
        (KEY, |key| key["IC"] = json!({})),
        (PUBLIC, |public| *public = json!({ "inputs": public })),
        (PUBLIC, |public| public[0] = json!(1)),
    ];
    for (name, change) in changes {
        let answer = Case::new().change(name, change).verify();
        answer.assert_unusable("FILE_MALFORMED", name);
    }
}

#[test]
fn files_given_for_one_another_are_unusable() {
    let case = Case::new();
    let [key, proof, public] = FILES.map(|name| case.path(name));
    verify(&proof, &key, &public, &[]).assert_unusable("FILE_FIELD_MISSING", "missing");
    verify(&key, &proof, &proof, &[])
        .assert_unusable("FILE_MALFORMED", "not the snarkjs file that is expected");
}

#[test]
fn unusable_comes_before_refused() {
    let case = Case::new()
        .change(KEY, |key| key["curve"] = "bls12381".into())
        .spoil(PUBLIC, |bytes| bytes.truncate(5));
    case.verify().assert_unusable("FILE_TRUNCATED", PUBLIC);
}

#[test]
fn field_twice_is_unusable() {
    let case = Case::new().spoil(PROOF, |bytes| {
        let text = String::from_utf8(bytes.clone()).unwrap();
        *bytes = text.replacen('{', "{\"curve\": \"bn128\",", 1).into_bytes();
    });
    case.verify().assert_unusable("FILE_MALFORMED", "duplicate field");
}

#[test]
fn gnark_file_cut_or_extended_is_unusable() {
    let folder = fixture("gnark/sp1-v4");
    let case = Case::of(&folder);
    let vk = std::fs::read(folder.join("groth16_vk.bin")).unwrap();
    let with_key = |bytes: &[u8]| {
        case.write("vk.bin", bytes);
        verify(&case.path("vk.bin"), &case.path(PROOF), &case.path(PUBLIC), &[])
    };
    for length in [40, vk.len() / 2, vk.len() - 8, vk.len() - 1] {
        with_key(&vk[..length]).assert_unusable("FILE_TRUNCATED", "truncated");
    }
    with_key(&[vk.as_slice(), &[0]].concat()).assert_unusable("FILE_TRAILING_BYTES", "left over");
}

#[test]
fn file_that_is_too_long_is_unusable() {
    let case = Case::new().spoil(PUBLIC, |bytes| bytes.resize((16 << 20) + 1, b' '));
    case.verify().assert_unusable("FILE_UNAVAILABLE", "longer than");
}
