# shellcheck shell=bash
# The lab's own MPS daemon: with it the ranks of several nodes share a GPU at full speed, without it they take turns.

mps() { CUDA_MPS_PIPE_DIRECTORY=$records/mps/pipe CUDA_MPS_LOG_DIRECTORY=$records/mps/log nvidia-cuda-mps-control "$@"; }

mps_process() { # prints the daemon's process number, if it runs
  local pid
  pid=$(cat "$records/mps/pipe/nvidia-cuda-mps-control.pid" 2>/dev/null) || return 0
  # Another process may have the number by now; one that ended and was not waited for has no command line.
  ! grep -qs nvidia-cuda-mps-control "/proc/$pid/cmdline" || echo "$pid"
}

start_mps() {
  require_programs nvidia-cuda-mps-control
  [[ -z $(mps_process) ]] || return 0
  mkdir -p "$records/mps/pipe" "$records/mps/log"
  mps -d </dev/null >"$records/mps/start.log" 2>&1 || die "MPS does not start: $(tail -n 3 "$records/mps/start.log")"
}

quit_mps() {
  [[ -d $records/mps ]] || return 0
  local pid i
  pid=$(mps_process)
  if [[ -n $pid ]]; then
    echo quit | mps >/dev/null 2>&1 || true
    for ((i = 0; i < 100; i++)); do
      [[ -n $(mps_process) ]] || break
      sleep 0.1
    done
    [[ -z $(mps_process) ]] || { say "MPS does not quit: it is killed"; kill -KILL "$pid" 2>/dev/null || true; }
  fi
  rm -rf "$records/mps"
}
