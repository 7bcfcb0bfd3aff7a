#!/usr/bin/env node
// Writes abi/NAME.json, {"abi": …, "bytecode": "0x…"}, for every contract and interface under src/ except libraries.
// With --check it writes nothing and fails if a committed file differs from what the sources give.
"use strict";
const fs = require("node:fs");
const path = require("node:path");
const { forge, root } = require("./forge.js");

const SOURCES = path.join(root, "src");
const OUT = path.join(root, "out");
const ABI = path.join(root, "abi");
const EIP170_BYTES_MAX = 24_576;

/** Names of the Solidity files under `folder`, without those of libraries. */
function sources(folder) {
  return fs.readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (entry.isDirectory()) return entry.name === "libraries" ? [] : sources(path.join(folder, entry.name));
    return entry.name.endsWith(".sol") ? [entry.name] : [];
  });
}

/** The text of abi/NAME.json for the contract that file `source` is named for. */
function render(source) {
  const name = path.basename(source, ".sol");
  const artifact = JSON.parse(fs.readFileSync(path.join(OUT, source, `${name}.json`), "utf8"));
  const bytecode = artifact.bytecode.object;
  if (!/^0x([0-9a-f]{2})*$/.test(bytecode)) throw new Error(`${name}: bytecode is not linked`);
  const deployed = (artifact.deployedBytecode.object.length - 2) / 2;
  if (deployed > EIP170_BYTES_MAX) throw new Error(`${name}: ${deployed} bytes exceed the code limit`);
  return [name, `${JSON.stringify({ abi: artifact.abi, bytecode }, null, 1)}\n`];
}

function main() {
  const check = process.argv.includes("--check");
  const built = forge(["build", "src"], { stdio: ["ignore", "ignore", "inherit"] });
  if (built !== 0) return built;
  const wanted = new Map(sources(SOURCES).sort().map(render));
  fs.mkdirSync(ABI, { recursive: true });
  const stale = fs.readdirSync(ABI).filter((file) => file.endsWith(".json") && !wanted.has(path.basename(file, ".json")));
  let differing = stale.map((file) => `${file} has no source`);
  for (const file of stale) if (!check) fs.unlinkSync(path.join(ABI, file));
  for (const [name, text] of wanted) {
    const file = path.join(ABI, `${name}.json`);
    const present = fs.existsSync(file) ? fs.readFileSync(file, "utf8") : "";
    if (present === text) continue;
    if (check) differing.push(`${name}.json is out of date`);
    else fs.writeFileSync(file, text);
  }
  if (!check) differing = [];
  for (const line of differing) console.error(`abi: ${line}; run \`npm run abi\` in contracts/`);
  if (differing.length === 0) console.log(`abi: ${wanted.size} files ${check ? "up to date" : "written"}`);
  return differing.length === 0 ? 0 : 1;
}

process.exitCode = main();
