#!/usr/bin/env node
// Turns a folder of snarkjs-format Groth16 triples into the bytes that the Solidity library takes.
// Usage: node tools/groth16-fixtures.js FOLDER > test/fixtures/groth16.json
// FOLDER holds manifest.json ([{ id, expected_verdict }]) and, for each id, verification_key.json, proof.json, public.json.
"use strict";
const fs = require("node:fs");
const path = require("node:path");

const Q = 21888242871839275222246405745257275088696311157297823662689037894645226208583n;

const word = (value) => BigInt(value).toString(16).padStart(64, "0");
// snarkjs writes points in projective form; every source here has z = 1.
const g1 = ([x, y, z]) => {
  if (BigInt(z) !== 1n) throw new Error("a G1 point is not in affine form");
  return word(x) + word(y);
};
const g2 = ([x, y, z]) => {
  if (BigInt(z[0]) !== 1n || BigInt(z[1]) !== 0n) throw new Error("a G2 point is not in affine form");
  return word(x[1]) + word(x[0]) + word(y[1]) + word(y[0]);
};

/** A point of the twist y² = x³ + 3 / (9 + i) that lies outside the subgroup of order r. */
function pointOutsideSubgroup() {
  const mod = (a) => ((a % Q) + Q) % Q;
  const pow = (base, exponent) => {
    let result = 1n;
    for (base = mod(base); exponent > 0n; exponent >>= 1n, base = mod(base * base)) {
      if (exponent & 1n) result = mod(result * base);
    }
    return result;
  };
  const inverse = (a) => pow(a, Q - 2n);
  const sqrt = (a) => {
    const root = pow(a, (Q + 1n) / 4n); // Q = 3 mod 4
    return mod(root * root) === mod(a) ? root : null;
  };
  const multiply = ([a, b], [c, d]) => [mod(a * c - b * d), mod(a * d + b * c)];
  const add = ([a, b], [c, d]) => [mod(a + c), mod(b + d)];
  // Square root in the extension: for a + bi with norm n², the root's real part squared is (a ± n) / 2.
  const sqrt2 = ([a, b]) => {
    const norm = sqrt(mod(a * a + b * b));
    if (norm === null) return null;
    for (const sign of [norm, mod(-norm)]) {
      const real = sqrt(mod((a + sign) * inverse(2n)));
      if (real === null || real === 0n) continue;
      const root = [real, mod(b * inverse(2n * real))];
      const square = multiply(root, root);
      if (square[0] === mod(a) && square[1] === mod(b)) return root;
    }
    return null;
  };
  const scale = inverse(82n); // 3 / (9 + i) = 3 (9 - i) / 82
  const b = [mod(27n * scale), mod(-3n * scale)];
  // The subgroup is a fraction of about 1 / Q of the curve: the first point found is outside it.
  for (let x = 1n; ; x += 1n) {
    const y = sqrt2(add(multiply([x, 0n], multiply([x, 0n], [x, 0n])), b));
    if (y !== null) return word(0n) + word(x) + word(y[1]) + word(y[0]);
  }
}

const folder = process.argv[2];
if (!folder) {
  process.stderr.write("usage: groth16-fixtures.js FOLDER\n");
  process.exit(2);
}
const read = (...parts) => JSON.parse(fs.readFileSync(path.join(folder, ...parts), "utf8"));
const cases = read("manifest.json").map(({ id, expected_verdict: verdict }) => {
  const key = read(id, "verification_key.json");
  const proof = read(id, "proof.json");
  const points = [g1(key.vk_alpha_1), g2(key.vk_beta_2), g2(key.vk_gamma_2), g2(key.vk_delta_2), ...key.IC.map(g1)];
  return {
    name: id,
    valid: verdict === "valid",
    key: "0x" + points.join(""),
    proof: "0x" + g1(proof.pi_a) + g2(proof.pi_b) + g1(proof.pi_c),
    inputs: "0x" + read(id, "public.json").map(word).join(""),
  };
});
const column = (name) => cases.map((item) => item[name]);
const output = {
  names: column("name"),
  valid: column("valid"),
  keys: column("key"),
  proofs: column("proof"),
  inputs: column("inputs"),
  g2OutsideSubgroup: "0x" + pointOutsideSubgroup(),
};
process.stdout.write(JSON.stringify(output, null, 1) + "\n");
