# shellcheck shell=bash
# A lab as a whole: up, status, down.

cluster_up() { # nodes rate isolate mtu cores
  require_tools
  [[ $3 == net ]] || require_programs unshare nsenter
  [[ $5 == shared ]] || require_programs taskset
  mkdir -p "$labs_home"
  mkdir "$records" 2>/dev/null ||
    die "lab '$lab_name' is up already: lab down$(option_name) removes it, or --name makes another beside it"
  # Whatever ends the program from here on, an unfinished lab is removed.
  trap 'say "the lab could not be made; what there was of it is removed"; remove_lab' EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  lab_nodes=$1 lab_isolate=$3 lab_mtu=$4 lab_cores=$5
  local node
  : >"$records/namespaces"
  {
    echo "127.0.0.1 localhost"
    for ((node = 0; node < lab_nodes; node++)); do echo "$(address_of "$node") node$node"; done
  } >"$records/hosts"
  add_switch
  for ((node = 0; node < lab_nodes; node++)); do
    add_link "$node"
    [[ $lab_isolate == net ]] || start_node "$node"
  done
  shape_all "$2"
  reset_bytes
  echo "$lab_nodes" >"$records/nodes"
  echo "$lab_mtu" >"$records/mtu"
  echo "$lab_cores" >"$records/cores"
  echo "$lab_isolate" >"$records/isolate" # the last record: with it the lab is up
  trap - EXIT
  say "lab '$lab_name' is up: $lab_nodes nodes, rate $2, mtu $lab_mtu, isolation $lab_isolate, cores $lab_cores"
}

cluster_status() {
  require_up
  local node namespace count mps
  mps=$(mps_process)
  echo "lab '$lab_name': $lab_nodes nodes, rate $(<"$records/rate"), mtu $(<"$records/mtu"), isolation $lab_isolate, cores $lab_cores, MPS ${mps:-off}"
  for ((node = 0; node < lab_nodes; node++)); do
    namespace=$(namespace_of "$node")
    count=$(processes_of "$namespace" | wc -l)
    [[ $lab_isolate == net ]] || count=$((count - 3)) # a full node's own: unshare, process 1 and its sleep
    echo "node$node $(address_of "$node") namespace $namespace, processes $count"
  done
}

cluster_down() {
  require_tools
  [[ -d $records ]] || die "lab '$lab_name' is not up: there is nothing to remove"
  remove_lab
  say "lab '$lab_name' is removed"
}

# Goes on after every error: what can be removed is. The records go last and only when all is gone, so `down` can be repeated.
remove_lab() {
  set +e
  trap '' INT TERM HUP
  local namespace left=""
  while read -r namespace; do kill_inside "$namespace"; done < <(cat "$records/namespaces" 2>/dev/null)
  quit_mps # after its clients
  while read -r namespace; do
    [[ ! -e $namespaces_home/$namespace ]] || ip netns del "$namespace" || left+=" $namespace"
  done < <(cat "$records/namespaces" 2>/dev/null)
  [[ -z $left ]] || die "these namespaces could not be deleted:$left"
  rm -rf "$records"
  remove_namespaces_home
  rmdir "$labs_home" 2>/dev/null
  set -e
}

# `ip netns add` mounts its folder of names once and never takes it away: the last lab does, if a lab came first.
remove_namespaces_home() {
  [[ -e $labs_home/.made_namespaces_home && -z $(ls -A "$namespaces_home" 2>/dev/null) ]] || return 0
  while umount "$namespaces_home" 2>/dev/null; do :; done
  rmdir "$namespaces_home" 2>/dev/null
  rm -f "$labs_home/.made_namespaces_home"
}
