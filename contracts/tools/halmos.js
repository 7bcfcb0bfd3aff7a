#!/usr/bin/env node
// Runs the symbolic checks in symbolic/ by halmos. Fails unless every one of them passes, and unless all that the sources
// declare were run. Arguments go to halmos: `npm run halmos -- --match-contract Escrow`.
"use strict";
const fs = require("node:fs");
const path = require("node:path");
const { root } = require("./forge.js");
const { analyse } = require("./python.js");

const FOLDER = path.join(root, "symbolic");
const OUT = path.join("cache", "halmos", "out");
// seconds for one question to the solver: the slowest here takes a tenth of it
const SOLVER_TIMEOUT = "300s";

/** Names of the checks that the sources declare. */
function declared() {
  const sources = fs.readdirSync(FOLDER).map((name) => fs.readFileSync(path.join(FOLDER, name), "utf8"));
  return sources.flatMap((text) => [...text.matchAll(/function (check_\w+)/g)].map((match) => match[1]));
}

function main() {
  const options = process.argv.slice(2);
  const run = analyse(
    "halmos",
    ["--root", ".", "--forge-build-out", OUT, "--solver-timeout-assertion", SOLVER_TIMEOUT, "--no-status", ...options],
    { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"], env: { FOUNDRY_PROFILE: "halmos" } },
  );
  process.stdout.write(run.stdout);
  if (run.status !== 0 || options.length > 0) return run.status === 0 ? 0 : 1;
  const passed = new Set([...run.stdout.matchAll(/\[PASS\]\S* (check_\w+)/g)].map((match) => match[1]));
  const missing = declared().filter((name) => !passed.has(name));
  for (const name of missing) console.error(`halmos: ${name} was not run, or did not pass`);
  if (missing.length === 0) console.log(`halmos: ${passed.size} checks hold`);
  return missing.length === 0 ? 0 : 1;
}

process.exitCode = main();
