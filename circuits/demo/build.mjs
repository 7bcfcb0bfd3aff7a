// Compiles the circuit and makes its keys: work.wasm, work.zkey, verification_key.json.
//
//   node build.mjs           writes them
//   node build.mjs --check   fails unless the committed ones are what it would write
//
// Both phases of the setup apply one public beacon and nothing secret. That makes the files
// reproducible, and it lets anyone forge proofs: these keys are for demonstrations only.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as snarkjs from 'snarkjs';

const here = dirname(fileURLToPath(import.meta.url));
const power = 7; // 2^7 rows hold the circuit's 65 constraints and 4 public wires
const beacon = '61737361792064656d6f20736574757020697320666f722064656d6f732e2020';
const iterationsLog2 = 10;

async function build(directory) {
  execFileSync(
    process.execPath,
    [join(here, 'node_modules/circom2/cli.js'), 'work.circom', '--r1cs', '--wasm', '--O1', '-o', directory],
    { cwd: here, stdio: ['ignore', 'ignore', 'inherit'] },
  );
  const path = (name) => join(directory, name);
  const { curves, powersOfTau, zKey } = snarkjs;
  const curve = await curves.getCurveFromName('bn128');
  await powersOfTau.newAccumulator(curve, power, path('0.ptau'));
  await powersOfTau.beacon(path('0.ptau'), path('1.ptau'), 'demo', beacon, iterationsLog2);
  await powersOfTau.preparePhase2(path('1.ptau'), path('2.ptau'));
  await zKey.newZKey(path('work.r1cs'), path('2.ptau'), path('0.zkey'));
  await zKey.beacon(path('0.zkey'), path('1.zkey'), 'demo', beacon, iterationsLog2);
  if (!(await zKey.verifyFromR1cs(path('work.r1cs'), path('2.ptau'), path('1.zkey')))) {
    throw new Error('the proving key does not belong to the circuit and the setup');
  }
  const key = await zKey.exportVerificationKey(path('1.zkey'));
  await curve.terminate();
  return {
    'work.wasm': readFileSync(path('work_js/work.wasm')),
    'work.zkey': readFileSync(path('1.zkey')),
    'verification_key.json': Buffer.from(`${JSON.stringify(key, null, 1)}\n`),
  };
}

const directory = mkdtempSync(join(tmpdir(), 'assay-circuit-'));
try {
  const files = await build(directory);
  for (const [name, bytes] of Object.entries(files)) {
    if (!process.argv.includes('--check')) {
      writeFileSync(join(here, name), bytes);
    } else if (!readFileSync(join(here, name)).equals(bytes)) {
      throw new Error(`${name} is not what build.mjs makes: run it, and commit what it wrote`);
    }
    console.log(`${name} ${bytes.length} bytes`);
  }
} finally {
  rmSync(directory, { recursive: true, force: true });
}
process.exit(0);
