#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include <nccl.h>

/// GPUs that are none: the part of CUDA's runtime and of NCCL that mics::nccl uses, on the host, behind their real
/// headers. Linked instead of the real libraries, so that every machine can test what is written for GPUs.
/// - Device memory is the host's, and belongs to a device. A stream is a thread that works off its queue: operations
///   are as asynchronous as on a GPU, and one that waits for a rank that never comes keeps its stream busy until the
///   communicator is aborted.
/// - Stricter than NCCL: calls that do not match between ranks, buffers of another device or too short, handles that
///   are gone and whatever is not allowed during a capture are noted as complaints besides the error that the call
///   returns.
/// - NCCL takes memory of the device for a communicator when it is made, and more when its ranks are connected, in
///   their first collective: who calls it waits on the host for all of them.
/// - Not modelled: the order between the legacy default stream and others.
namespace fake_gpu {

/// As many as the largest test has ranks.
inline constexpr int device_count = 32;
inline constexpr std::size_t device_memory = std::size_t{8} << 30;

/// What NCCL takes of a device for a communicator, and when its ranks are connected.
inline constexpr std::size_t communicator_bytes = std::size_t{1} << 20;
inline constexpr std::size_t connection_bytes = std::size_t{3} << 20;

/// Plays an older NCCL than the headers', by a number such as NCCL_VERSION(2, 26, 2): what came later is a complaint.
void pretend_library(int version);

/// Plays one while it lives.
struct older_library {
  explicit older_library(int version) { pretend_library(version); }
  ~older_library() { pretend_library(NCCL_VERSION_CODE); }
  older_library(const older_library&) = delete;
  older_library& operator=(const older_library&) = delete;
};

/// What exists at this moment.
struct inventory {
  int communicators = 0;
  int reductions = 0;
  int windows = 0;
  int streams = 0;
  int events = 0;
  int graphs = 0;
  int allocations = 0;
  std::size_t bytes = 0;

  bool operator==(const inventory&) const = default;
  [[nodiscard]] std::string describe() const;
};
[[nodiscard]] inventory alive();

/// Frees all memory that is still allocated, as the end of a process does.
void release_all();

/// What was done since the last time that is a mistake on a GPU too, in words.
[[nodiscard]] std::vector<std::string> take_complaints();

/// Collectives that ran by copy engines only, since the program began.
[[nodiscard]] int copy_engine_collectives();
/// Reductions in a communicator that has windows, since the program began.
[[nodiscard]] int window_reductions();

}  // namespace fake_gpu
