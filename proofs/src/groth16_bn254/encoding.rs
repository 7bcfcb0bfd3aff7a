//! Numbers and points: 256-bit integers to field elements and curve points, strictly.

use alloy_primitives::{U256, uint as literal};
use ark_bn254::{Fq, Fq2, Fr, G1Affine, G2Affine};
use ark_ec::AffineRepr;
use ark_ff::{BigInt, PrimeField};

/// Modulus `q` of the base field: coordinates are below it.
pub const BASE_MODULUS: U256 =
    literal!(21888242871839275222246405745257275088696311157297823662689037894645226208583_U256);

/// Modulus `r` of the scalar field, the group order: public inputs are below it.
pub const SCALAR_MODULUS: U256 =
    literal!(21888242871839275222246405745257275088548364400416034343698204186575808495617_U256);

/// Why two numbers are not a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PointFault {
    OutOfRange,
    NotOnCurve,
    NotInSubgroup,
}

/// Coordinates of a G1 point; (0, 0) is infinity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct G1Numbers {
    pub(crate) x: U256,
    pub(crate) y: U256,
}

/// Coordinates of a G2 point, each `c0 + c1·u`; all zero is infinity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct G2Numbers {
    pub(crate) x: [U256; 2],
    pub(crate) y: [U256; 2],
}

/// The base field element, if the number is below the modulus.
pub(crate) fn base_field(number: U256) -> Option<Fq> {
    Fq::from_bigint(BigInt::new(*number.as_limbs()))
}

/// The scalar, if the number is below the group order.
pub(crate) fn scalar(number: U256) -> Option<Fr> {
    Fr::from_bigint(BigInt::new(*number.as_limbs()))
}

/// The number that a field element stands for.
pub(crate) fn uint<F: PrimeField<BigInt = BigInt<4>>>(element: F) -> U256 {
    U256::from_limbs(element.into_bigint().0)
}

pub(crate) fn g1_point(numbers: G1Numbers) -> Result<G1Affine, PointFault> {
    let (Some(x), Some(y)) = (base_field(numbers.x), base_field(numbers.y)) else {
        return Err(PointFault::OutOfRange);
    };
    if numbers.x.is_zero() && numbers.y.is_zero() {
        return Ok(G1Affine::identity());
    }
    let point = G1Affine::new_unchecked(x, y);
    // G1 has cofactor 1: on the curve is in the group.
    if point.is_on_curve() { Ok(point) } else { Err(PointFault::NotOnCurve) }
}

pub(crate) fn g2_point(numbers: G2Numbers) -> Result<G2Affine, PointFault> {
    let [Some(x0), Some(x1), Some(y0), Some(y1)] =
        [numbers.x[0], numbers.x[1], numbers.y[0], numbers.y[1]].map(base_field)
    else {
        return Err(PointFault::OutOfRange);
    };
    let (x, y) = (Fq2::new(x0, x1), Fq2::new(y0, y1));
    if numbers.x.iter().chain(&numbers.y).all(U256::is_zero) {
        return Ok(G2Affine::identity());
    }
    let point = G2Affine::new_unchecked(x, y);
    if !point.is_on_curve() {
        return Err(PointFault::NotOnCurve);
    }
    if !point.is_in_correct_subgroup_assuming_on_curve() {
        return Err(PointFault::NotInSubgroup);
    }
    Ok(point)
}

pub(crate) fn g1_numbers(point: &G1Affine) -> G1Numbers {
    match point.xy() {
        Some((x, y)) => G1Numbers { x: uint(x), y: uint(y) },
        None => G1Numbers { x: U256::ZERO, y: U256::ZERO },
    }
}

pub(crate) fn g2_numbers(point: &G2Affine) -> G2Numbers {
    match point.xy() {
        Some((x, y)) => G2Numbers { x: [uint(x.c0), uint(x.c1)], y: [uint(y.c0), uint(y.c1)] },
        None => G2Numbers { x: [U256::ZERO; 2], y: [U256::ZERO; 2] },
    }
}

/// Reads 32-byte big-endian words off a byte string.
pub(crate) struct Words<'a>(&'a [u8]);

impl<'a> Words<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(crate) fn next(&mut self) -> Option<U256> {
        let (word, rest) = self.0.split_first_chunk::<32>()?;
        self.0 = rest;
        Some(U256::from_be_bytes(*word))
    }

    /// A G1 point in the encoding of EIP-197: x, y.
    pub(crate) fn g1(&mut self) -> Option<G1Numbers> {
        Some(G1Numbers { x: self.next()?, y: self.next()? })
    }

    /// A G2 point in the encoding of EIP-197: the imaginary part of each coordinate first.
    pub(crate) fn g2(&mut self) -> Option<G2Numbers> {
        let (x1, x0, y1, y0) = (self.next()?, self.next()?, self.next()?, self.next()?);
        Some(G2Numbers { x: [x0, x1], y: [y0, y1] })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Appends a G1 point in the encoding of EIP-197.
pub(crate) fn put_g1(out: &mut Vec<u8>, point: &G1Affine) {
    let G1Numbers { x, y } = g1_numbers(point);
    for number in [x, y] {
        out.extend_from_slice(&number.to_be_bytes::<32>());
    }
}

/// Appends a G2 point in the encoding of EIP-197.
pub(crate) fn put_g2(out: &mut Vec<u8>, point: &G2Affine) {
    let G2Numbers { x, y } = g2_numbers(point);
    for number in [x[1], x[0], y[1], y[0]] {
        out.extend_from_slice(&number.to_be_bytes::<32>());
    }
}

#[cfg(test)]
mod tests {
    use ark_ff::PrimeField;

    use super::*;

    #[test]
    fn moduli_are_those_of_the_fields() {
        assert_eq!(BASE_MODULUS, U256::from_limbs(Fq::MODULUS.0));
        assert_eq!(SCALAR_MODULUS, U256::from_limbs(Fr::MODULUS.0));
    }

    #[test]
    fn field_elements_end_below_the_modulus() {
        assert!(base_field(BASE_MODULUS).is_none());
        assert!(base_field(BASE_MODULUS - U256::from(1)).is_some());
        assert!(base_field(U256::MAX).is_none());
        assert!(scalar(SCALAR_MODULUS).is_none());
        assert!(scalar(SCALAR_MODULUS - U256::from(1)).is_some());
    }

    #[test]
    fn g1_point_off_the_curve_is_refused() {
        let numbers = G1Numbers { x: U256::from(1), y: U256::from(3) };
        assert_eq!(g1_point(numbers), Err(PointFault::NotOnCurve));
        assert!(g1_point(G1Numbers { x: U256::from(1), y: U256::from(2) }).is_ok());
    }

    #[test]
    fn generators_survive_the_round_trip() {
        let (g1, g2) = (G1Affine::generator(), G2Affine::generator());
        let mut bytes = Vec::new();
        put_g1(&mut bytes, &g1);
        put_g2(&mut bytes, &g2);
        let mut words = Words::new(&bytes);
        assert_eq!(g1_point(words.g1().unwrap()), Ok(g1));
        assert_eq!(g2_point(words.g2().unwrap()), Ok(g2));
        assert!(words.is_empty());
        assert_eq!(words.next(), None);
    }
}
