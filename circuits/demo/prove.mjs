// A prover command: reads one challenge as JSON on standard input, and prints
// {"proof", "publicSignals"} as JSON on standard output.
//
//   node prove.mjs [--secret N] [--other-challenge] < challenge.json
//
// It uses `bound_input` (decimal) and `statement` (0x…) of the challenge; the statement's
// inputs must be bound, fixed, reported, in that order. Exit 0 with a proof, 1 without one
// and a message on standard error. --other-challenge proves for the next number, as a
// provider would that answers with another job's proof.

import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import * as snarkjs from 'snarkjs';

const here = dirname(fileURLToPath(import.meta.url));
const r = 21888242871839275222246405745257275088548364400416034343698204186575808495617n;
const rounds = 16;
const modes = { fixed: 0n, bound: 1n, reported: 2n };

/** What work.circom constrains `result` to be. */
function work({ challenge, parameter, secret }) {
  let state = (secret + challenge) % r;
  for (let round = 0n; round < rounds; round += 1n) {
    const base = (state + parameter + round) % r;
    state = base ** 5n % r;
  }
  return state;
}

/** The fixed input of abi.encode(bytes32 vkId, (uint8 mode, uint256 value)[] inputs). */
function fixedParameter(statement) {
  const hex = /^0x((?:[0-9a-f]{64})+)$/i.exec(statement)?.[1];
  if (!hex) throw new Error('`statement` is not 0x and whole 32-byte words');
  const words = hex.match(/.{64}/g).map((word) => BigInt(`0x${word}`));
  const [, , count, boundMode, , fixedMode, value, reportedMode] = words;
  if (count !== 3n || words.length !== 9) throw new Error('the statement does not have 3 inputs');
  if (boundMode !== modes.bound || fixedMode !== modes.fixed || reportedMode !== modes.reported) {
    throw new Error("the statement's inputs are not bound, fixed, reported");
  }
  return value;
}

async function main() {
  const { values } = parseArgs({
    options: {
      secret: { type: 'string', default: '20260101' },
      'other-challenge': { type: 'boolean', default: false },
    },
  });
  const request = JSON.parse(readFileSync(0, 'utf8'));
  if (!/^[0-9]+$/.test(request.bound_input ?? '')) {
    throw new Error('`bound_input` is not a decimal string');
  }
  const bound = BigInt(request.bound_input) + (values['other-challenge'] ? 1n : 0n);
  const input = {
    challenge: bound % r,
    parameter: fixedParameter(request.statement ?? ''),
    secret: BigInt(values.secret),
  };
  const file = (name) => join(here, name);
  const { proof, publicSignals } = await snarkjs.groth16.fullProve(
    { ...input, result: work(input) },
    file('work.wasm'),
    file('work.zkey'),
    undefined,
    undefined,
    { singleThread: true }, // a circuit this small is proven before threads have started
  );
  await globalThis.curve_bn128?.terminate();
  process.stdout.write(`${JSON.stringify({ proof, publicSignals })}\n`);
}

main().catch((error) => {
  console.error(`prove: ${error.message}`);
  process.exitCode = 1;
});
