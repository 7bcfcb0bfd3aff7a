#!/bin/sh
# Stands before rustc for the crates of this workspace when `cargo xtask fuzz` builds: adds the
# coverage that libFuzzer is guided by. Other crates are taken as every build takes them.
exec "$@" -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares
