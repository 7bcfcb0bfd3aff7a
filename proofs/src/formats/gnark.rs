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
use ark_bn254::{Fq, Fq2, G1Affine, G2Affine};
use ark_ec::AffineRepr;

use super::FormatError;
use crate::Code;
use crate::groth16_bn254::{
    G1Numbers, G2Numbers, KeyNumbers, PointFault, Proof, ProofNumbers, PublicInputs, VerifyingKey,
    base_field, g1_numbers, g1_point, g2_numbers, key_code, proof_code, uint,
};

/// Names a fault by the code of a key's or of a proof's point.
type Codes = fn(PointFault) -> Code;

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
    let mut reader = Reader::new(bytes)?;
    let alpha = reader.g1("alpha")?;
    let beta_in_g1 = reader.g1("beta in G1")?;
    let beta = reader.g2("beta in G2")?;
    let gamma = reader.g2("gamma")?;
    let delta_in_g1 = reader.g1("delta in G1")?;
    let delta = reader.g2("delta in G2")?;
    let count = reader.count("the number of K points", reader.g1_bytes())?;
    let ic =
        (0..count).map(|index| reader.g1(&format!("K[{index}]"))).collect::<Result<Vec<_>, _>>()?;
    let commitments = [
        ("committed lists", reader.number("the number of committed lists")?),
        ("commitment keys", reader.number("the number of commitment keys")?),
    ];
    refuse_commitments(&commitments)?;
    reader.finish()?;

    for point in [&beta_in_g1, &delta_in_g1] {
        let refused = |code| FormatError::refused(code, &point.name);
        let on_curve =
            g1_point(point.numbers(key_code)?).map_err(|fault| refused(key_code(fault)))?;
        if on_curve.is_zero() {
            return Err(refused(Code::KeyPointAtInfinity));
        }
    }
    let numbers = KeyNumbers {
        alpha: alpha.numbers(key_code)?,
        beta: beta.numbers(key_code)?,
        gamma: gamma.numbers(key_code)?,
        delta: delta.numbers(key_code)?,
        ic: ic.iter().map(|point| point.numbers(key_code)).collect::<Result<_, _>>()?,
    };
    VerifyingKey::from_numbers(&numbers).map_err(|(code, place)| FormatError::refused(code, place))
}

/// Reads a proof.
pub fn read_proof(bytes: &[u8]) -> Result<Proof, FormatError> {
    let mut reader = Reader::new(bytes)?;
    let (a, b, c) = (reader.g1("Ar")?, reader.g2("Bs")?, reader.g1("Krs")?);
    refuse_commitments(&[("commitments", reader.number("the number of commitments")?)])?;
    let knowledge = reader.g1("the commitments' proof of knowledge")?;
    reader.finish()?;
    if !knowledge.is_infinity() {
        return Err(FormatError::refused(Code::CommitmentsUnsupported, knowledge.name));
    }
    let numbers = ProofNumbers {
        a: a.numbers(proof_code)?,
        b: b.numbers(proof_code)?,
        c: c.numbers(proof_code)?,
    };
    Proof::from_numbers(&numbers)
        .map_err(|(code, point)| FormatError::refused(code, format!("point {point}")))
}

fn refuse_commitments(counts: &[(&str, u32)]) -> Result<(), FormatError> {
    match counts.iter().find(|(_, count)| *count != 0) {
        Some((name, count)) => {
            Err(FormatError::refused(Code::CommitmentsUnsupported, format!("{count} {name}")))
        }
        None => Ok(()),
    }
}

