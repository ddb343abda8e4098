#!/usr/bin/env bash
# What bench/lab/lab promises, on a real lab of 2 nodes x 2 ranks at 100mbit:
#   lab_test.sh PATH_OF_LAB          exit code 0, 1 when a promise is broken, 77 where no lab can be made
# shellcheck disable=SC2016 # what is in single quotes expands in `eval`, or in a rank
set -uo pipefail
lab=$1
name=test$$
scratch=$(mktemp -d)
failures=0

skip() { echo "skipped: $*"; rm -rf "$scratch"; exit 77; }
[[ $EUID -eq 0 ]] || skip "network namespaces need root"
for program in ip tc unshare nsenter perl; do
  command -v "$program" >/dev/null || skip "$program is not installed (ip and tc: iproute2; unshare and nsenter: util-linux)"
done
unshare --net --uts --ipc --mount --pid --fork sh -c 'mount -t tmpfs tmpfs /dev/shm && ip link add veth0 type veth peer name veth1 &&
  ip link add br0 type bridge && tc qdisc add dev veth0 root tbf rate 1mbit burst 80kb limit 1mb' 2>"$scratch/why" ||
  skip "this machine makes no namespaces, veth, bridge or tbf: $(tail -n 1 "$scratch/why")"

end_test() {
  "$lab" down --name "$name" >/dev/null 2>&1
  "$lab" down --name "${name}b" >/dev/null 2>&1
  "$lab" down --name "${name}c" >/dev/null 2>&1
  rm -rf "$scratch"
}
trap end_test EXIT
trap 'exit 1' INT TERM

check() { # what command...
  local what=$1
  shift
  if "$@"; then echo "ok: $what"; else
    echo "FAILED: $what"
    failures=$((failures + 1))
    sed 's/^/    /' "$scratch/out" "$scratch/error" 2>/dev/null
  fi
}
lab() { "$lab" "$@" --name "$name" >"$scratch/out" 2>"$scratch/error"; }
run() { "$lab" run --name "$name" "$@" >"$scratch/out" 2>"$scratch/error"; }
gives() { # code command...
  local expected=$1 code=0
  shift
  "$@" || code=$?
  [[ $code -eq $expected ]] || { echo "exit code $code, not $expected"; return 1; }
}
says() { grep -Eq -- "$1" "$scratch/out" "$scratch/error"; }
runs() { grep -qs '^State:[[:space:]]*[A-Y]' "/proc/$1/status"; } # a zombie (Z) waits for its parent only
no_rank_runs() { lab status && [[ $(grep -c 'processes 0$' "$scratch/out") -eq 2 ]]; }

# --- making it
check "down without up is refused" gives 1 lab down
check "... in words" says "is not up"
check "a lab comes up" gives 0 lab up --nodes 2 --rate 100mbit
check "up twice is refused" gives 1 lab up --nodes 2
check "... in words" says "is up already"
check "status names both nodes and the rate" eval 'lab status && says "2 nodes, rate 100mbit, mtu 9000, isolation full" && says "node1 10.88.0.2"'
check "an unknown rate is refused" gives 2 lab rate 3furlongs
check "more nodes than there are are refused" gives 1 run --nodes 3 -- true

# --- the environment of a rank
cat >"$scratch/environment.sh" <<'END'
echo "$RANK $WORLD_SIZE $LOCAL_RANK $LOCAL_WORLD_SIZE $GROUP_RANK $MICS_NODE_ID $MASTER_ADDR $(hostname) $PWD" >"$1/rank$RANK"
echo "$MASTER_PORT $MICS_JOB_SECRET ${NCCL_HOSTID-none}" >"$1/common$RANK"
cat /proc/sys/kernel/random/boot_id >"$1/boot$RANK"
touch "/dev/shm/only-on-$RANK"
sleep 0.3
ls /dev/shm >"$1/shm$RANK"
END
cd "$scratch" || exit 1
check "all ranks run" gives 0 run --node-size 2 -- bash "$scratch/environment.sh" "$scratch"
for rank in 0 1 2 3; do
  node=$((rank / 2))
  check "environment of rank $rank" test "$(cat "rank$rank")" = "$rank 4 $((rank % 2)) 2 $node $node 10.88.0.1 node$node $scratch"
  check "port, secret and no NCCL setting on rank $rank" eval 'grep -Eq "^[0-9]{5} [0-9a-f]{32} none$" common$rank && cmp common0 common$rank'
  check "boot id of rank $rank is its node's" eval 'cmp -s boot$rank boot$((node * 2)) && ! cmp -s boot$rank /proc/sys/kernel/random/boot_id'
