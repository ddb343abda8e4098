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
  explicit gathering(int size)
      : values_(static_cast<std::size_t>(size)), came_(values_.size()), left_(values_.size()) {}

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

  /// The rank waits no longer.
  void leave(int rank) {
    {
      const std::lock_guard lock(mutex_);
      left_[static_cast<std::size_t>(rank)] = true;
    }
    changed_.notify_all();
  }
  [[nodiscard]] bool has_left(int rank) {
    const std::lock_guard lock(mutex_);
    return left_[static_cast<std::size_t>(rank)];
  }

  /// False: not all have come in time, or the rank has left.
  bool await(int rank) {
    std::unique_lock lock(mutex_);
    const auto complete = [this] { return count_ == values_.size(); };
    const auto me = static_cast<std::size_t>(rank);
    changed_.wait_for(lock, patience, [&] { return complete() || left_[me]; });
    return complete();
  }

  /// After await().
  [[nodiscard]] const std::vector<T>& values() const noexcept { return values_; }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<T> values_;
  std::vector<bool> came_;
  std::vector<bool> left_;
  std::size_t count_ = 0;
};

}  // namespace fake_gpu
