// The analysers that come from PyPI, at the versions of requirements.txt, in a virtual environment under .tools.
"use strict";
const { spawnSync } = require("node:child_process");
const fs = require("node:fs");
const path = require("node:path");
const { forgePath, root } = require("./forge.js");

const FOLDER = path.join(root, "..", ".tools", "python");
const REQUIREMENTS = path.join(__dirname, "requirements.txt");
const STAMP = path.join(FOLDER, "installed.txt");

/** Installs what requirements.txt pins, unless it is what was installed last. */
function install() {
  const wanted = fs.readFileSync(REQUIREMENTS, "utf8");
  if (fs.existsSync(STAMP) && fs.readFileSync(STAMP, "utf8") === wanted) return;
  fs.rmSync(FOLDER, { recursive: true, force: true });
  console.error("installing slither and halmos into .tools/python");
  must("python3", ["-m", "venv", FOLDER]);
  must(path.join(FOLDER, "bin", "pip"), ["install", "--quiet", "--disable-pip-version-check", "-r", REQUIREMENTS]);
  fs.writeFileSync(STAMP, wanted);
}

function must(program, options) {
  const run = spawnSync(program, options, { stdio: ["ignore", "inherit", "inherit"] });
  if (run.error) throw new Error(`${program}: ${run.error.message}; python 3.11 or later with venv and pip is needed`);
  if (run.status !== 0) throw new Error(`${program} ${options.join(" ")} exited with ${run.status}`);
}

/** Runs one of the analysers in the contracts folder, with the pinned forge and solc where it looks for them. */
function analyse(name, options, settings = {}) {
  install();
  const bin = path.join(FOLDER, "bin");
  const env = {
    ...process.env,
    PATH: [path.dirname(forgePath()), bin, process.env.PATH].join(path.delimiter),
    FOUNDRY_SOLC: path.join(__dirname, "solc"),
    FOUNDRY_OFFLINE: "true",
    ...settings.env,
  };
  const run = spawnSync(path.join(bin, name), options, { cwd: root, maxBuffer: 1 << 28, ...settings, env });
  if (run.error) throw run.error;
  return run;
}

module.exports = { analyse };
