use alloy_primitives::{B256, U256};

use super::encoding::{Words, scalar};
use super::{PUBLIC_INPUTS_MAX, PublicInputs, bound_input};
use crate::{Code, Context};

/// Offset of the array in the encoding: two words.
const ARRAY_OFFSET: U256 = U256::from_limbs([64, 0, 0, 0]);

/// Where a public input's value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// The statement holds it.
    Fixed(U256),
    /// It is [`bound_input`] of the context.
    Bound,
    /// The provider supplies it, and the consumer gets it.
    Reported,
}

/// What a consumer asks to be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// Id of the verifying key.
    pub vk_id: B256,
    /// The circuit's public inputs, in order.
    pub inputs: Vec<Input>,
}

impl Statement {
    /// Decodes `abi.encode(bytes32 vkId, (uint8 mode, uint256 value)[] inputs)`, taking no
    /// bytes but those that [`Statement::encode`] would give. Errors are the
    /// `STATEMENT_…` codes.
    pub fn decode(bytes: &[u8]) -> Result<Self, Code> {
        let mut words = Words::new(bytes);
        let mut next = || words.next().ok_or(Code::StatementMalformed);
        let (vk_id, offset, count) = (next()?, next()?, next()?);
        if offset != ARRAY_OFFSET {
            return Err(Code::StatementNotCanonical);
        }
        let count = usize::try_from(count)
            .ok()
            .filter(|count| *count <= bytes.len() / 64)
            .ok_or(Code::StatementMalformed)?;
        if count > PUBLIC_INPUTS_MAX {
            return Err(Code::StatementInputCount);
        }
        let mut inputs = Vec::with_capacity(count);
        for _ in 0..count {
            inputs.push(Input::decode(next()?, next()?)?);
        }
        if !words.is_empty() {
            return Err(Code::StatementNotCanonical);
        }
        Ok(Self { vk_id: B256::from(vk_id), inputs })
    }

    /// The one encoding of the statement.
    pub fn encode(&self) -> Vec<u8> {
        let mut words = vec![U256::from_be_bytes(self.vk_id.0), ARRAY_OFFSET];
        words.push(U256::from(self.inputs.len()));
        for input in &self.inputs {
            let (mode, value) = match input {
                Input::Fixed(value) => (0u8, *value),
                Input::Bound => (1, U256::ZERO),
                Input::Reported => (2, U256::ZERO),
            };
            words.extend([U256::from(mode), value]);
        }
        words.iter().flat_map(|word| word.to_be_bytes::<32>()).collect()
    }

    /// Number of inputs that the provider supplies.
    pub fn reported_count(&self) -> usize {
        self.inputs.iter().filter(|input| matches!(input, Input::Reported)).count()
    }

    /// All public inputs: fixed and bound ones in place, reported ones from `reported`, of
    /// which there must be [`Statement::reported_count`].
    pub fn public_inputs(
        &self,
        context: &Context,
        reported: &[U256],
    ) -> Result<PublicInputs, Code> {
        let bound = bound_input(context.chain_id, &context.hub, &context.job_id, &context.seed);
        let mut reported = reported.iter();
        let mut numbers = Vec::with_capacity(self.inputs.len());
        for input in &self.inputs {
            numbers.push(match input {
                Input::Fixed(value) => *value,
                Input::Bound => bound,
                Input::Reported => *reported.next().ok_or(Code::ResponseLength)?,
            });
        }
        if reported.next().is_some() {
            return Err(Code::ResponseLength);
        }
        PublicInputs::new(&numbers)
    }
}

impl Input {
    fn decode(mode: U256, value: U256) -> Result<Self, Code> {
        let input = match u8::try_from(mode).map_err(|_| Code::StatementMalformed)? {
            0 if scalar(value).is_some() => return Ok(Self::Fixed(value)),
            0 => return Err(Code::StatementInputOutOfRange),
            1 => Self::Bound,
            2 => Self::Reported,
            _ => return Err(Code::StatementMode),
        };
        if value.is_zero() { Ok(input) } else { Err(Code::StatementValue) }
    }
}

#[cfg(test)]
mod tests {
    use alloy_sol_types::{SolValue, sol};

    use super::*;
    use crate::groth16_bn254::SCALAR_MODULUS;

    sol! {
        struct SolInput { uint8 mode; uint256 value; }
    }

    fn statement() -> Statement {
        let inputs = vec![Input::Bound, Input::Fixed(U256::from(5)), Input::Reported];
        Statement { vk_id: B256::repeat_byte(0xab), inputs }
    }

    fn with_word(index: usize, word: U256) -> Vec<u8> {
        let mut bytes = statement().encode();
        bytes[32 * index..32 * (index + 1)].copy_from_slice(&word.to_be_bytes::<32>());
        bytes
    }

    #[test]
    fn encoding_is_solidity_s() {
        let inputs: Vec<_> = [(1, 0), (0, 5), (2, 0)]
            .map(|(mode, value)| SolInput { mode, value: U256::from(value) })
            .into();
        let expected = (B256::repeat_byte(0xab), inputs).abi_encode_params();
        assert_eq!(statement().encode(), expected);
        assert_eq!(Statement::decode(&expected), Ok(statement()));
    }

    #[test]
    fn no_inputs_are_a_statement() {
        let empty = Statement { vk_id: B256::ZERO, inputs: vec![] };
        assert_eq!(Statement::decode(&empty.encode()), Ok(empty));
    }

    #[test]
    fn every_other_length_is_refused() {
        let bytes = statement().encode();
        for length in 0..bytes.len() {
            assert_eq!(Statement::decode(&bytes[..length]), Err(Code::StatementMalformed));
        }
        let longer = [bytes.as_slice(), &[0]].concat();
        assert_eq!(Statement::decode(&longer), Err(Code::StatementNotCanonical));
    }

    #[test]
    fn another_offset_is_not_canonical() {
        assert_eq!(
            Statement::decode(&with_word(1, U256::from(96))),
            Err(Code::StatementNotCanonical)
        );
    }

    #[test]
    fn counts_beyond_the_bytes_are_malformed() {
        for count in [U256::from(4), U256::from(1 << 20), U256::MAX] {
            assert_eq!(Statement::decode(&with_word(2, count)), Err(Code::StatementMalformed));
        }
    }

    #[test]
    fn too_many_inputs_are_refused() {
        let inputs = vec![Input::Bound; PUBLIC_INPUTS_MAX + 1];
        let bytes = Statement { vk_id: B256::ZERO, inputs }.encode();
        assert_eq!(Statement::decode(&bytes), Err(Code::StatementInputCount));
    }

    #[test]
    fn modes_and_values_are_checked() {
        let decode = |index, word| Statement::decode(&with_word(index, word));
        assert_eq!(decode(3, U256::from(3)), Err(Code::StatementMode));
        assert_eq!(decode(3, U256::from(256)), Err(Code::StatementMalformed));
        assert_eq!(decode(4, U256::from(1)), Err(Code::StatementValue));
        assert_eq!(decode(8, U256::from(1)), Err(Code::StatementValue));
        assert_eq!(decode(6, SCALAR_MODULUS), Err(Code::StatementInputOutOfRange));
        assert!(decode(6, SCALAR_MODULUS - U256::from(1)).is_ok());
    }
}
