#!/usr/bin/env node
// Runs the suites of invariants under forge's profile `long`, 1,000,000 calls each, and writes analysis/invariants.md: the
// calls, what was reverted or discarded, and how often each action of a handler did its work.
// `--parts N` splits each suite into N processes with seeds of their own; `--suite NAME` runs one suite and writes nothing.
"use strict";
const { spawn } = require("node:child_process");
const fs = require("node:fs");
const path = require("node:path");
const { forge, forgePath, root } = require("./forge.js");

/** What a campaign must have reached; an action that is missing or never done its work fails the run. */
const SUITES = {
  Hub: {
    holds: "the hub owes exactly what it holds, and no outcome ever changes (INV-JOB-ONCE, INV-MONEY)",
    actions: [
      "request", "submit", "outcomePaid", "outcomeUnpaid", "outcomeSkipped", "announce", "claimFirst", "claimRecorded",
      "refund", "refundRefused", "withdraw",
    ],
  },
  Money: {
    holds: "every unit of tokens, stake and native currency is owed to one party (INV-MONEY, INV-EXPIRE)",
    actions: [
      "createJob", "recordVerdict", "settle", "deliver", "expire", "withdraw", "slash", "claim", "increaseStake",
      "requestWithdrawal", "cancelWithdrawal", "withdrawStake",
    ],
  },
  Registry: {
    holds: "every unit of stake is owed to one owner or reporter, or locked; members stay accountable",
    actions: [
      "register", "requestExit", "addStake", "slash", "jail", "unjail", "withdrawReward", "withdrawStake", "freeze",
      "activate",
    ],
  },
};
const CALLS_MIN = 1_000_000;
const RUNS = 4000;
const SEED = 0xa55a;

/** One process: a suite under a seed. Resolves to what forge printed, and what the handler reached. */
function run(suite, part, parts) {
  const seed = `0x${(SEED + part).toString(16)}`;
  const reached = path.join("cache", `reached-${suite}-${part}.txt`);
  fs.rmSync(path.join(root, reached), { force: true });
  const env = {
    ...process.env,
    FOUNDRY_PROFILE: "long",
    FOUNDRY_INVARIANT_RUNS: String(Math.ceil(RUNS / parts)),
    FOUNDRY_FUZZ_SEED: seed,
    FORGE_SNAPSHOT_EMIT: "false",
    REACHED: reached,
  };
  const started = Date.now();
  return new Promise((resolve, reject) => {
    const options = ["test", "--use", path.join(__dirname, "solc"), "--offline", "--match-contract", `${suite}Invariants`];
    const child = spawn(forgePath(), options, { cwd: root, env, stdio: ["ignore", "pipe", "inherit"] });
    let output = "";
    child.stdout.on("data", (data) => (output += data));
    child.on("error", reject);
    child.on("exit", (code) => {
      if (code !== 0) return reject(new Error(`${suite}, seed ${seed}:\n${output}`));
      const lines = fs.readFileSync(path.join(root, reached), "utf8").trim().split("\n");
      resolve({ output, lines, seed, seconds: (Date.now() - started) / 1000 });
    });
  });
}

/** Sums of a suite's parts. */
function sum(suite, parts) {
  const total = { suite, runs: 0, calls: 0, reverts: 0, seconds: 0, seeds: [], selectors: new Map(), reached: new Map() };
  for (const { output, lines, seed, seconds } of parts) {
    const heads = [...output.matchAll(/\[PASS\] invariant_\w+\(\) \(runs: (\d+), calls: (\d+), reverts: (\d+)\)/g)];
    if (heads.length !== 1) throw new Error(`${suite}: not one invariant's result in\n${output}`);
    const [, runs, calls, reverts] = heads[0].map(Number);
    total.runs += runs;
    total.calls += calls;
    total.reverts += reverts;
    total.seconds = Math.max(total.seconds, seconds);
    total.seeds.push(seed);
    for (const row of output.matchAll(/^\| \w+Handler\s+\| (\w+)\s+\| (\d+)\s+\| (\d+)\s+\| (\d+)\s+\|$/gm)) {
      const former = total.selectors.get(row[1]) || [0, 0, 0];
      total.selectors.set(row[1], former.map((value, index) => value + Number(row[index + 2])));
    }
    for (const line of lines) {
      const words = line.split(" ").slice(1);
      for (let i = 0; i < words.length; i += 2) {
        total.reached.set(words[i], (total.reached.get(words[i]) || 0) + Number(words[i + 1]));
      }
    }
  }
  const missing = SUITES[suite].actions.filter((action) => !total.reached.get(action));
  if (missing.length > 0) throw new Error(`${suite}: never reached: ${missing.join(", ")}`);
  if (total.calls < CALLS_MIN) throw new Error(`${suite}: ${total.calls} calls, fewer than ${CALLS_MIN}`);
  return total;
}

const number = (value) => value.toLocaleString("en-US");

function render(totals) {
  const lines = [
    "# Invariants, 1,000,000 calls each",
    "",
    "Written by `npm run invariants` (forge's profile `long`); the smaller campaign of `npm test` runs the same suites.",
    "Sequences of 250 random calls, the invariant checked every 16 calls and at the end. A handler makes calls that must",
    "fail too, and insists that they fail; so what it *achieved* is counted beside what it called.",
  ];
  for (const total of totals) {
    lines.push("", `## ${total.suite}Invariants`, "", `Holds: ${SUITES[total.suite].holds}.`, "");
    lines.push(`${number(total.calls)} calls in ${number(total.runs)} sequences, ${total.reverts} reverted; seeds`);
    lines.push(`${total.seeds.join(", ")}; ${number(Math.round(total.seconds))} s. No counterexample.`, "");
    lines.push("| handler's function | calls | reverts | discards |", "|---|---:|---:|---:|");
    for (const [name, counts] of [...total.selectors].sort()) {
      lines.push(`| \`${name}\` | ${counts.map(number).join(" | ")} |`);
    }
    lines.push("", "| achieved | times |", "|---|---:|");
    for (const [name, count] of [...total.reached].sort()) lines.push(`| ${name} | ${number(count)} |`);
  }
  return `${lines.join("\n")}\n`;
}

function option(name) {
  const index = process.argv.indexOf(name);
  return index < 0 ? undefined : process.argv[index + 1];
}

async function main() {
  const parts = Number(option("--parts") || 1);
  const names = option("--suite") ? [option("--suite")] : Object.keys(SUITES);
  if (forge(["build"]) !== 0) return 1;
  const totals = [];
  for (const suite of names) {
    const results = await Promise.all(Array.from({ length: parts }, (_, part) => run(suite, part, parts)));
    totals.push(sum(suite, results));
    console.log(`${suite}: ${totals.at(-1).calls} calls, no counterexample`);
  }
  const text = render(totals);
  if (option("--suite")) process.stdout.write(text);
  else fs.writeFileSync(path.join(root, "analysis", "invariants.md"), text);
  return 0;
}

main().then(
  (code) => (process.exitCode = code),
  (error) => {
    console.error(`invariants: ${error.message}`);
    process.exitCode = 1;
  },
);
