#!/bin/sh
# as_torchrun.sh RANKS NODE_SIZE PROGRAM...: starts the program once a rank on this machine, with the variables that
# torchrun sets and nodes by name. Rank 0 comes last. Fails when a rank does.
set -eu
ranks=$1 node_size=$2
shift 2
port=$((20000 + $$ % 10000))  # below the range from which the kernel takes ports for connections
pids=""
rank=$ranks
while [ "$rank" -gt 0 ]; do
  rank=$((rank - 1))
  env RANK=$rank WORLD_SIZE="$ranks" LOCAL_RANK=$((rank % node_size)) LOCAL_WORLD_SIZE="$node_size" \
    GROUP_RANK=$((rank / node_size)) MASTER_ADDR=127.0.0.1 MASTER_PORT=$port TORCHELASTIC_RUN_ID=$$ \
    TORCHELASTIC_USE_AGENT_STORE=True MICS_NODE_ID=$((rank / node_size)) "$@" &
  pids="$pids $!"
done
failed=0
for pid in $pids; do
  wait "$pid" || failed=$?
done
exit $failed
