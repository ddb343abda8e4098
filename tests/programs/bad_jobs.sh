#!/bin/sh
# bad_jobs.sh MICS_PERF: starts jobs of processes that cannot work, each for one reason. Every process must end by itself
# in time with a failure, and the job must say the reason.
set -u
program=$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
base=$((20000 + $$ % 9000))
jobs=0 wrong=0

begin() { # of a job of $1 ranks, which should fail with the words $2
  world=$1 words=$2 pids=""
  jobs=$((jobs + 1))
  rm -f "$folder"/*
}

start() { # rank [VARIABLE=value]... -- [option]...
  rank=$1
  shift
  variables=""
  while [ "$1" != -- ]; do
    variables="$variables $1"
    shift
  done
  shift
  # shellcheck disable=SC2086  # a list of words
  env RANK="$rank" WORLD_SIZE="$world" LOCAL_RANK=0 LOCAL_WORLD_SIZE=1 MICS_NODE_ID="$rank" MASTER_ADDR=127.0.0.1 \
    MASTER_PORT=$((base + jobs)) $variables timeout -s KILL 60 \
    "$program" --transport libfabric --timeout 3 -b 64K -e 64K -n 1 -w 0 "$@" >>"$folder/said" 2>&1 &
  pids="$pids $!"
}

finish() {
  for pid in $pids; do
    wait "$pid"
    code=$?
    [ $code -eq 2 ] || [ $code -eq 3 ] || complain "a process ended with code $code"
  done
  grep -q -- "$words" "$folder/said" || complain "the words are missing"
}

complain() {
  wrong=$((wrong + 1))
  echo "job $jobs, which should say '$words': $1"
  cat "$folder/said"
}

begin 2 "rank 0 could not be reached at 127.0.0.1:$((base + 1)) in time: Connection refused"
start 1 --
finish

begin 2 "does not know the secret of this job"
start 0 MICS_JOB_SECRET=one --
start 1 MICS_JOB_SECRET=another --
finish

begin 3 "a second process says it is rank 1"
start 0 --
start 1 --
start 1 --
finish

begin 2 "rank 0 cannot listen on 127.0.0.1:.*Address already in use"
start 0 --
start 0 --
finish

begin 3 "rank 2 has not come to the rendezvous in time; rank 0 waited for 2 ranks, 1 came"
start 0 --
start 1 --
finish

begin 2 "rank 1 says that the world has 3 ranks, rank 0 says 2"
start 0 --
start 1 WORLD_SIZE=3 --
finish

begin 2 "rank 1 cannot join: libfabric has no provider for reliable datagrams; tried: telepathy"
start 0 --
start 1 MICS_FABRIC_PROVIDER=telepathy --
finish

begin 2 "1 nodes of 1 ranks were asked for, but 2 ranks were started"
start 0 -- --nodes 1 --node-size 1
start 1 --
finish

begin 4 "rank 0 says 4 ranks on 2 nodes of 2, partition size 4, rank 3 says 4 ranks on 4 nodes of 1"
for rank in 0 1 2; do start $rank -- --node-size 2; done
start 3 -- --node-size 1
finish

echo "$jobs jobs, $wrong complaints"
[ $wrong -eq 0 ]
