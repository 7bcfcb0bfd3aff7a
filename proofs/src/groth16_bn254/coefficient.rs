//! Short multiples of G1 points, by the curve's endomorphism.

use ark_bn254::g1::Config;
use ark_bn254::{Fr, G1Affine, G1Projective};
use ark_ec::scalar_mul::glv::GLVConfig;
use ark_ec::{AffineRepr, CurveGroup, VariableBaseMSM};
use ark_ff::{AdditiveGroup, BigInt, BigInteger};

/// Width of the digits that a multiple is made of: odd, below 2³ in size.
const WINDOW_BITS: usize = 4;
/// Odd multiples of a point up to the largest digit.
const TABLE: usize = 1 << (WINDOW_BITS - 2);

/// The scalar `low + high·λ`, where λ, a cube root of one, takes a G1 point (x, y) to (βx, y)
/// without any addition. So a multiple costs the doublings of a 64-bit scalar.
///
/// The 2¹²⁸ coefficients are distinct scalars: were two equal, their difference (a, b) would
/// have `a² − ab + b²` divisible by the group order, but that is below 3·2¹²⁸, and zero only
/// for (0, 0).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Coefficient {
    low: u64,
    high: u64,
}

impl Coefficient {
    /// From the first half of a digest. Never zero, which would let anything pass.
    pub(crate) fn from_digest(digest: &[u8; 32]) -> Self {
        let half = digest.first_chunk::<16>().map_or(1, |half| u128::from_be_bytes(*half)).max(1);
        Self { low: half as u64, high: (half >> 64) as u64 }
    }

    pub(crate) fn scalar(self) -> Fr {
        Fr::from(self.low) + Fr::from(self.high) * Config::LAMBDA
    }

    /// Digits of both parts, least significant first.
    fn digits(self) -> [Vec<i64>; 2] {
        // A digit may round the number up beyond 64 bits.
        [self.low, self.high]
            .map(|part| BigInt::<2>::from(part).find_wnaf(WINDOW_BITS).unwrap_or_default())
    }
}

/// Each point multiplied by its coefficient.
pub(crate) fn multiples(points: &[G1Affine], coefficients: &[Coefficient]) -> Vec<G1Affine> {
    let tables = odd_multiples(points);
    let products: Vec<_> = (tables.iter().zip(coefficients))
        .map(|(table, coefficient)| {
            let turned = table.map(|point| Config::endomorphism_affine(&point));
            let [low, high] = coefficient.digits();
            let mut product = G1Projective::ZERO;
            for place in (0..low.len().max(high.len())).rev() {
                product.double_in_place();
                for (digits, table) in [(&low, table), (&high, &turned)] {
                    let digit = digits.get(place).copied().unwrap_or_default();
                    let Some(multiple) = table.get(digit.unsigned_abs() as usize / 2) else {
                        continue;
                    };
                    match digit.signum() {
                        1 => product += multiple,
                        -1 => product -= multiple,
                        _ => {}
                    }
                }
            }
            product
        })
        .collect();
    G1Projective::normalize_batch(&products)
}

/// The sum of all points, each multiplied by its coefficient.
pub(crate) fn sum_of_multiples(
    points: impl Iterator<Item = (G1Affine, Coefficient)>,
) -> G1Projective {
    let (mut bases, mut scalars) = (Vec::new(), Vec::new());
    for (point, Coefficient { low, high }) in points {
        bases.extend([point, Config::endomorphism_affine(&point)]);
        scalars.extend([low, high]);
    }
    G1Projective::msm_u64(&bases, &scalars)
}

/// P, 3P, 5P, 7P of each point P.
fn odd_multiples(points: &[G1Affine]) -> Vec<[G1Affine; TABLE]> {
    let multiples: Vec<_> = points
        .iter()
        .flat_map(|point| {
            let twice = point.into_group().double();
            let mut multiple = point.into_group();
            std::array::from_fn::<_, TABLE, _>(|_| {
                let here = multiple;
                multiple += twice;
                here
            })
        })
        .collect();
    G1Projective::normalize_batch(&multiples).as_chunks().0.to_vec()
}

#[cfg(test)]
mod tests {
    use ark_ff::{One, PrimeField, Zero};

    use super::*;

    fn digest(low: u64, high: u64) -> [u8; 32] {
        let mut digest = [0xff; 32];
        digest[..8].copy_from_slice(&high.to_be_bytes());
        digest[8..16].copy_from_slice(&low.to_be_bytes());
        digest
    }

    fn coefficients() -> Vec<Coefficient> {
        let edges = [0, 1, 2, 7, 8, 0x0123_4567_89ab_cdef, 1 << 63, u64::MAX - 7, u64::MAX];
        edges
            .iter()
            .flat_map(|low| edges.map(|high| Coefficient::from_digest(&digest(*low, high))))
            .collect()
    }

    #[test]
    fn lambda_is_a_cube_root_of_one() {
        let lambda = Config::LAMBDA;
        assert!((lambda * lambda + lambda + Fr::one()).is_zero());
        // What the distinctness of coefficients rests on: the order is above 3·2¹²⁸.
        assert!(Fr::MODULUS > BigInt::new([0, 0, 3, 0]));
    }

    #[test]
    fn coefficient_is_never_zero() {
        assert!(coefficients().iter().all(|coefficient| !coefficient.scalar().is_zero()));
        assert_eq!(Coefficient::from_digest(&digest(0, 0)), Coefficient { low: 1, high: 0 });
    }

    #[test]
    fn multiples_and_their_sum_are_those_of_the_scalars() {
        let coefficients = coefficients();
        let points: Vec<_> = (1u64..)
            .map(|n| (G1Affine::generator() * Fr::from(n * n)).into_affine())
            .take(coefficients.len())
            .collect();
        let expected: Vec<_> = (points.iter().zip(&coefficients))
            .map(|(point, coefficient)| (*point * coefficient.scalar()).into_affine())
            .collect();
        assert_eq!(multiples(&points, &coefficients), expected);
        let pairs = points.iter().copied().zip(coefficients.iter().copied());
        assert_eq!(sum_of_multiples(pairs), expected.iter().sum::<G1Projective>());
        assert!(multiples(&[], &[]).is_empty());
        assert!(sum_of_multiples(std::iter::empty()).is_zero());
    }
}
