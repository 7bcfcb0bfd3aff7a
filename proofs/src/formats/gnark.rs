//! Binary as gnark writes it for Groth16 over BN254 (`WriteTo`, `WriteRawTo`,
//! `MarshalBinary`), gnark 0.9 and later.
//!
//! Numbers are big-endian. A G1 point is x, y (64 bytes raw, 32 compressed), a G2 point
//! x.c1, x.c0, y.c1, y.c0 (128 raw, 64 compressed). The top two bits of a point's first
//! byte say how it is written: 00 raw, 10 compressed with the smaller y, 11 compressed with
//! the larger y, 01 infinity, all else zero. Raw infinity is all zero.
//!
//! - key: `α₁ β₁ β₂ γ₂ δ₁ δ₂`, u32 count of K points, the K points, u32 count of committed
//!   lists (each a u32 length and u64 elements), u32 count of commitment keys, those keys
//! - proof: `Ar Bs Krs`, u32 count of commitments, the commitments, the point `Pok`
//! - public witness: u32 public count, u32 secret count, u32 length, the elements
//!
//! A file is all raw or all compressed. Commitments change the equation and are refused.
//! A key cannot be written: `β₁` and `δ₁` are not part of ours.

use alloy_primitives::U256;
use ark_bn254::{Fq2, G1Affine, G2Affine};
use ark_ec::AffineRepr;

use super::FormatError;
use crate::Code;
use crate::groth16_bn254::{
    G1Numbers, G2Numbers, KeyNumbers, PointFault, Proof, ProofNumbers, PublicInputs, VerifyingKey,
    base_field, g1_numbers, g1_point, g2_numbers, key_code, proof_code, uint,
};

const FLAGS: u8 = 0b1100_0000;
const SMALLER_Y: u8 = 0b1000_0000;
const LARGER_Y: u8 = 0b1100_0000;
const INFINITY: u8 = 0b0100_0000;

/// How points are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// Both coordinates, as gnark's `WriteRawTo`.
    Raw,
    /// One coordinate and two bits, as gnark's `WriteTo`.
    Compressed,
}

/// Reads a verifying key.
pub fn read_key(bytes: &[u8]) -> Result<VerifyingKey, FormatError> {
    let mut reader = Reader::new(bytes, key_code)?;
    let alpha = reader.g1("alpha")?;
    let unused_beta = reader.g1("beta in G1")?;
    let beta = reader.g2("beta in G2")?;
    let gamma = reader.g2("gamma")?;
    let unused_delta = reader.g1("delta in G1")?;
    let delta = reader.g2("delta in G2")?;
    let count = reader.count("the number of K points", reader.g1_bytes())?;
    let ic =
        (0..count).map(|index| reader.g1(&format!("K[{index}]"))).collect::<Result<Vec<_>, _>>()?;
    let committed = reader.number("the number of committed lists")?;
    if committed != 0 {
        return Err(FormatError::refused(Code::CommitmentsUnsupported, "committed lists"));
    }
    let keys = reader.number("the number of commitment keys")?;
    if keys != 0 {
        return Err(FormatError::refused(Code::CommitmentsUnsupported, "commitment keys"));
    }
    reader.finish()?;
    for (point, name) in [(unused_beta, "beta in G1"), (unused_delta, "delta in G1")] {
        let point = g1_point(point).map_err(|fault| FormatError::refused(key_code(fault), name))?;
        if point.is_zero() {
            return Err(FormatError::refused(Code::KeyPointAtInfinity, name));
        }
    }
    VerifyingKey::from_numbers(&KeyNumbers { alpha, beta, gamma, delta, ic })
        .map_err(|(code, place)| FormatError::refused(code, place))
}

/// Reads a proof.
pub fn read_proof(bytes: &[u8]) -> Result<Proof, FormatError> {
    let mut reader = Reader::new(bytes, proof_code)?;
    let numbers = ProofNumbers { a: reader.g1("Ar")?, b: reader.g2("Bs")?, c: reader.g1("Krs")? };
    if reader.number("the number of commitments")? != 0 {
        return Err(FormatError::refused(Code::CommitmentsUnsupported, "commitments"));
    }
    let knowledge = reader.g1("the commitments' proof of knowledge")?;
    reader.finish()?;
    if knowledge != (G1Numbers { x: U256::ZERO, y: U256::ZERO }) {
        return Err(FormatError::refused(Code::CommitmentsUnsupported, "proof of knowledge"));
    }
    Proof::from_numbers(&numbers)
        .map_err(|(code, point)| FormatError::refused(code, format!("point {point}")))
}

