//! JSON as snarkjs reads and writes it.
//!
//! Numbers are decimal strings; a G1 point is `[x, y, "1"]`, a G2 point
//! `[[x.c0, x.c1], [y.c0, y.c1], ["1", "0"]]`; infinity is `["0", "1", "0"]`.
//!
//! snarkjs itself takes a coordinate `x + q`, a projective point, `07` for 7, and fewer
//! public inputs than the key has when the missing ones are zero. None of these is taken
//! here. Fields that follow from others (`vk_alphabeta_12`) or repeat them are not read.

use alloy_primitives::U256;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use super::{FormatError, decimal};
use crate::Code;
use crate::groth16_bn254::{
    G1Numbers, G2Numbers, KeyNumbers, Proof, ProofNumbers, PublicInputs, VerifyingKey, g1_numbers,
    g2_numbers,
};

type G1Strings = [String; 3];
type G2Strings = [[String; 2]; 3];

#[derive(Deserialize, Serialize)]
struct KeyFile {
    protocol: Option<String>,
    curve: Option<String>,
    #[serde(rename = "nPublic")]
    n_public: Option<u64>,
    vk_alpha_1: Option<G1Strings>,
    vk_beta_2: Option<G2Strings>,
    vk_gamma_2: Option<G2Strings>,
    vk_delta_2: Option<G2Strings>,
    #[serde(rename = "IC")]
    ic: Option<Vec<G1Strings>>,
}

#[derive(Deserialize, Serialize)]
struct ProofFile {
    pi_a: Option<G1Strings>,
    pi_b: Option<G2Strings>,
    pi_c: Option<G1Strings>,
    protocol: Option<String>,
    curve: Option<String>,
}

#[derive(Deserialize, Serialize)]
struct ProvedFile {
    proof: ProofFile,
    #[serde(rename = "publicSignals")]
    public_signals: Vec<String>,
}

/// Reads a `verification_key.json`.
pub fn read_key(bytes: &[u8]) -> Result<VerifyingKey, FormatError> {
    let file: KeyFile = json(bytes)?;
    check_protocol(Some(required(file.protocol, "protocol")?))?;
    check_curve(Some(required(file.curve, "curve")?))?;
    let n_public = required(file.n_public, "nPublic")?;
    let ic = required(file.ic, "IC")?;
    let numbers = KeyNumbers {
        alpha: g1(&required(file.vk_alpha_1, "vk_alpha_1")?, "vk_alpha_1", &KEY)?,
        beta: g2(&required(file.vk_beta_2, "vk_beta_2")?, "vk_beta_2", &KEY)?,
        gamma: g2(&required(file.vk_gamma_2, "vk_gamma_2")?, "vk_gamma_2", &KEY)?,
        delta: g2(&required(file.vk_delta_2, "vk_delta_2")?, "vk_delta_2", &KEY)?,
        ic: (ic.iter().enumerate())
            .map(|(index, point)| g1(point, &format!("IC[{index}]"), &KEY))
            .collect::<Result<_, _>>()?,
    };
    if n_public.checked_add(1) != u64::try_from(ic.len()).ok() {
        let place = format!("nPublic is {n_public}, and IC has {} points", ic.len());
        return Err(FormatError::refused(Code::KeyInputCount, place));
    }
    VerifyingKey::from_numbers(&numbers).map_err(|(code, place)| FormatError::refused(code, place))
}

/// Reads a `proof.json`.
pub fn read_proof(bytes: &[u8]) -> Result<Proof, FormatError> {
    proof(json(bytes)?)
}

/// Reads a `public.json`.
pub fn read_public(bytes: &[u8]) -> Result<PublicInputs, FormatError> {
    public(&json::<Vec<String>>(bytes)?)
}

/// Reads what `snarkjs.groth16.fullProve` gives: `{"proof": …, "publicSignals": […]}`.
pub fn read_proved(bytes: &[u8]) -> Result<(Proof, PublicInputs), FormatError> {
    let file: ProvedFile = json(bytes)?;
    Ok((proof(file.proof)?, public(&file.public_signals)?))
}