done
check "nodes differ in their boot id" eval '! cmp -s boot0 boot2'
check "/dev/shm is private to a node" eval '! grep -q "only-on-[23]" shm0 && ! grep -q "only-on-[01]" shm2 && ! ls /dev/shm/only-on-* 2>/dev/null'

# --- output
run --node-size 2 -- sh -c 'echo out $RANK; echo error $RANK >&2'
check "rank 0's output is plain" eval 'grep -qx "out 0" out && grep -qx "error 0" error'
check "the others' is prefixed" eval 'grep -qx "\[3\] out 3" out && grep -qx "\[1\] error 1" error && [[ $(wc -l <out) -eq 4 ]]'
run --all-output -- sh -c 'echo out $RANK'
check "--all-output prefixes rank 0 too" grep -qx "\[0\] out 0" out

# --- what crosses the network
cat >"$scratch/send.pl" <<'END'
# Rank 1 sends some MiB to rank 0, which answers when it has them all.
use strict; use warnings; use IO::Socket::INET;
my $bytes = $ARGV[0] * 1048576;
if ($ENV{RANK} == 0) {
  my $listener = IO::Socket::INET->new(LocalAddr => $ENV{MASTER_ADDR}, LocalPort => $ENV{MASTER_PORT}, Listen => 1, ReuseAddr => 1) or die "listen: $!";
  my $peer = $listener->accept or die "accept: $!";
  my $got = 0;
  while ($got < $bytes) { my $n = sysread($peer, my $part, 1048576) or die "the sender is gone"; $got += $n; }
  syswrite($peer, "k");
} else {
  my $peer;
  for (1 .. 200) {
    $peer = IO::Socket::INET->new(PeerAddr => $ENV{MASTER_ADDR}, PeerPort => $ENV{MASTER_PORT}) and last;
    select(undef, undef, undef, 0.05);
  }
  die "connect: $!" unless $peer;
  my $part = "x" x 1048576;
  for (1 .. $ARGV[0]) {
    my $sent = 0;
    while ($sent < 1048576) { $sent += syswrite($peer, $part, 1048576 - $sent, $sent) or die "send: $!"; }
  }
  sysread($peer, my $answer, 1) == 1 or die "no answer";
}
END
bytes_of() { sed -n "s/^node$1 in \([0-9]*\) out \([0-9]*\)$/\\$2/p" "$scratch/out"; } # node column
microseconds() { echo $((${EPOCHREALTIME/[.,]/})); }

lab bytes --reset
before=$(microseconds)
check "16 MiB cross the network" gives 0 run --timeout 60 -- perl "$scratch/send.pl" 16
elapsed=$(($(microseconds) - before))
lab bytes
sent=$(bytes_of 1 2) received=$(bytes_of 0 1) back=$(bytes_of 0 2)
echo "node 1 sent $sent bytes, node 0 received $received and sent $back, in $elapsed us"
payload=$((16 * 1048576))
check "the bytes out of node 1 are the payload and headers" test "$sent" -ge $payload -a "$sent" -le $((payload * 11 / 10))
check "the bytes into node 0 are the same" test "$received" -ge $payload -a "$received" -le $((sent + 1000))
check "few go back" test "$back" -lt $((payload / 10))
# No bound on a duration: a bucket lets through its rate and its size, however slow or fast the machine is.
check "no more than 100mbit went through" test $((received * 8)) -le $((elapsed * 100 + 8 * 81920 + elapsed))
lab bytes --reset
lab bytes
check "--reset counts from zero" eval '[[ $(bytes_of 0 1) -lt 1000 && $(bytes_of 1 2) -lt 1000 ]]'
lab rate 2gbit
check "rate changes the links both ways" eval 'ip netns exec "mics-$name-node1" tc qdisc show dev eth0 | grep -q "tbf.*rate 2Gbit" &&
  ip netns exec "mics-$name-switch" tc qdisc show dev port1 | grep -q "tbf.*rate 2Gbit"'
