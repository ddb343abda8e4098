#!/bin/sh
# Installs what a fresh Debian 12 or Ubuntu 24.04 needs to build mics, and nothing when all of it is there:
#   cmake/setup.sh demo|tests|bench|peers|ci
# demo: the programs; tests: the tests too; bench: the programs and the micro-benchmarks; peers: the
# libraries that they are compared with; ci: everything that .ci/run uses.
set -eu

packages="g++ cmake ninja-build libcli11-dev nlohmann-json3-dev"
case "${1:-demo}" in
  demo) ;;
  tests) packages="$packages doctest-dev iproute2 libfabric-dev libhwloc-dev openmpi-bin libopenmpi-dev" ;;
  bench) packages="$packages libbenchmark-dev libfabric-dev" ;;
  peers)
    packages="$packages iproute2 libfabric-dev openmpi-bin libopenmpi-dev mpich libmpich-dev pkg-config libgloo-dev python3"
    ;;
  ci) packages="$packages doctest-dev iproute2 libfabric-dev libhwloc-dev openmpi-bin libopenmpi-dev libbenchmark-dev clang libclang-rt-dev clang-format-14 ccache git" ;;
  *)
    echo "usage: cmake/setup.sh demo|tests|bench|peers|ci, not '$1'" >&2
    exit 2
    ;;
esac

if ! command -v apt-get >/dev/null; then
  echo "cmake/setup.sh knows Debian and Ubuntu only. Elsewhere, install the likes of: $packages" >&2
  exit 1
fi

missing=""
for package in $packages; do
  case "$(dpkg-query -W -f '${Status}' "$package" 2>/dev/null)" in
    "install ok installed") ;;
    *) missing="$missing $package" ;;
  esac
done
[ -n "$missing" ] || exit 0

as_root=""
if [ "$(id -u)" != 0 ]; then
  if ! command -v sudo >/dev/null; then
    echo "cmake/setup.sh must install$missing, but you are not root and there is no sudo" >&2
    exit 1
  fi
  as_root=sudo
fi

echo "installing$missing"
apt="apt-get -q -o Acquire::Retries=5 -o DPkg::Lock::Timeout=300"
$as_root $apt update
# shellcheck disable=SC2086  # a list of words
$as_root env DEBIAN_FRONTEND=noninteractive $apt install -y --no-install-recommends $missing