/// Writes a `verification_key.json`, without the pairing that snarkjs adds and never reads.
pub fn write_key(key: &VerifyingKey) -> String {
    let (alpha, [beta, gamma, delta], ic) = key.points();
    pretty(&KeyFile {
        protocol: Some("groth16".into()),
        curve: Some("bn128".into()),
        n_public: u64::try_from(key.input_count()).ok(),
        vk_alpha_1: Some(g1_strings(g1_numbers(alpha))),
        vk_beta_2: Some(g2_strings(g2_numbers(beta))),
        vk_gamma_2: Some(g2_strings(g2_numbers(gamma))),
        vk_delta_2: Some(g2_strings(g2_numbers(delta))),
        ic: Some(ic.iter().map(|point| g1_strings(g1_numbers(point))).collect()),
    })
}

/// Writes a `proof.json`.
pub fn write_proof(proof: &Proof) -> String {
    pretty(&proof_file(proof))
}

/// Writes a `public.json`.
pub fn write_public(inputs: &PublicInputs) -> String {
    pretty(&strings(inputs))
}

/// Writes what [`read_proved`] reads.
pub fn write_proved(proof: &Proof, inputs: &PublicInputs) -> String {
    pretty(&ProvedFile { proof: proof_file(proof), public_signals: strings(inputs) })
}

fn json<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, FormatError> {
    serde_json::from_slice(bytes).map_err(|error| {
        // What is wrong with the JSON comes before what is wrong with the values in it.
        let syntax = serde_json::from_slice::<IgnoredAny>(bytes).err();
        let (code, advice) = match &syntax {
            None => (Code::FileMalformed, "this is not the snarkjs file that is expected"),
            Some(syntax) if syntax.is_eof() => {
                (Code::FileTruncated, "the file is truncated; write it again")
            }
            Some(syntax) if syntax.to_string().starts_with("trailing characters") => {
                (Code::FileTrailingBytes, "leave nothing but white space after the end")
            }
            Some(_) => (Code::FileMalformed, "this is not JSON; write the file with snarkjs"),
        };
        FormatError::unreadable(code, format!("{}: {advice}", syntax.unwrap_or(error)))
    })
}

fn required<T>(field: Option<T>, name: &str) -> Result<T, FormatError> {
    field.ok_or_else(|| {
        let message = format!("`{name}` is missing; write the file again with snarkjs");
        FormatError::unreadable(Code::FileFieldMissing, message)
    })
}

fn check_protocol(protocol: Option<String>) -> Result<(), FormatError> {
    match protocol {
        Some(name) if name != "groth16" => {
            Err(FormatError::refused(Code::WrongProtocol, format!("protocol is {name:?}")))
        }
        Some(_) | None => Ok(()),
    }
}

fn check_curve(curve: Option<String>) -> Result<(), FormatError> {
    let Some(name) = curve else { return Ok(()) };
    let plain: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    match plain.to_ascii_lowercase().as_str() {
        "bn128" | "bn254" | "altbn128" => Ok(()),
        _ => Err(FormatError::refused(Code::WrongCurve, format!("curve is {name:?}"))),
    }
}

fn proof(file: ProofFile) -> Result<Proof, FormatError> {
    check_protocol(file.protocol)?;
    check_curve(file.curve)?;
    let numbers = ProofNumbers {
        a: g1(&required(file.pi_a, "pi_a")?, "pi_a", &PROOF)?,
        b: g2(&required(file.pi_b, "pi_b")?, "pi_b", &PROOF)?,
        c: g1(&required(file.pi_c, "pi_c")?, "pi_c", &PROOF)?,
    };
    Proof::from_numbers(&numbers)
        .map_err(|(code, point)| FormatError::refused(code, format!("point {point}")))
}

fn public(texts: &[String]) -> Result<PublicInputs, FormatError> {
    let numbers = (texts.iter().enumerate())
        .map(|(index, text)| {
            let place = || format!("public input {index}");
            let number = decimal::read(text, Code::InputOutOfRange, place)?;
            PublicInputs::new(&[number])
                .map(|_| number)
                .map_err(|code| FormatError::refused(code, place()))
        })
        .collect::<Result<Vec<_>, _>>()?;
    PublicInputs::new(&numbers).map_err(|code| FormatError::refused(code, "public inputs"))
}

/// Codes that differ between a key's and a proof's points.
struct PointCodes {
    out_of_range: Code,
    not_on_curve: Code,
}

const KEY: PointCodes = PointCodes {
    out_of_range: Code::KeyCoordinateOutOfRange,
    not_on_curve: Code::KeyPointNotOnCurve,
};