lab rate none
check "rate none unshapes them" eval '! ip netns exec "mics-$name-node1" tc qdisc show dev eth0 | grep -q tbf'

# --- how a run ends
check "the failing rank's code comes through" gives 7 run --node-size 2 -- sh -c 'test $RANK != 2 || exit 7; sleep 1000'
check "... its name too" says "rank 2 on node 1 ended with code 7"
check "... and nothing goes on" no_rank_runs
check "a signal counts as 128 and its number" gives 139 run --node-size 2 -- sh -c 'test $RANK != 3 || kill -SEGV $$; sleep 1000'
check "the first failure counts, not what follows from it" gives 9 run --node-size 2 -- \
  bash -c 'trap "exit 3" TERM; test $RANK != 3 || { sleep 0.3; exit 9; }; sleep 1000 & wait'
check "the time limit ends all" gives 124 run --node-size 2 --timeout 1 -- sleep 1000
check "... and names who still ran" says "these ranks still run: 0 1 2 3"
check "... and nothing goes on" no_rank_runs
check "a rank that ignores SIGTERM ends too" gives 124 run --timeout 1 -- sh -c 'trap "" TERM; sleep 1000; sleep 1000'
check "... and nothing goes on" no_rank_runs
interrupt() { # signal
  rm -f started
  env --default-signal=INT "$lab" run --name "$name" -- sh -c 'touch started; sleep 1000' >out 2>error &
  local process=$!
  for _ in {1..200}; do [[ -e started ]] && break; sleep 0.05; done
  kill "-$1" "$process"
  wait "$process"
}
check "Ctrl-C ends all" gives 130 interrupt INT
check "... and nothing goes on" no_rank_runs
check "SIGTERM ends all" gives 143 interrupt TERM
check "... and nothing goes on" no_rank_runs
check "GPUs need the other isolation" gives 1 run --gpus -- true
check "... in words" says "isolate net"

# --- a second lab beside it, with stand-ins for the GPUs' programs, since the test needs no GPU
mkdir "$scratch/stand-ins"
cat >"$scratch/stand-ins/nvidia-smi" <<'END'
#!/bin/sh
printf 'GPU 0: A\nGPU 1: B\n'
END
cat >"$scratch/stand-ins/nvidia-cuda-mps-control" <<'END'
#!/usr/bin/env bash
# -d: a daemon that writes its number and waits; without: reads commands, quit ends it.
pid=$CUDA_MPS_PIPE_DIRECTORY/nvidia-cuda-mps-control.pid
case ${1-} in
  -d) "$0" --daemon </dev/null >/dev/null 2>&1 & for _ in {1..100}; do [[ -s $pid ]] && exit 0; sleep 0.02; done; exit 1 ;;
  --daemon) echo $$ >"$pid"; while :; do sleep 0.1; done ;;
  *) read -r word; [[ $word == quit ]] && kill "$(cat "$pid")" ;;
