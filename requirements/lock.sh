#!/bin/sh
# Pins the newest version of every dependency for every supported Python, with hashes and without addresses.
# Needs uv; the pins of the tests and benchmarks agree with those of the program.
set -eu
cd "$(dirname "$0")/.."
pin() {
    uv pip compile pyproject.toml requirements/build.in --quiet --universal --python-version 3.11 --upgrade \
        --generate-hashes --no-header --no-annotate --no-emit-index-url --output-file "requirements/$1.txt" \
        $2
}
pin runtime ""
pin test "--extra test --constraint requirements/runtime.txt"
pin benchmark "--extra benchmark --constraint requirements/runtime.txt"
