#!/usr/bin/env node
// Runs the forge binary that package.json pins, with the pinned compiler, from the contracts folder.
"use strict";
const { spawnSync } = require("node:child_process");
const path = require("node:path");

const root = path.join(__dirname, "..");
const BUILDS = new Set(["build", "test", "snapshot", "coverage", "inspect", "script"]);

/** The forge executable for this platform, from its npm package. */
function forgePath() {
  const platform = { linux: "linux", darwin: "darwin", win32: "win32" }[process.platform];
  const arch = { x64: "amd64", arm64: "arm64" }[process.arch];
  const name = process.platform === "win32" ? "forge.exe" : "forge";
  return require.resolve(`@foundry-rs/forge-${platform}-${arch}/bin/${name}`);
}

/** Runs forge with `args`; returns its exit code. */
function forge(args, options = { stdio: "inherit" }) {
  const extra = BUILDS.has(args[0]) ? ["--use", path.join(__dirname, "solc"), "--offline"] : [];
  const run = spawnSync(forgePath(), [args[0], ...extra, ...args.slice(1)], { cwd: root, ...options });
  if (run.error) throw run.error;
  return run.status === null ? 1 : run.status;
}

module.exports = { forge, forgePath, root };

if (require.main === module) process.exitCode = forge(process.argv.slice(2));
