#!/usr/bin/env bash
# A node's cable is pulled in the midst of each operation: every rank throws, on both sides, within the deadline, and is
# told rank, group, operation and number.
#   unplugged_test.sh PATH_OF_LAB PATH_OF_PROGRAM     exit code 0, 1 when a rank is not told, 77 where no lab can be made
set -uo pipefail
lab=$1 program=$2
name=cut$$
scratch=$(mktemp -d)
failures=0

skip() { echo "skipped: $*"; rm -rf "$scratch"; exit 77; }
[[ $EUID -eq 0 ]] || skip "network namespaces need root"
for tool in ip tc unshare nsenter; do
  command -v "$tool" >/dev/null || skip "$tool is not installed (ip and tc: iproute2; unshare and nsenter: util-linux)"
done
"$lab" up --nodes 2 --rate 1gbit --name "$name" >"$scratch/up" 2>&1 || skip "no lab can be made here: $(tail -n 1 "$scratch/up")"

end_test() {
  "$lab" down --name "$name" >/dev/null 2>&1
  rm -rf "$scratch"
}
trap end_test EXIT
trap 'exit 1' INT TERM

cable() { ip -n "mics-$name-switch" link set port1 "$1"; } # up or down

for operation in all_gather reduce_scatter all_reduce broadcast barrier batch gradient_sync; do
  started=$scratch/$operation.started
  "$lab" run --name "$name" --node-size 2 --timeout 60 --all-output -- "$program" "$operation" "$started" \
    >"$scratch/out" 2>"$scratch/error" &
  run=$!
  for _ in {1..400}; do
    [[ -e $started ]] && break
    sleep 0.05
  done
  [[ -e $started ]] || echo "no rank came so far"
  cable down
  wait "$run"
  code=$?
  cable up
  told=$(grep -c "rank [0-3] was told" "$scratch/out")
  if [[ $code -eq 0 && $told -eq 4 ]]; then
    echo "ok: $operation"
  else
    echo "FAILED: $operation, exit code $code, $told of 4 ranks were told"
    failures=$((failures + 1))
  fi
  sed 's/^/    /' "$scratch/out" "$scratch/error"
done
[[ $failures -eq 0 ]]