/// Reads a public witness.
pub fn read_public(bytes: &[u8]) -> Result<PublicInputs, FormatError> {
    let mut reader = Reader::new(bytes)?;
    let public = reader.number("the number of public inputs")?;
    let secret = reader.number("the number of secret inputs")?;
    if secret != 0 {
        return Err(FormatError::unreadable(
            Code::FileMalformed,
            format!(
                "this witness holds {secret} secret inputs; export its public part (gnark: \
             `witness.Public()`), and keep this file to yourself"
            ),
        ));
    }
    let count = reader.count("the length of the inputs", 32)?;
    if usize::try_from(public) != Ok(count) {
        return Err(FormatError::unreadable(
            Code::FileMalformed,
            format!(
                "the witness states {public} public inputs, and a length of {count}; export it again"
            ),
        ));
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

/// A point as a file holds it. Its numbers are checked once the whole file has been read,
/// so that a file which is no such file is never said to hold a bad point.
struct WrittenPoint<const COORDINATE: usize> {
    name: String,
    /// Parts of x, the imaginary one first, without the flags.
    x: [U256; COORDINATE],
    y: WrittenY<COORDINATE>,
}

enum WrittenY<const COORDINATE: usize> {
    Raw([U256; COORDINATE]),
    Smaller,
    Larger,
    Infinity,
}

impl<const COORDINATE: usize> WrittenPoint<COORDINATE> {
    fn is_infinity(&self) -> bool {
        match &self.y {
            WrittenY::Raw(y) => self.x.iter().chain(y).all(U256::is_zero),
            WrittenY::Infinity => true,
            WrittenY::Smaller | WrittenY::Larger => false,
        }
    }

    /// x as field elements.
    fn elements(&self, code: Codes) -> Result<[Fq; COORDINATE], FormatError> {
        let mut out = [Fq::default(); COORDINATE];
        for (element, number) in out.iter_mut().zip(self.x) {
            *element = base_field(number)
                .ok_or_else(|| FormatError::refused(code(PointFault::OutOfRange), &self.name))?;
        }
        Ok(out)
    }

    fn choose<T>(&self, ys: Option<(T, T)>, code: Codes) -> Result<T, FormatError> {
        let (smaller, larger) =
            ys.ok_or_else(|| FormatError::refused(code(PointFault::NotOnCurve), &self.name))?;
        Ok(if matches!(self.y, WrittenY::Larger) { larger } else { smaller })
    }
}

impl WrittenPoint<1> {
    fn numbers(&self, code: Codes) -> Result<G1Numbers, FormatError> {
        let [x] = self.x;
        match self.y {
            WrittenY::Raw([y]) => Ok(G1Numbers { x, y }),
            WrittenY::Infinity => Ok(G1Numbers { x: U256::ZERO, y: U256::ZERO }),
            WrittenY::Smaller | WrittenY::Larger => {
                let [element] = self.elements(code)?;
                let y = self.choose(G1Affine::get_ys_from_x_unchecked(element), code)?;
                Ok(G1Numbers { x, y: uint(y) })
            }
        }
    }
}

impl WrittenPoint<2> {
    fn numbers(&self, code: Codes) -> Result<G2Numbers, FormatError> {
        let [x1, x0] = self.x;
        match self.y {
            WrittenY::Raw([y1, y0]) => Ok(G2Numbers { x: [x0, x1], y: [y0, y1] }),
            WrittenY::Infinity => Ok(G2Numbers { x: [U256::ZERO; 2], y: [U256::ZERO; 2] }),
            WrittenY::Smaller | WrittenY::Larger => {
                let [c1, c0] = self.elements(code)?;
                let ys = G2Affine::get_ys_from_x_unchecked(Fq2::new(c0, c1));
                let y = self.choose(ys, code)?;
                Ok(G2Numbers { x: [x0, x1], y: [uint(y.c0), uint(y.c1)] })
            }
        }
    }
}

/// Takes a file apart from its front.
struct Reader<'a> {
    rest: &'a [u8],
    encoding: Encoding,
}

impl<'a> Reader<'a> {
    fn new(bytes: &'a [u8]) -> Result<Self, FormatError> {
        let first = bytes.first().ok_or_else(|| {
            FormatError::unreadable(
                Code::FileTruncated,
                "the file is empty; export it again with gnark",
            )
        })?;
        let encoding = if first & FLAGS == 0 { Encoding::Raw } else { Encoding::Compressed };
        Ok(Self { rest: bytes, encoding })
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

    fn words<const N: usize>(&mut self, what: &str) -> Result<[U256; N], FormatError> {
        let mut words = [U256::ZERO; N];
        for word in &mut words {
            *word = self.word(what)?;
        }
        Ok(words)
    }

    fn g1(&mut self, what: &str) -> Result<WrittenPoint<1>, FormatError> {
        self.point(what)
    }

    fn g2(&mut self, what: &str) -> Result<WrittenPoint<2>, FormatError> {
        self.point(what)
    }

    fn point<const N: usize>(&mut self, what: &str) -> Result<WrittenPoint<N>, FormatError> {
        let name = what.to_owned();
        if self.encoding == Encoding::Raw {
            return Ok(WrittenPoint {
                name,
                x: self.words(what)?,
                y: WrittenY::Raw(self.words(what)?),
            });
        }
        let mut x = self.words(what)?;
        let Some(first) = x.first_mut() else { return Err(truncated(what)) };
        let flags = first.byte(31) & FLAGS;
        *first &= U256::MAX >> 2;
        let y = match flags {
            SMALLER_Y => WrittenY::Smaller,
            LARGER_Y => WrittenY::Larger,
            INFINITY if x.iter().all(U256::is_zero) => WrittenY::Infinity,
            INFINITY => {
                return Err(FormatError::unreadable(
                    Code::FileMalformed,
                    format!(
                        "{what} is marked as infinity, but is not zero; this is not a gnark file"
                    ),
                ));
            }
            _ => {
                return Err(FormatError::unreadable(
                    Code::FileMalformed,
                    format!(
                        "{what} is written raw in a compressed file; export it again with gnark"
                    ),
                ));
            }
        };
        Ok(WrittenPoint { name, x, y })
    }

    fn finish(&self) -> Result<(), FormatError> {
        if self.rest.is_empty() {
            return Ok(());
        }
        Err(FormatError::unreadable(
            Code::FileTrailingBytes,
            format!(
                "{} bytes are left over after the end; export the file again with gnark",
                self.rest.len()
            ),
        ))
    }
}

fn truncated(what: &str) -> FormatError {
    FormatError::unreadable(
        Code::FileTruncated,
        format!(
            "the file ends before {what}: it is truncated, or not what it is given as; export it \
         again with gnark 0.9 or later"
        ),
    )
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
