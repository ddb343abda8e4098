#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <mics/bootstrap/detail/deadline.hpp>
#include <mics/bootstrap/detail/frame.hpp>
#include <mics/bootstrap/detail/operation.hpp>
#include <mics/bootstrap/detail/words.hpp>

namespace mics::bootstrap::detail {

/// Where rank 0 decides how operations end. It sees the calls of all ranks, so its verdict is the same for each of
/// them. Speaks to no socket.
class collector {
 public:
  struct decision {
    verdict what{};
    std::vector<int> ranks{};  ///< to whom
  };

  explicit collector(int size) : calls_(static_cast<std::size_t>(size)), left_(static_cast<std::size_t>(size), false) {}

  /// False when this rank has a call under way already: it breaks the protocol.
  [[nodiscard]] bool contribute(int rank, contribution given) {
    auto& slot = calls_[static_cast<std::size_t>(rank)];
    if (slot) return false;
    const auto patience = std::min<std::uint64_t>(given.of.timeout_ms, 1'000'000'000);
    end_ = std::min(end_, clock::now() + std::chrono::milliseconds(static_cast<std::int64_t>(patience)));
    slot = std::move(given);
    return true;
  }

  /// This rank has closed its session: it takes part in nothing any more.
  void leave(int rank) { left_[static_cast<std::size_t>(rank)] = true; }

  /// When the operation under way must end.
  [[nodiscard]] time_point end() const noexcept { return end_; }

  /// The end of the operation under way, once there is one.
  [[nodiscard]] std::optional<decision> decide() {
    std::vector<int> here = ranks_that(true);
    if (here.empty()) return std::nullopt;
    if (broken_) here.erase(here.begin() + 1, here.end());  // one by one: they may be at different operations by now
    const call& first = calls_[static_cast<std::size_t>(here[0])]->of;
    const std::vector<int> absent = ranks_that(false);
    verdict ending{verdict::kind::done, first.sequence};
    if (broken_) {
      ending.how = verdict::kind::aborted;
      ending.why = *broken_;
    } else if (absent.empty()) {
      complete(ending, here);
    } else if (const auto gone = std::find_if(absent.begin(), absent.end(), [this](int r) { return left(r); });
               gone != absent.end()) {
      ending.how = verdict::kind::aborted;
      ending.why =
          "rank " + std::to_string(*gone) + " has closed its session and will not come to the " + first.describe();
      broken_ = ending.why;
    } else if (clock::now() >= end_) {
      ending.how = verdict::kind::timeout;
      ending.why = list_of_ranks(absent) + (absent.size() == 1 ? " has" : " have") + " not come to the " +
                   first.describe() + " in time; " + list_of_ranks(here) + (here.size() == 1 ? " waits" : " wait");
      broken_ = "an earlier operation has failed: " + ending.why;
    } else {
      return std::nullopt;
    }
    for (const int rank : here) calls_[static_cast<std::size_t>(rank)].reset();
    end_ = time_point::max();
    return decision{std::move(ending), std::move(here)};
  }

 private:
  [[nodiscard]] bool left(int rank) const { return left_[static_cast<std::size_t>(rank)]; }

  [[nodiscard]] std::vector<int> ranks_that(bool called) const {
    std::vector<int> ranks;
    for (std::size_t rank = 0; rank < calls_.size(); ++rank) {
      if (calls_[rank].has_value() == called) ranks.push_back(static_cast<int>(rank));
    }
    return ranks;
  }

  void complete(verdict& ending, const std::vector<int>& ranks) {
    const call& first = calls_[0]->of;
    for (const int rank : ranks) {
      const call& other = calls_[static_cast<std::size_t>(rank)]->of;
      if (other.what == first.what && other.root == first.root) continue;
      ending.how = verdict::kind::usage;
      ending.why = "the ranks disagree: rank 0 calls " + first.describe() + ", but rank " + std::to_string(rank) +
                   " calls " + other.describe() + "; allowed: the same calls in the same order on every rank";
      return;
    }
    std::size_t total = 0;
    for (const auto& given : calls_) total += given->value.size() + sizeof(std::uint32_t);
    if (total > largest_result) {
      ending.how = verdict::kind::usage;
      ending.why = "the values of all ranks have " + std::to_string(total) + " bytes together; allowed: up to " +
                   std::to_string(largest_result);
      return;
    }
    writer result;
    if (first.what == operation::broadcast) result.raw(calls_[static_cast<std::size_t>(first.root)]->value);
    if (first.what == operation::all_gather) {
      for (const auto& given : calls_) result.block(given->value);
    }
    ending.result = result.take();
  }

  std::vector<std::optional<contribution>> calls_;  ///< of each rank, to the operation under way
  std::vector<bool> left_;
  time_point end_ = time_point::max();
  std::optional<std::string> broken_{};  ///< why there will be no further operation
};

}  // namespace mics::bootstrap::detail
