//! Files that read, and that hold what is not taken: exit 1.

use serde_json::{Value, json};

use crate::support::*;

const G1: [&str; 2] = ["pi_a", "pi_c"];

#[test]
fn coordinates_raised_by_the_modulus_are_refused() {
    for folder in fixtures() {
        for (name, coordinate) in G1.into_iter().flat_map(|name| [(name, 0), (name, 1)]) {
            let raise = |proof: &mut Value| {
                let value = &mut proof[name][coordinate];
                *value = add(value, Q);
            };
            Case::of(&folder)
                .change(PROOF, raise)
                .verify()
                .assert_refused("COORDINATE_OUT_OF_RANGE");
        }
    }
    for (coordinate, half) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
        let raise = |proof: &mut Value| {
            let value = &mut proof["pi_b"][coordinate][half];
            *value = add(value, Q);
        };
        Case::new().change(PROOF, raise).verify().assert_refused("COORDINATE_OUT_OF_RANGE");
    }
}

#[test]
fn key_coordinates_raised_by_the_modulus_are_refused() {
    let changes: [fn(&mut Value); 5] = [
        |key| key["vk_alpha_1"][0] = add(&key["vk_alpha_1"][0], Q),
        |key| key["vk_beta_2"][0][1] = add(&key["vk_beta_2"][0][1], Q),
        |key| key["vk_gamma_2"][1][0] = add(&key["vk_gamma_2"][1][0], Q),
        |key| key["vk_delta_2"][1][1] = add(&key["vk_delta_2"][1][1], Q),
        |key| key["IC"][1][1] = add(&key["IC"][1][1], Q),
    ];
    for change in changes {
        Case::new().change(KEY, change).verify().assert_refused("KEY_COORDINATE_OUT_OF_RANGE");
    }
}

#[test]
fn negative_and_enormous_numbers_are_out_of_range() {
    for number in ["-1".to_owned(), Q.to_owned(), "9".repeat(100), "9".repeat(5000)] {
        let case = Case::new().change(PROOF, |proof| proof["pi_a"][0] = number.clone().into());
        case.verify().assert_refused("COORDINATE_OUT_OF_RANGE");
        let case = Case::new().change(PUBLIC, |public| public[0] = number.into());
        case.verify().assert_refused("INPUT_OUT_OF_RANGE");
    }
}

#[test]
fn points_off_the_curve_are_refused() {
    for folder in fixtures() {
        for name in G1 {
            let spoil = |proof: &mut Value| proof[name][1] = add(&proof[name][0], "1");
            Case::of(&folder).change(PROOF, spoil).verify().assert_refused("POINT_NOT_ON_CURVE");
        }
        let spoil = |key: &mut Value| key["vk_alpha_1"] = json!(["1", "3", "1"]);
        Case::of(&folder).change(KEY, spoil).verify().assert_refused("KEY_POINT_NOT_ON_CURVE");
        let spoil = |key: &mut Value| key["IC"][0] = json!(["1", "3", "1"]);
        Case::of(&folder).change(KEY, spoil).verify().assert_refused("KEY_POINT_NOT_ON_CURVE");
    }
}

#[test]
fn swapped_halves_of_g2_are_refused() {
    fn swap(point: &mut Value) {
        for coordinate in [0, 1] {
            point[coordinate].as_array_mut().unwrap().reverse();
        }
    }
    for folder in fixtures() {
        Case::of(&folder)
            .change(PROOF, |proof| swap(&mut proof["pi_b"]))
            .verify()
            .assert_refused("POINT_NOT_ON_CURVE");
        for name in ["vk_beta_2", "vk_gamma_2", "vk_delta_2"] {
            Case::of(&folder)
                .change(KEY, |key| swap(&mut key[name]))
                .verify()
                .assert_refused("KEY_POINT_NOT_ON_CURVE");
        }
    }
}

/// A point of the twist outside the subgroup of order r.
fn outside_subgroup() -> Value {
    json!([
        ["1", "2"],
        [
            "2318417032921752773706234968143028537016473046724237753379416958334661833740",
            "12286822439340662745461952989251194370289180628671678316022104244014550321766"
        ],
        ["1", "0"]
    ])
}

#[test]
fn g2_points_outside_the_subgroup_are_refused() {
    for folder in fixtures() {
        let spoil = |proof: &mut Value| proof["pi_b"] = outside_subgroup();
        Case::of(&folder).change(PROOF, spoil).verify().assert_refused("POINT_NOT_IN_SUBGROUP");
        for name in ["vk_beta_2", "vk_gamma_2", "vk_delta_2"] {
            let spoil = |key: &mut Value| key[name] = outside_subgroup();
            Case::of(&folder)
                .change(KEY, spoil)
                .verify()
                .assert_refused("KEY_POINT_NOT_IN_SUBGROUP");
        }
    }
}

