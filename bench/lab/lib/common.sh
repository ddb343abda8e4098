# shellcheck shell=bash
# Words to the user, checks, where a lab keeps its records, and the programs `ip` and `tc`.

words=2 # the file descriptor that messages go to
say() { printf 'lab: %s\n' "$*" >&"$words"; }
die() { say "$*"; exit 1; }
misuse() { say "$*"; say "lab help says more"; exit 2; }

check_count() { # option value most
  [[ $2 =~ ^[1-9][0-9]{0,6}$ && $2 -le $3 ]] || misuse "$1 is '$2'. Allowed: 1 to $3"
}

labs_home=/run/mics-lab
namespaces_home=/run/netns # where `ip netns` keeps names

# Records: nodes, rate, mtu, isolate (one word each); namespaces (made or about to be, one a line); bytes (counters at the last
# reset); hosts (the full nodes' /etc/hosts); node<i>.pid (a full node's process 1); mps/; run.*/ (pipes of a run).
use_lab() { # name
  lab_name=$1
  records=$labs_home/$1
  switch=mics-$1-switch
  lab_nodes="" lab_isolate="" lab_mtu="" lab_cores=""
}

namespace_of() { echo "mics-$lab_name-node$1"; }
address_of() { echo "10.88.0.$(($1 + 1))"; }
option_name() { [[ $lab_name == lab ]] || echo " --name $lab_name"; }

require_root() {
  [[ $EUID -eq 0 ]] || die "network namespaces need root, and you are user $EUID: use sudo, or a container with CAP_SYS_ADMIN and CAP_NET_ADMIN"
}

require_programs() { # program...
  local program missing=""
  for program in "$@"; do
    command -v "$program" >/dev/null || missing+=" $program"
  done
  [[ -z $missing ]] || die "these programs are needed and not found:$missing"
}

require_tools() {
  require_root
  ((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] >= 501)) || die "bash 5.1 or newer is needed, not $BASH_VERSION"
  [[ -z ${MICS_LAB_TOOLS:-} || -d $MICS_LAB_TOOLS ]] || die "MICS_LAB_TOOLS is '$MICS_LAB_TOOLS', which is no folder"
  local path=${MICS_LAB_TOOLS:+$MICS_LAB_TOOLS:}$PATH
  { ip_program=$(PATH=$path type -P ip) && tc_program=$(PATH=$path type -P tc); } ||
    die "ip and tc are not found: install iproute2, or name a folder that holds them in MICS_LAB_TOOLS"
}

require_up() {
  require_tools
  [[ -r $records/isolate ]] || die "lab '$lab_name' is not up: lab up$(option_name) --nodes N makes it"
  lab_nodes=$(<"$records/nodes") lab_isolate=$(<"$records/isolate") lab_cores=$(<"$records/cores")
}

# Carried tools bring carried libraries, which nothing but them may load.
caller_libraries=${LD_LIBRARY_PATH-}
tool_libraries=${MICS_LAB_TOOLS:+$MICS_LAB_TOOLS/lib:}$caller_libraries
ip() { LD_LIBRARY_PATH=$tool_libraries "$ip_program" "$@"; }
tc() { LD_LIBRARY_PATH=$tool_libraries "$tc_program" "$@"; }
