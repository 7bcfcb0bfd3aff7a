#!/usr/bin/env node
// Runs Slither over src/ and compares what it finds with analysis/slither.json, where each finding has its answer.
// Fails on a finding without an answer, and on an answer without a finding. With --update it writes the file anew: answers
// stay, new findings get an empty one, which fails until somebody writes it.
"use strict";
const { createHash } = require("node:crypto");
const fs = require("node:fs");
const path = require("node:path");
const solc = require("solc");
const { root } = require("./forge.js");
const { analyse } = require("./python.js");

const ANSWERS = path.join(root, "analysis", "slither.json");
const BUILD = path.join("cache", "slither");
const REMAPPINGS = ["@openzeppelin/=node_modules/@openzeppelin/"];

const read = (name) => fs.readFileSync(path.join(root, name), "utf8");

/** Solidity files under `folder`, relative to the contracts folder. */
function sources(folder) {
  return fs.readdirSync(path.join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const name = path.posix.join(folder, entry.name);
    if (entry.isDirectory()) return sources(name);
    return name.endsWith(".sol") ? [name] : [];
  });
}

/**
 * Writes the syntax trees in the form of forge's build-info, which is what Slither reads. No code is generated: Slither
 * needs none, and that is what takes a compiler's time.
 */
function writeTrees() {
  const input = {
    language: "Solidity",
    sources: Object.fromEntries(sources("src").map((name) => [name, { content: read(name) }])),
    settings: { remappings: REMAPPINGS, outputSelection: { "*": { "": ["ast"], "*": ["abi"] } } },
  };
  const resolve = (name) => {
    try {
      return { contents: read(name) };
    } catch (error) {
      return { error: error.message };
    }
  };
  const output = JSON.parse(solc.compile(JSON.stringify(input), { import: resolve }));
  const failed = (output.errors || []).filter((item) => item.severity === "error");
  if (failed.length > 0) throw new Error(failed.map((item) => item.formattedMessage).join("\n"));
  const none = { object: "", opcodes: "", sourceMap: "", linkReferences: {} };
  for (const contracts of Object.values(output.contracts)) {
    for (const contract of Object.values(contracts)) contract.evm = { bytecode: none, deployedBytecode: none };
  }
  for (const name of Object.keys(output.sources)) input.sources[name] = { content: read(name) };
  const folder = path.join(root, BUILD, "build-info");
  fs.rmSync(folder, { recursive: true, force: true });
  fs.mkdirSync(folder, { recursive: true });
  const solcVersion = solc.version().split("+")[0];
  fs.writeFileSync(path.join(folder, "src.json"), JSON.stringify({ id: "src", solcVersion, input, output }));
}

/** What Slither finds: detector, impact, and its words without line numbers, which say where and what. */
function findings() {
  const report = path.join(root, BUILD, "report.json");
  fs.rmSync(report, { force: true });
  const run = analyse("slither", [
    ".",
    "--compile-force-framework", "foundry",
    "--foundry-ignore-compile",
    "--foundry-out-directory", BUILD,
    "--filter-paths", "node_modules",
    "--fail-none",
    "--json", report,
  ], { encoding: "utf8" });
  if (!fs.existsSync(report)) throw new Error(`slither wrote no report:\n${run.stderr}`);
  const { success, error, results } = JSON.parse(fs.readFileSync(report, "utf8"));
  if (!success) throw new Error(`slither: ${error}`);
  const units = /analyzed \((\d+) contracts with (\d+) detectors\)/.exec(run.stderr);
  if (!units || Number(units[1]) === 0) throw new Error(`slither analysed nothing:\n${run.stderr}`);
  console.log(`slither: ${units[1]} contracts, ${units[2]} detectors`);
  return (results.detectors || []).map(({ check, impact, description }) => {
    const text = description.replace(/#\d+(-\d+)?/g, "").replace(/\s+/g, " ").trim();
    const id = createHash("sha256").update(`${check} ${text}`).digest("hex").slice(0, 12);
    const first = description.replace(/#\d+(-\d+)?/g, "").split("\n")[0].trim().replace(/:$/, "");
    return { check, impact, finding: `${id} ${first}` };
  });
}

/** The answers as a map from detector and finding to the group that answers it. */
function byFinding(groups) {
  return new Map(groups.flatMap((group) => group.findings.map((finding) => [`${group.check} ${finding}`, group])));
}

/** Groups of one detector and one answer, each with its findings, in a fixed order. */
function render(found, answered) {
  const groups = new Map();
  for (const { check, impact, finding } of found) {
    const answer = answered.get(`${check} ${finding}`)?.answer ?? "";
    const key = JSON.stringify([check, answer]);
    if (!groups.has(key)) groups.set(key, { check, impact, answer, findings: [] });
    groups.get(key).findings.push(finding);
  }
  const rank = ["High", "Medium", "Low", "Informational", "Optimization"];
  const order = (one, other) =>
    rank.indexOf(one.impact) - rank.indexOf(other.impact) || one.check.localeCompare(other.check) ||
    one.answer.localeCompare(other.answer);
  const sorted = [...groups.values()].sort(order);
  for (const group of sorted) group.findings.sort((one, other) => one.slice(13).localeCompare(other.slice(13)));
  return `${JSON.stringify(sorted, null, 1)}\n`;
}

function main() {
  writeTrees();
  const found = findings();
  const groups = fs.existsSync(ANSWERS) ? JSON.parse(fs.readFileSync(ANSWERS, "utf8")) : [];
  const answered = byFinding(groups);
  if (process.argv.includes("--update")) {
    fs.writeFileSync(ANSWERS, render(found, answered));
    console.log(`slither: ${found.length} findings written`);
    return 0;
  }
  const open = found.filter(({ check, finding }) => !answered.get(`${check} ${finding}`)?.answer);
  const present = new Set(found.map(({ check, finding }) => `${check} ${finding}`));
  const gone = [...answered.keys()].filter((key) => !present.has(key));
  for (const { check, impact, finding } of open) console.error(`slither: unanswered, ${impact}, ${check}: ${finding}`);
  for (const key of gone) console.error(`slither: answered but no longer found: ${key}`);
  if (open.length + gone.length > 0) {
    console.error("slither: fix them, or `npm run slither -- --update` and answer them in analysis/slither.json");
    return 1;
  }
  console.log(`slither: ${found.length} findings, all answered in analysis/slither.json`);
  return 0;
}

process.exitCode = main();
