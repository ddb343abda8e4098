#!/usr/bin/env bash
# Prints what including a header costs: the time to compile `#include <HEADER>`, the median of five.
#   bench/compile_time.sh [HEADER...]        default: mics/mics.hpp; COMPILERS="g++ clang++" and FLAGS="-O2" can be set
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
[[ $# -gt 0 ]] || set -- mics/mics.hpp
TIMEFORMAT="%R s, %U s of it on the processor"

for header in "$@"; do
  for compiler in ${COMPILERS:-g++ clang++}; do
    command -v "$compiler" >/dev/null || continue
    compile=("$compiler" -std=c++20 ${FLAGS:--O2} -I "$root/include" -x c++ -c - -o /dev/null)
    "${compile[@]}" <<<"#include <$header>"
    seconds=$(for _ in 1 2 3 4 5; do { time "${compile[@]}" <<<"#include <$header>"; } 2>&1; done | sort -n | sed -n 3p)
    printf '%-32s %-10s %s\n' "$header" "$compiler" "$seconds"
  done
done
