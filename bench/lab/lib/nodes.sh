# shellcheck shell=bash
# What a node is besides its network, and how a command gets into it.

# A full node lives as long as its process 1, which mounts what is private to it (node_init.sh).
start_node() { # node
  local log=$records/node$1.log i
  LD_LIBRARY_PATH=$tool_libraries setsid "$ip_program" netns exec "$(namespace_of "$1")" \
    env LD_LIBRARY_PATH="$caller_libraries" unshare --uts --ipc --mount --pid --fork --propagation slave \
    bash "$lab_home/lib/node_init.sh" "$1" "$records" </dev/null >"$log" 2>&1 &
  disown
  for ((i = 0; i < 500; i++)); do
    [[ ! -e $records/node$1.ready ]] || return 0
    sleep 0.02
  done
  die "node $1 did not start within 10 s: $(tail -n 3 "$log")"
}

# The cores of a node that has its own: its share of those that this process may use, at least one.
cores_of() { # node
  local list range core all=() share
  list=$(taskset --cpu-list --pid $$)
  list=${list##*: }
  for range in ${list//,/ }; do # such as 0-3
    for ((core = ${range%-*}; core <= ${range#*-}; core++)); do all+=("$core"); done
  done
  share=$((${#all[@]} / lab_nodes))
  if ((share == 0)); then
    echo "${all[$1 % ${#all[@]}]}"
  else
    (IFS=,; echo "${all[*]:$1 * share:share}")
  fi
}

# Replaces this process by a command in a node, in a session and so a process group of its own; the working directory and
# the environment stay.
exec_on_node() { # node command...
  local node=$1 here=$PWD
  shift
  # An ignored SIGINT is what bash gives its background processes, and they could not change it.
  set -- env --default-signal=INT,QUIT -- "$@"
  [[ $lab_cores == shared ]] || set -- taskset --cpu-list "$(cores_of "$node")" "$@"
  if [[ $lab_isolate == full ]]; then
    # shellcheck disable=SC2016 # expands over there
    exec setsid nsenter --target "$(<"$records/node$node.pid")" --net --uts --ipc --mount --pid -- \
      sh -c 'cd "$0" && exec "$@"' "$here" "$@"
  fi
  local restore=(env LD_LIBRARY_PATH="$caller_libraries")
  [[ -n ${LD_LIBRARY_PATH+set} ]] || restore=(env -u LD_LIBRARY_PATH)
  LD_LIBRARY_PATH=$tool_libraries exec setsid "$ip_program" netns exec "$(namespace_of "$node")" "${restore[@]}" "$@"
}

processes_of() { # namespace
  ip netns pids "$1" 2>/dev/null || true
}

# Kills what runs inside a namespace, and nothing else: a name that leads to this process's own network is left alone.
kill_inside() { # namespace
  local processes i
  [[ $(stat -Lc %i "$namespaces_home/$1" 2>/dev/null) != "$(stat -Lc %i /proc/self/ns/net)" ]] || return 0
  for ((i = 0; i < 250; i++)); do
    processes=$(processes_of "$1")
    [[ -n $processes ]] || return 0
    # shellcheck disable=SC2086 # a list of numbers
    kill -KILL $processes 2>/dev/null || true
    sleep 0.02
  done
  say "in $1 these processes do not end: ${processes//$'\n'/ }"
}
