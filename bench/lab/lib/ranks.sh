# shellcheck shell=bash
# One command on every rank. Each rank leads a process group of its own, by which it is ended with all that it started.

declare -A rank_of=() # process number -> rank, of the ranks that still run
declare -A groups=()  # process groups in which something may run; none that is empty, its number could be another's by now
filters=()            # process numbers of what prefixes the ranks' output
pipes="" watchdog=""
grace=2 # seconds between asking ranks to end and killing them

run_ranks() { # nodes node_size command...
  local nodes=$1 node_size=$2 world=$(($1 * $2)) port secret rank
  shift 2
  ((nodes <= lab_nodes)) || die "--nodes is $nodes, but lab '$lab_name' has $lab_nodes nodes"
  [[ $gpus == no ]] || prepare_gpus "$nodes" "$node_size"
  port=$(free_port)
  secret=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
  pipes=$records/run.$$
  trap end_run EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  mkdir "$pipes"
  for ((rank = 0; rank < world; rank++)); do start_rank "$@"; done
  supervise
}

# Where the machine has enough GPUs, each node has its own, and nobody shares one; else the nodes share the first ones.
prepare_gpus() { # nodes node_size
  [[ $lab_isolate == net ]] ||
    die "--gpus needs a lab with --isolate net: MPS and NVLink do not reach over the other namespaces, and this lab has '$lab_isolate'"
  local count
  require_programs nvidia-smi
  count=$(nvidia-smi --list-gpus | wc -l) || die "nvidia-smi finds no GPU"
  (($2 <= count)) || die "--node-size is $2, but a rank's device is its local rank and the machine has $count GPUs"
  if (($1 * $2 <= count)) && [[ -z ${CUDA_VISIBLE_DEVICES-} ]]; then
    gpus=apart
  else
    start_mps
  fi
}

free_port() { # below the range from which the kernel takes ports for connections
  local used port
  used=$(ip netns exec "$(namespace_of 0)" cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | awk '{print $2}' || true)
  while port=$((20000 + RANDOM % 10000)) && [[ $used == *:$(printf %04X "$port")* ]]; do :; done
  echo "$port"
}

start_rank() { # command...; rank and what rank_process reads are the caller's
  if [[ $rank -eq 0 && $all_output == no ]]; then
    rank_process "$@" </dev/null &
  else
    mkfifo "$pipes/$rank.out" "$pipes/$rank.error"
    sed -u "s/^/[$rank] /" <"$pipes/$rank.out" &
    filters+=("$!")
    sed -u "s/^/[$rank] /" <"$pipes/$rank.error" >&2 &
    filters+=("$!")
    rank_process "$@" </dev/null >"$pipes/$rank.out" 2>"$pipes/$rank.error" &
  fi
  rank_of[$!]=$rank
  groups[$!]=yes
}

# shellcheck disable=SC2154 # world, node_size, port, secret, rank: run_ranks
rank_process() { # command...
  trap - EXIT INT TERM HUP
  local node=$((rank / node_size))
  export RANK=$rank WORLD_SIZE=$world LOCAL_RANK=$((rank % node_size)) LOCAL_WORLD_SIZE=$node_size GROUP_RANK=$node
  export MASTER_PORT=$port MICS_NODE_ID=$node MICS_JOB_SECRET=$secret
  MASTER_ADDR=$(address_of 0)
  export MASTER_ADDR
  if [[ $gpus != no ]]; then
    # NCCL refuses two ranks on one GPU only where they report the same host.
    export NCCL_HOSTID=$node NCCL_SOCKET_IFNAME=eth0 NCCL_NVLS_ENABLE=${NCCL_NVLS_ENABLE-0}
  fi
  case $gpus in
    yes) export CUDA_MPS_PIPE_DIRECTORY=$records/mps/pipe CUDA_MPS_LOG_DIRECTORY=$records/mps/log ;;
    apart) CUDA_VISIBLE_DEVICES=$(seq -s , $((node * node_size)) $((node * node_size + node_size - 1))) && export CUDA_VISIBLE_DEVICES ;;
  esac
  exec_on_node "$node" "$@"
}

# Waits for the ranks and leaves with the code of the run; end_run, the trap on EXIT, ends what is left.
supervise() {
  local finished code rank
  if ((time_limit > 0)); then
    sleep "$time_limit" &
    watchdog=$!
  fi
  exec {words}>&2 2>/dev/null # hides what bash itself says about killed processes
  while ((${#rank_of[@]} > 0)); do
    next_end
    [[ -n ${finished:-} ]] || continue
    if [[ $finished == "$watchdog" ]]; then
      say "the time limit of $time_limit s is over and these ranks still run:" \
        "$(printf '%s\n' "${rank_of[@]}" | sort -n | paste -sd ' '). All are ended"
      exit 124
    fi
    rank=${rank_of[$finished]}
    unset "rank_of[$finished]"
    kill -0 -- "-$finished" || unset "groups[$finished]"
    ((code != 0)) || continue
    local how="ended with code $code"
    ((code <= 128)) || how="was killed by signal $((code - 128))"
    say "rank $rank on node $((rank / node_size)) $how. All others are ended"
    exit "$code"
  done
  exit 0
}

# Sets finished and code to the process that ended first. A process that ended before it is waited for may be forgotten by
# `wait -n`, but not by a `wait` for it alone.
next_end() {
  local pid
  finished="" code=0
  for pid in "${!rank_of[@]}"; do
    kill -0 "$pid" || { finished=$pid; break; }
  done
  if [[ -n $finished ]]; then
    wait "$finished" || code=$?
  else
    wait -n -p finished "${!rank_of[@]}" ${watchdog:+"$watchdog"} || code=$?
  fi
}

# An ended process stays in its group until its parent waits for it, and an orphan's new parent may take its time: so look
# at states. A rank that was started just now does not lead its group yet: so look at its own number too.
any_group_lives() {
  [[ ${#groups[@]} -gt 0 ]] || return 1
  { cat /proc/[0-9]*/stat 2>/dev/null || true; } | sed 's/(.*)//' | awk -v groups="${!groups[*]}" '
    BEGIN { count = split(groups, list, " "); for (i = 1; i <= count; i++) wanted[list[i]] }
    $2 != "Z" && ($4 in wanted || $1 in wanted) { found = 1 }
    END { exit !found }'
}

any_filter_lives() {
  local filter
  for filter in "${filters[@]}"; do ! kill -0 "$filter" 2>/dev/null || return 0; done
  return 1
}

# Waits while a condition holds, for some seconds at most.
while_for() { # seconds condition
  local i
  for ((i = 0; i < $1 * 20; i++)); do
    "$2" || return 0
    sleep 0.05
  done
}

end_run() {
  local code=$? signal group
  set +e
  trap '' INT TERM HUP
  for signal in TERM KILL; do
    any_group_lives || break
    for group in "${!groups[@]}"; do kill "-$signal" -- "-$group" 2>/dev/null || kill "-$signal" "$group" 2>/dev/null; done
    while_for "$grace" any_group_lives
  done
  kill ${watchdog:+"$watchdog"} 2>/dev/null
  while_for 1 any_filter_lives # they end with their ranks, unless one left a process behind that holds the pipe
  kill "${filters[@]}" 2>/dev/null
  rm -rf "$pipes"
  # Clients that were killed can leave MPS in a bad state: the next run gets a new one.
  [[ $gpus == no || $code == 0 ]] || quit_mps
  exit "$code"
}
