# shellcheck shell=bash
# Process 1 of a full node: makes it look like a machine of its own, then adopts orphans until it is killed, the node with it.
set -eu
node=$1 records=$2

read -r pid _ </proc/self/stat # still the host's /proc: the number by which the host knows this process
mount -t proc proc /proc
mount -t tmpfs tmpfs /dev/shm
cat /proc/sys/kernel/random/uuid >"$records/node$node.boot_id"
mount --bind "$records/node$node.boot_id" /proc/sys/kernel/random/boot_id
mount --bind "$records/hosts" /etc/hosts
hostname "node$node"
# A window that shrinks in the pause between two operations would be measured with the next one.
echo 0 >/proc/sys/net/ipv4/tcp_slow_start_after_idle
echo "$pid" >"$records/node$node.pid"
: >"$records/node$node.ready"

exec >/dev/null 2>&1
while :; do
  sleep 3600 &
  wait
done
