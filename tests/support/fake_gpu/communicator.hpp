#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include <nccl.h>

#include "clique.hpp"
#include "stream.hpp"

/// One rank's end of a communicator.
struct ncclComm {
  std::shared_ptr<fake_gpu::clique> all;
  int rank = 0;
  int device = 0;
  bool copy_engines = false;                           ///< NCCL_CTA_POLICY_ZERO
  bool blocking = true;                                ///< else its calls return before they are done
  std::array<bool, fake_gpu::algorithms> connected{};  ///< its ranks have met in a collective of each kind
  std::ptrdiff_t native_bytes = 0;                     ///< what it holds of the device

  std::atomic<bool> splitting{false};  ///< one that does not block is in a split
  std::thread split{};

  std::shared_ptr<const char> in_graphs = std::make_shared<const char>();  ///< shared with what is captured of it

  std::atomic<int> in_flight{0};                  ///< launches that have not ended
  std::shared_ptr<fake_gpu::mark> last_launch{};  ///< passed when the last of them has; of the thread that launches

  std::mutex mutex;                                                ///< of what is below
  std::vector<std::optional<std::array<std::byte, 8>>> scalars{};  ///< of its own reductions
  std::vector<std::pair<const std::byte*, std::size_t>> windows{};
};

namespace fake_gpu {

/// Holds more of its device's memory.
void take_native(ncclComm& comm, std::size_t bytes);

/// Complains unless the library that is played has what `since` brought.
void need_library(int since, const char* what);

/// A communicator that is alive; null, and a complaint, when it is not.
std::shared_ptr<ncclComm> find_communicator(ncclComm_t handle, const char* function);

}  // namespace fake_gpu