#[test]
fn infinity_is_refused_and_projective_points_are_not_read() {
    let infinity = |file: &mut Value, name: &str| file[name] = json!(["0", "1", "0"]);
    let case = Case::new().change(PROOF, |proof| infinity(proof, "pi_c"));
    case.verify().assert_refused("POINT_AT_INFINITY");
    let case = Case::new().change(KEY, |key| infinity(key, "vk_alpha_1"));
    case.verify().assert_refused("KEY_POINT_AT_INFINITY");
    let zero = json!([["0", "0"], ["1", "0"], ["0", "0"]]);
    let case = Case::new().change(PROOF, |proof| proof["pi_b"] = zero);
    case.verify().assert_refused("POINT_AT_INFINITY");

    let case = Case::new().change(PROOF, |proof| proof["pi_a"][2] = "2".into());
    case.verify().assert_refused("POINT_NOT_AFFINE");
    let case = Case::new().change(PROOF, |proof| proof["pi_a"][2] = "0".into());
    case.verify().assert_refused("POINT_NOT_AFFINE");
    let case = Case::new().change(PROOF, |proof| proof["pi_b"][2] = json!(["1", "1"]));
    case.verify().assert_refused("POINT_NOT_AFFINE");
    let case = Case::new().change(PROOF, |proof| proof["pi_a"] = json!(["0", "0", "1"]));
    case.verify().assert_refused("POINT_NOT_ON_CURVE");
}

#[test]
fn missing_and_extra_inputs_are_refused() {
    for folder in fixtures() {
        let drop = |public: &mut Value| {
            public.as_array_mut().unwrap().pop();
        };
        Case::of(&folder).change(PUBLIC, drop).verify().assert_refused("INPUT_COUNT");
        for extra in ["0", "1"] {
            let push = |public: &mut Value| public.as_array_mut().unwrap().push(extra.into());
            Case::of(&folder).change(PUBLIC, push).verify().assert_refused("INPUT_COUNT");
        }
    }
    let none = |public: &mut Value| *public = json!([]);
    Case::new().change(PUBLIC, none).verify().assert_refused("INPUT_COUNT");
}

#[test]
fn dropped_trailing_zero_is_a_missing_input() {
    let case = Case::of(&fixture("groth16/zkchess-11pub"));
    assert_eq!(case.json(PUBLIC).as_array().unwrap().last().unwrap(), "0");
    let drop = |public: &mut Value| {
        public.as_array_mut().unwrap().pop();
    };
    case.change(PUBLIC, drop).verify().assert_refused("INPUT_COUNT");
}

#[test]
fn inputs_at_or_above_the_order_are_refused() {
    for folder in fixtures() {
        let raise = |public: &mut Value| public[0] = add(&public[0], R);
        Case::of(&folder).change(PUBLIC, raise).verify().assert_refused("INPUT_OUT_OF_RANGE");
        let order = |public: &mut Value| public[0] = R.into();
        Case::of(&folder).change(PUBLIC, order).verify().assert_refused("INPUT_OUT_OF_RANGE");
    }
}

#[test]
fn leading_zeros_are_refused() {
    let case = Case::new().change(PUBLIC, |public| public[2] = "03".into());
    case.verify().assert_refused("NUMBER_NOT_CANONICAL");
    let case = Case::new().change(PROOF, |proof| proof["pi_a"][2] = "01".into());
    case.verify().assert_refused("NUMBER_NOT_CANONICAL");
}

#[test]
fn other_curves_and_protocols_are_refused() {
    for folder in fixtures() {
        let curve = |file: &mut Value| file["curve"] = "bls12381".into();
        Case::of(&folder).change(KEY, curve).verify().assert_refused("WRONG_CURVE");
        Case::of(&folder).change(PROOF, curve).verify().assert_refused("WRONG_CURVE");
    }
    let plonk = |file: &mut Value| *file = json!({ "protocol": "plonk", "curve": "bn128" });
    Case::new().change(KEY, plonk).verify().assert_refused("WRONG_PROTOCOL");
    Case::new().change(PROOF, plonk).verify().assert_refused("WRONG_PROTOCOL");
}

#[test]
fn key_of_another_input_count_than_it_states_is_refused() {
    let case = Case::new().change(KEY, |key| key["nPublic"] = 2.into());
    case.verify().assert_refused("KEY_INPUT_COUNT");
    let case = Case::new().change(KEY, |key| {
        key["IC"].as_array_mut().unwrap().pop();
    });
    case.verify().assert_refused("KEY_INPUT_COUNT");
}

#[test]
fn gnark_files_that_hold_the_wrong_thing_are_refused() {
    let folder = fixture("gnark/sp1-v4");
    let case = Case::of(&folder);
    let vk = std::fs::read(folder.join("groth16_vk.bin")).unwrap();
    let with_key = |change: fn(&mut Vec<u8>)| {
        let mut vk = vk.clone();
        change(&mut vk);
        case.write("vk.bin", vk);
        verify(&case.path("vk.bin"), &case.path(PROOF), &case.path(PUBLIC), &[])
    };
    assert_eq!(with_key(|_| {}).exit, 0);
    with_key(|vk| vk[0] ^= 0x40).assert_refused("PROOF_REJECTED");
    with_key(|vk| vk[0..32].fill(0xff)).assert_refused("KEY_COORDINATE_OUT_OF_RANGE");
    with_key(|vk| *vk.last_mut().unwrap() = 1).assert_refused("COMMITMENTS_UNSUPPORTED");
    with_key(|vk| {
        vk[0] = 0x40;
        vk[1..32].fill(0);
    })
    .assert_refused("KEY_POINT_AT_INFINITY");
}
