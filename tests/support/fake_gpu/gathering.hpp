#pragma once

#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <utility>
#include <vector>

#include "ledger.hpp"

namespace fake_gpu {

/// A value of every rank; whoever waits goes on when all have brought theirs.
template <class T> class gathering {
 public:
  explicit gathering(int size) : values_(static_cast<std::size_t>(size)), came_(values_.size()) {}

  /// False: this rank has come before.
  bool bring(int rank, T value) {
    {
      const std::lock_guard lock(mutex_);
      const auto at = static_cast<std::size_t>(rank);
      if (came_[at]) return false;
      came_[at] = true;
      values_[at] = std::move(value);
      ++count_;
    }
    changed_.notify_all();
    return true;
  }

  /// False: not all have come in time.
  bool await() {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, patience, [this] { return count_ == values_.size(); });
  }

  /// After await().
  [[nodiscard]] const std::vector<T>& values() const noexcept { return values_; }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<T> values_;
  std::vector<bool> came_;
  std::size_t count_ = 0;
};

}  // namespace fake_gpu
