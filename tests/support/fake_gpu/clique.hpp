#pragma once

#include <array>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <tuple>
#include <vector>

#include <nccl.h>

#include "call.hpp"
#include "gathering.hpp"

namespace fake_gpu {

/// One operation of some ranks: it happens when the last of them has come.
struct meeting {
  std::vector<call> calls;
  std::vector<bool> came;
  std::size_t missing;
  bool done = false;

  explicit meeting(std::size_t ranks) : calls(ranks), came(ranks), missing(ranks) {}
};

/// What a rank brings to a split.
struct split_choice {
  int colour, key, device;
};

/// What the ranks of one communicator share.
class clique {
 public:
  explicit clique(int size);

  [[nodiscard]] int size() const noexcept { return static_cast<int>(ranks_.size()); }

  /// Comes to the rank's next operation; the last one to come carries it out.
  std::shared_ptr<meeting> post(int rank, const call& c);
  /// Waits until the operation has happened or the rank has left.
  void await(int rank, const meeting& m);

  /// The rank begins to connect, and waits until all have; an error when one has left.
  void begin_to_connect(int rank, std::size_t algorithm);
  ncclResult_t connect(int rank, std::size_t algorithm);

  /// The rank leaves at once; the others find out.
  void abort(int rank);

  [[nodiscard]] ncclResult_t state(int rank, std::string* words = nullptr) const;

  /// The split that a rank comes to next, and the clique of one of its colours.
  std::shared_ptr<gathering<split_choice>> next_split(int rank);
  std::shared_ptr<clique> part(const std::shared_ptr<gathering<split_choice>>& split, int colour, int its_size);

  /// The sizes of the n-th windows must be the same on all ranks.
  void register_window(int rank, std::size_t bytes);

 private:
  struct member {
    std::uint64_t collectives = 0;
    std::map<int, std::uint64_t> sent, received;
    std::size_t splits = 0;
    std::size_t windows = 0;
    std::array<bool, algorithms> connects{};
    bool gone = false;
    ncclResult_t state = ncclSuccess;
  };
  using message = std::tuple<int, int, std::uint64_t>;  // from, to, which

  std::shared_ptr<meeting> post_message(int rank, const call& c);
  void arrive(const std::shared_ptr<meeting>& m, std::size_t place, const call& c);
  void refuse(const std::string& why);

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<member> ranks_;
  std::map<std::uint64_t, std::shared_ptr<meeting>> collectives_;
  std::map<message, std::shared_ptr<meeting>> messages_;
  std::vector<std::shared_ptr<gathering<split_choice>>> splits_;
  std::map<std::pair<const void*, int>, std::shared_ptr<clique>> parts_;
  std::vector<std::size_t> window_bytes_;
  std::string failure_;
};

}  // namespace fake_gpu
