#!/usr/bin/env bash
# What bench/peers/peers promises, at sizes of no interest: peers_test.sh PYTHON PATH_OF_PEERS FOLDER_OF_PROGRAMS
set -uo pipefail
python=$1 peers=$2 programs=$3
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
fail() { echo "FAILED: $*"; cat "$scratch/out"; exit 1; }

compare() { # shape
  "$python" "$peers" --programs "$programs" --only mics-private --shapes "$1" --sizes 1K:4K:4 --budget 0.1 --patience 60 \
    --single 1K:1K:2 --json "$scratch/rows.json" >"$scratch/out" 2>&1 || fail "the comparison at $1"
  grep -q "all_reduce *$1 .* single *mics-private" "$scratch/out" || fail "no single calls at $1"
  grep -q '; 0 wrong elements' "$scratch/out" || fail "nothing was verified at $1"
  "$python" "$peers" --goals "$scratch/rows.json" >"$scratch/out" 2>&1 || fail "the goals of the rows of $1"
}

compare 1x2
if [[ $EUID -eq 0 ]] && "$(dirname "$peers")/../lab/lab" up --name "probe$$" --nodes 1 >"$scratch/out" 2>&1; then
  "$(dirname "$peers")/../lab/lab" down --name "probe$$" >/dev/null 2>&1
  compare 2x1
else
  echo "without a lab: $(tail -n 1 "$scratch/out")"
fi

"$python" "$peers" --programs "$scratch" --only mics-private --shapes 1x2 >"$scratch/out" 2>&1 &&
  fail "a comparison without programs should fail"
grep -q 'mics-private is left out: .* was not built' "$scratch/out" || fail "what is missing is not named"
