#!/usr/bin/env bash
# What mpirun takes for ssh: agent.sh [OPTIONS] nodeI COMMAND... runs the command on node I of the lab MICS_PEER_LAB.
set -euo pipefail
while [[ $1 == -* ]]; do shift; done
node=${1##*node}
shift
exec "$(dirname "${BASH_SOURCE[0]}")/../lab/lab" exec --name "$MICS_PEER_LAB" --node "$node" -- bash -c "$*"