/// Reads a public witness.
pub fn read_public(bytes: &[u8]) -> Result<PublicInputs, FormatError> {
    let mut reader = Reader::new(bytes, proof_code)?;
    let public = reader.number("the number of public inputs")?;
    let secret = reader.number("the number of secret inputs")?;
    if secret != 0 {
        return Err(FormatError::Unreadable(format!(
            "this witness holds {secret} secret inputs; export its public part (gnark: \
             `witness.Public()`), and keep this file to yourself"
        )));
    }
    let count = reader.count("the length of the inputs", 32)?;
    if usize::try_from(public) != Ok(count) {
        return Err(FormatError::Unreadable(format!(
            "the witness states {public} public inputs, and a length of {count}; export it again"
        )));
    }
    let mut inputs = Vec::with_capacity(count);
    for index in 0..count {
        let place = format!("public input {index}");
        let number = reader.word(&place)?;
        let input =
            PublicInputs::new(&[number]).map_err(|code| FormatError::refused(code, place))?;
        inputs.extend(input.0);
    }
    reader.finish()?;
    Ok(PublicInputs(inputs))
}

/// Writes a proof, with no commitments.
pub fn write_proof(proof: &Proof, encoding: Encoding) -> Vec<u8> {
    let points = proof.inner();
    let mut out = Vec::new();
    put_g1(&mut out, &points.a, encoding);
    put_g2(&mut out, &points.b, encoding);
    put_g1(&mut out, &points.c, encoding);
    out.extend_from_slice(&0u32.to_be_bytes());
    put_g1(&mut out, &G1Affine::identity(), encoding);
    out
}

/// Writes a public witness.
pub fn write_public(inputs: &PublicInputs) -> Vec<u8> {
    // No key takes as many inputs as a u32 cannot count.
    let count = u32::try_from(inputs.len()).unwrap_or(u32::MAX).to_be_bytes();
    let mut out = [count, [0; 4], count].concat();
    for number in inputs.numbers() {
        out.extend_from_slice(&number.to_be_bytes::<32>());
    }
    out
}

/// Takes a file apart from its front.
struct Reader<'a> {
    rest: &'a [u8],
    encoding: Encoding,
    code: fn(PointFault) -> Code,
}

impl<'a> Reader<'a> {
    fn new(bytes: &'a [u8], code: fn(PointFault) -> Code) -> Result<Self, FormatError> {
        let first = bytes.first().ok_or_else(|| {
            FormatError::Unreadable("the file is empty; export it again with gnark".into())
        })?;
        let encoding = if first & FLAGS == 0 { Encoding::Raw } else { Encoding::Compressed };
        Ok(Self { rest: bytes, encoding, code })
    }

    const fn g1_bytes(&self) -> usize {
        match self.encoding {
            Encoding::Raw => 64,
            Encoding::Compressed => 32,
        }
    }