esac
END
chmod +x "$scratch"/stand-ins/*
second() { PATH=$scratch/stand-ins:$PATH "$lab" "$@" --name "${name}b" >"$scratch/out" 2>"$scratch/error"; }
second_run() { PATH=$scratch/stand-ins:$PATH NCCL_NVLS_ENABLE=${nvls-0} "$lab" run --name "${name}b" "$@" >"$scratch/out" 2>"$scratch/error"; }
check "a second lab comes up beside the first" gives 0 second up --nodes 2 --rate 10gbit --isolate net
check "a node has too few GPUs for 3 ranks" gives 1 second_run --gpus --node-size 3 -- true
check "... in words" says "2 GPUs"
check "ranks on GPUs run" gives 0 second_run --gpus --node-size 2 -- \
  sh -c 'echo $NCCL_HOSTID $NCCL_SOCKET_IFNAME $NCCL_NVLS_ENABLE $CUDA_MPS_PIPE_DIRECTORY ${LD_LIBRARY_PATH-none}'
for rank in 1 2 3; do
  check "NCCL and MPS settings of rank $rank" grep -qx "\[$rank\] $((rank / 2)) eth0 0 /run/mics-lab/${name}b/mps/pipe ${LD_LIBRARY_PATH-none}" out
done
nvls=1 second_run --gpus -- sh -c 'echo $NCCL_NVLS_ENABLE'
check "the caller's NCCL_NVLS_ENABLE stays" grep -qx 1 out
second_run --gpus -- sh -c 'echo $CUDA_VISIBLE_DEVICES ${CUDA_MPS_PIPE_DIRECTORY-none}'
check "where there is a GPU for every rank, none is shared: node 0" grep -qx "0 ${CUDA_MPS_PIPE_DIRECTORY-none}" out
check "... node 1" grep -qx "\[1\] 1 ${CUDA_MPS_PIPE_DIRECTORY-none}" out
mps=$(cat "/run/mics-lab/${name}b/mps/pipe/nvidia-cuda-mps-control.pid")
check "MPS runs" runs "$mps"
second_run -- sh -c 'hostname; ls /proc/1/exe; ls -l /proc/self/ns/mnt >/dev/null; cat /proc/net/dev'
check "only the network is the node's own" eval 'grep -qx "$(hostname)" out && grep -q eth0 out'

# --- carried tools
mkdir -p "$scratch/tools/lib"
for tool in ip tc; do
  printf '#!/bin/sh\ncase $LD_LIBRARY_PATH in %s/tools/lib*) echo %s >>%s/used ;; esac\nexec %s "$@"\n' \
    "$scratch" "$tool" "$scratch" "$(command -v $tool)" >"$scratch/tools/$tool"
done
chmod +x "$scratch"/tools/ip "$scratch"/tools/tc
export MICS_LAB_TOOLS=$scratch/tools
second rate 1gbit
second_run -- sh -c 'echo "${LD_LIBRARY_PATH-none} $PATH"'
unset MICS_LAB_TOOLS
check "carried tools are used, with their libraries" eval 'grep -q ip used && grep -q tc used'
check "ranks do not see them" eval 'grep -q "^${LD_LIBRARY_PATH-none} " out && ! grep -q scratch/tools out'

# --- an up that fails
third() { "$lab" "$@" --name "${name}c" >"$scratch/out" 2>"$scratch/error"; }
ip netns add "mics-${name}c-node1"
check "an up whose second node cannot be made fails" gives 1 third up --nodes 2
check "... says why" says "mics-${name}c-node1 is there already"
left=$(ip netns list | grep "mics-${name}c" | cut -d ' ' -f 1)
check "... leaves nothing behind, and alone what it did not make" test "$left" = "mics-${name}c-node1"
ip netns del "mics-${name}c-node1"
check "... and can be repeated when nothing is in its way" eval 'third up --nodes 2 --isolate net && third down'

# --- cores of its own
check "cores are shared or own" gives 2 third up --nodes 2 --cores many
check "nodes come up with cores of their own" gives 0 third up --nodes 2 --isolate net --cores own
cores_of() { "$lab" exec --name "${name}c" --node "$1" -- sed -n 's/^Cpus_allowed_list:[[:space:]]*//p' /proc/self/status; }
cores_of_0=$(cores_of 0) cores_of_1=$(cores_of 1)
if [[ $(nproc) -gt 1 ]]; then
  check "... which are not the other's" test "$cores_of_0" != "$cores_of_1"
else
  check "... or share the only one" test "$cores_of_0" = "$cores_of_1"
fi
check "status names them so" eval 'third status && says "cores own"'
third down

# --- taking it away
check "the second lab goes" gives 0 second down
check "... with its MPS" eval '! runs "$mps"'
check "the first lab stays" gives 0 run -- true
run -- sh -c 'setsid sleep 98765 </dev/null >/dev/null 2>&1 & sleep 0.5'
check "what is left in a node shows in the status" eval 'lab status && ! says "processes 0"'
pids=$(ip netns pids "mics-$name-node0")
check "down" gives 0 lab down
ends_soon() { # a killed process may need a moment on a busy machine
  for ((i = 0; i < 100; i++)); do
    runs "$1" || return 0
    sleep 0.05
  done
  return 1
}
for pid in $pids; do check "process $pid of node 0 is gone" ends_soon "$pid"; done
check "no namespace is left" eval '! ip netns list | grep -q "mics-$name"'
check "no mount is left" eval '! grep -q "$name" /proc/mounts'
check "no record is left" eval '! ls -d /run/mics-lab/$name* 2>/dev/null'
check "no process is left" eval '! grep -lsz "mics-lab/$name" /proc/[0-9]*/cmdline'

echo "$failures failures"
[[ $failures -eq 0 ]]
