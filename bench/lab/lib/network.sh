# shellcheck shell=bash
# The network of a lab: a namespace a node, one more that holds the bridge, and what the links between them do.
#   node i: eth0 (10.88.0.(i+1)) ==veth== port<i> in the switch's namespace -- bridge

add_namespace() { # namespace
  # A name that is there belongs to somebody else: it must not get into the records, from which `down` deletes.
  [[ ! -e $namespaces_home/$1 ]] || die "a network namespace $1 is there already; if it is a relic, remove it: ip netns del $1"
  [[ -e $namespaces_home ]] || : >"$labs_home/.made_namespaces_home"
  echo "$1" >>"$records/namespaces"
  ip netns add "$1"
  ip -n "$1" link set lo up
  # No IPv6 on the links that come: its announcements would be in the byte counts. Where /proc/sys cannot be written some stay.
  ip netns exec "$1" sh -c 'echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6' 2>/dev/null || true
}

quiet_up() { # namespace device
  ip -n "$1" link set "$2" addrgenmode none mtu "$lab_mtu"
  ip -n "$1" link set "$2" up
}

add_switch() {
  add_namespace "$switch"
  ip -n "$switch" link add bridge type bridge mcast_snooping 0 # snooping joins groups, which is traffic
  quiet_up "$switch" bridge
}

add_link() { # node
  local namespace network=10.88.0.0/24
  namespace=$(namespace_of "$1")
  add_namespace "$namespace"
  ip link add eth0 netns "$namespace" mtu "$lab_mtu" type veth peer name "port$1" netns "$switch" mtu "$lab_mtu"
  ip -n "$switch" link set "port$1" master bridge
  quiet_up "$switch" "port$1"
  quiet_up "$namespace" eth0
  ip -n "$namespace" address add "$(address_of "$1")/24" dev eth0 noprefixroute
  # All figures were measured with cubic. Named on the route it needs no change of the host's own settings.
  ip -n "$namespace" route add "$network" dev eth0 src "$(address_of "$1")" congctl cubic 2>/dev/null || {
    say "the kernel has no congestion control 'cubic': node $1 uses the default"
    ip -n "$namespace" route add "$network" dev eth0 src "$(address_of "$1")"
  }
}

rate_in_kbit() { # rate
  [[ $1 =~ ^([1-9][0-9]{0,5})([kmg])bit$ ]] || misuse "the rate is '$1'. Allowed: none, or a number and kbit, mbit or gbit, such as 10gbit"
  case ${BASH_REMATCH[2]} in
    k) echo "${BASH_REMATCH[1]}" ;;
    m) echo "${BASH_REMATCH[1]}000" ;;
    g) echo "${BASH_REMATCH[1]}000000" ;;
  esac
}

# The burst passes unshaped, so it should be small; but one offloaded packet (64 KiB and headers) must fit, or it is cut in
# pieces, and at high rates it must bridge the time by which a loaded machine wakes up late. 80 KiB serves 1gbit and below,
# 512 KiB was measured exact at 10gbit (0.42 ms), and other rates get the same time.
# The queue holds 20 ms, and 4 MiB at least: with less, TCP loses packets where many ranks send to one node.
shape() { # namespace device rate
  if [[ $3 == none ]]; then
    tc -n "$1" qdisc del dev "$2" root 2>/dev/null || true # there is nothing to delete on an unshaped link
    return
  fi
  local kbit burst queue
  kbit=$(rate_in_kbit "$3")
  burst=$((kbit * 524288 / 10000000))
  ((burst >= 81920)) || burst=81920
  queue=$((kbit * 5 / 2 + burst))
  ((queue >= 4194304)) || queue=4194304
  tc -n "$1" qdisc replace dev "$2" root tbf rate "${kbit}kbit" burst "$burst" limit "$queue"
}

# Both ways: out of a node at its eth0, into it at its port of the switch.
shape_all() { # rate
  local node
  for ((node = 0; node < lab_nodes; node++)); do
    shape "$(namespace_of "$node")" eth0 "$1"
    shape "$switch" "port$node" "$1"
  done
  echo "$1" >"$records/rate"
}

read_counters() { # prints "in out", a line a node
  local node
  for ((node = 0; node < lab_nodes; node++)); do
    ip netns exec "$(namespace_of "$node")" cat /proc/net/dev | sed -n 's/^ *eth0: *//p' | awk '{print $1, $9}'
  done
}

reset_bytes() { read_counters >"$records/bytes"; }

show_bytes() {
  read_counters | paste -d ' ' - "$records/bytes" | awk '{printf "node%d in %.0f out %.0f\n", NR - 1, $1 - $3, $2 - $4}'
}