    fn take<const N: usize>(&mut self, what: &str) -> Result<[u8; N], FormatError> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or_else(|| truncated(what))?;
        self.rest = rest;
        Ok(*taken)
    }

    fn number(&mut self, what: &str) -> Result<u32, FormatError> {
        self.take(what).map(u32::from_be_bytes)
    }

    /// A count of elements that the rest of the file is long enough for.
    fn count(&mut self, what: &str, element_bytes: usize) -> Result<usize, FormatError> {
        let count = self.number(what)?;
        usize::try_from(count)
            .ok()
            .filter(|count| *count <= self.rest.len() / element_bytes)
            .ok_or_else(|| truncated(&format!("{count} elements, {what}")))
    }

    fn word(&mut self, what: &str) -> Result<U256, FormatError> {
        self.take(what).map(U256::from_be_bytes::<32>)
    }

    /// The first coordinate of a compressed point without its flags, and the flags.
    fn compressed(&mut self, what: &str) -> Result<(U256, u8), FormatError> {
        let mut bytes: [u8; 32] = self.take(what)?;
        let [first, ..] = &mut bytes;
        let flags = *first & FLAGS;
        *first &= !FLAGS;
        if flags == 0 {
            return Err(FormatError::Unreadable(format!(
                "{what} is written raw in a compressed file; export it again with gnark"
            )));
        }
        Ok((U256::from_be_bytes(bytes), flags))
    }

    fn refused(&self, fault: PointFault, what: &str) -> FormatError {
        FormatError::refused((self.code)(fault), what)
    }

    fn g1(&mut self, what: &str) -> Result<G1Numbers, FormatError> {
        if self.encoding == Encoding::Raw {
            return Ok(G1Numbers { x: self.word(what)?, y: self.word(what)? });
        }
        let (number, flags) = self.compressed(what)?;
        if flags == INFINITY {
            check_infinity(&[number], what)?;
            return Ok(G1Numbers { x: U256::ZERO, y: U256::ZERO });
        }
        let x = base_field(number).ok_or_else(|| self.refused(PointFault::OutOfRange, what))?;
        let (smaller, larger) = G1Affine::get_ys_from_x_unchecked(x)
            .ok_or_else(|| self.refused(PointFault::NotOnCurve, what))?;
        let y = if flags == LARGER_Y { larger } else { smaller };
        Ok(G1Numbers { x: number, y: uint(y) })
    }

    fn g2(&mut self, what: &str) -> Result<G2Numbers, FormatError> {
        if self.encoding == Encoding::Raw {
            let mut next = || self.word(what);
            let (x1, x0, y1, y0) = (next()?, next()?, next()?, next()?);
            return Ok(G2Numbers { x: [x0, x1], y: [y0, y1] });
        }
        let (x1, flags) = self.compressed(what)?;
        let x0 = self.word(what)?;
        if flags == INFINITY {
            check_infinity(&[x1, x0], what)?;
            return Ok(G2Numbers { x: [U256::ZERO; 2], y: [U256::ZERO; 2] });
        }
        let (Some(c0), Some(c1)) = (base_field(x0), base_field(x1)) else {
            return Err(self.refused(PointFault::OutOfRange, what));
        };
        let (smaller, larger) = G2Affine::get_ys_from_x_unchecked(Fq2::new(c0, c1))
            .ok_or_else(|| self.refused(PointFault::NotOnCurve, what))?;
        let y = if flags == LARGER_Y { larger } else { smaller };
        Ok(G2Numbers { x: [x0, x1], y: [uint(y.c0), uint(y.c1)] })
    }

    fn finish(&self) -> Result<(), FormatError> {
        if self.rest.is_empty() {
            return Ok(());
        }
        Err(FormatError::Unreadable(format!(
            "{} bytes are left over after the end; export the file again with gnark",
            self.rest.len()
        )))
    }
}

fn truncated(what: &str) -> FormatError {
    FormatError::Unreadable(format!(
        "the file ends before {what}: it is truncated, or not what it is given as; export it \
         again with gnark 0.9 or later"
    ))
}

fn check_infinity(numbers: &[U256], what: &str) -> Result<(), FormatError> {
    if numbers.iter().all(U256::is_zero) {
        return Ok(());
    }
    Err(FormatError::Unreadable(format!(
        "{what} is marked as infinity, but is not zero; this is not a gnark file"
    )))
}

fn put_g1(out: &mut Vec<u8>, point: &G1Affine, encoding: Encoding) {
    let G1Numbers { x, y } = g1_numbers(point);
    let larger = point.y().is_some_and(|y| y > -y);
    match encoding {
        Encoding::Raw => put_words(out, 0, &[x, y]),
        Encoding::Compressed => put_words(out, flags(point.is_zero(), larger), &[x]),
    }
}

fn put_g2(out: &mut Vec<u8>, point: &G2Affine, encoding: Encoding) {
    let G2Numbers { x, y } = g2_numbers(point);
    let larger = point.y().is_some_and(|y| y > -y);
    match encoding {
        Encoding::Raw => put_words(out, 0, &[x[1], x[0], y[1], y[0]]),
        Encoding::Compressed => put_words(out, flags(point.is_zero(), larger), &[x[1], x[0]]),
    }
}

const fn flags(is_infinity: bool, y_is_larger: bool) -> u8 {
    match (is_infinity, y_is_larger) {
        (true, _) => INFINITY,
        (false, true) => LARGER_Y,
        (false, false) => SMALLER_Y,
    }
}

/// Appends the numbers, and sets the flags in the first byte, whose top two bits are free.
fn put_words(out: &mut Vec<u8>, flags: u8, numbers: &[U256]) {
    let start = out.len();
    for number in numbers {
        out.extend_from_slice(&number.to_be_bytes::<32>());
    }
    if let Some(first) = out.get_mut(start) {
        *first |= flags;
    }
}