const PROOF: PointCodes =
    PointCodes { out_of_range: Code::CoordinateOutOfRange, not_on_curve: Code::PointNotOnCurve };

fn g1(strings: &G1Strings, name: &str, codes: &PointCodes) -> Result<G1Numbers, FormatError> {
    let read = |text: &str, coordinate: &str| {
        decimal::read(text, codes.out_of_range, || format!("{name}, {coordinate}"))
    };
    let [x, y, z] = strings;
    let (x, y, z) = (read(x, "x")?, read(y, "y")?, read(z, "z")?);
    match affine([x, y], z == U256::ONE, [z, y] == [U256::ZERO, U256::ONE] && x.is_zero()) {
        Affine::Point([x, y]) => Ok(G1Numbers { x, y }),
        Affine::Origin => Err(FormatError::refused(codes.not_on_curve, name)),
        Affine::Projective => Err(FormatError::refused(Code::PointNotAffine, name)),
    }
}

fn g2(strings: &G2Strings, name: &str, codes: &PointCodes) -> Result<G2Numbers, FormatError> {
    let read = |pair: &[String; 2], coordinate: &str| -> Result<[U256; 2], FormatError> {
        let [c0, c1] = pair;
        let part = |text: &str, part: &str| {
            decimal::read(text, codes.out_of_range, || format!("{name}, {coordinate}.{part}"))
        };
        Ok([part(c0, "c0")?, part(c1, "c1")?])
    };
    let [x, y, z] = strings;
    let (x, y, z) = (read(x, "x")?, read(y, "y")?, read(z, "z")?);
    let (zero, one) = ([U256::ZERO; 2], [U256::ONE, U256::ZERO]);
    match affine([x[0], x[1], y[0], y[1]], z == one, z == zero && y == one && x == zero) {
        Affine::Point([x0, x1, y0, y1]) => Ok(G2Numbers { x: [x0, x1], y: [y0, y1] }),
        Affine::Origin => Err(FormatError::refused(codes.not_on_curve, name)),
        Affine::Projective => Err(FormatError::refused(Code::PointNotAffine, name)),
    }
}

enum Affine<const N: usize> {
    Point([U256; N]),
    /// (0, 0, 1): not on the curve; on chain, (0, 0) stands for infinity.
    Origin,
    Projective,
}

fn affine<const N: usize>(numbers: [U256; N], z_is_one: bool, is_infinity: bool) -> Affine<N> {
    let origin = numbers.iter().all(U256::is_zero);
    match (z_is_one, is_infinity, origin) {
        (true, _, true) => Affine::Origin,
        (true, _, false) => Affine::Point(numbers),
        (false, true, _) => Affine::Point([U256::ZERO; N]),
        (false, false, _) => Affine::Projective,
    }
}

fn g1_strings(numbers: G1Numbers) -> G1Strings {
    if numbers.x.is_zero() && numbers.y.is_zero() {
        return ["0".into(), "1".into(), "0".into()];
    }
    [numbers.x.to_string(), numbers.y.to_string(), "1".into()]
}

fn g2_strings(numbers: G2Numbers) -> G2Strings {
    let pair = |[c0, c1]: [U256; 2]| [c0.to_string(), c1.to_string()];
    let (zero, one) = ([U256::ZERO; 2], [U256::ONE, U256::ZERO]);
    if numbers.x == zero && numbers.y == zero {
        return [pair(zero), pair(one), pair(zero)];
    }
    [pair(numbers.x), pair(numbers.y), pair(one)]
}

fn proof_file(proof: &Proof) -> ProofFile {
    let points = proof.inner();
    ProofFile {
        pi_a: Some(g1_strings(g1_numbers(&points.a))),
        pi_b: Some(g2_strings(g2_numbers(&points.b))),
        pi_c: Some(g1_strings(g1_numbers(&points.c))),
        protocol: Some("groth16".into()),
        curve: Some("bn128".into()),
    }
}

fn strings(inputs: &PublicInputs) -> Vec<String> {
    inputs.numbers().iter().map(ToString::to_string).collect()
}

fn pretty<T: Serialize>(value: &T) -> String {
    // Strings, numbers and arrays only: there is nothing that could fail to serialise.
    serde_json::to_string_pretty(value).unwrap_or_default()
}
