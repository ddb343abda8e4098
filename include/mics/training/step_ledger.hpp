#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <mics/error.hpp>

namespace mics::detail {

/// How far one training step has come: how often each unit was accumulated, and whether hop 2 has run, for all units at
/// once or for each by itself.
/// Every wrong order of calls throws usage_error here, before anything moves.
class step_ledger {
 public:
  step_ledger(std::size_t units, int rank) : counts_(units, 0), done_(units, false), rank_(rank) {}

  void check_unit(std::size_t unit, const char* call) const {
    if (unit < counts_.size()) return;
    refuse(call, "unit " + std::to_string(unit) + " does not exist; allowed: 0 to " +
                     std::to_string(static_cast<std::ptrdiff_t>(counts_.size()) - 1));
  }

  void check_accumulate(std::size_t unit) const {
    check_unit(unit, "accumulate");
    if (done_[unit]) {
      refuse("accumulate", "unit " + std::to_string(unit) + " was given gradients after synchronize(); call reset() " +
                               "first, which begins the next step");
    }
    if (failed_) refuse_failed("accumulate");
  }

  void accumulated(std::size_t unit) noexcept { ++counts_[unit]; }

  /// Hop 2 of all units. Returns s, the number of micro-steps; until synchronized() is called the step counts as
  /// failed.
  std::uint64_t begin_synchronize() {
    constexpr const char* call = "synchronize";
    if (is_synchronized()) {
      refuse(call, "the step is synchronized already; call reset() first, which begins the next step");
    }
    if (failed_) refuse_failed(call);
    if (const auto one = first_done(); one < done_.size()) {
      refuse(call, "unit " + std::to_string(one) + " is synchronized already, by itself; call synchronize_unit() for " +
                       "each of the others");
    }
    for (std::size_t unit = 1; unit < counts_.size(); ++unit) {
      if (counts_[unit] != counts_[0]) refuse_uneven(call, unit, 0);
    }
    if (counts_[0] == 0) refuse(call, "nothing was accumulated in this step; call accumulate() first");
    failed_ = true;
    return counts_[0];
  }
  void synchronized() noexcept {
    done_.assign(done_.size(), true);
    failed_ = false;
  }

  /// Hop 2 of one unit, likewise.
  std::uint64_t begin_synchronize(std::size_t unit) {
    constexpr const char* call = "synchronize_unit";
    check_unit(unit, call);
    if (done_[unit]) {
      refuse(call, "unit " + std::to_string(unit) + " is synchronized already; call reset() first, which begins the " +
                       "next step");
    }
    if (failed_) refuse_failed(call);
    if (counts_[unit] == 0) {
      refuse(call,
             "nothing was accumulated for unit " + std::to_string(unit) + " in this step; call accumulate() first");
    }
    if (const auto one = first_done(); one < done_.size() && counts_[unit] != counts_[one]) {
      refuse_uneven(call, unit, one);
    }
    failed_ = true;
    return counts_[unit];
  }
  void synchronized(std::size_t unit) noexcept {
    done_[unit] = true;
    failed_ = false;
  }

  void reset() noexcept {
    counts_.assign(counts_.size(), 0);
    done_.assign(done_.size(), false);
    failed_ = false;
  }

  [[nodiscard]] bool is_synchronized() const noexcept {
    return std::find(done_.begin(), done_.end(), false) == done_.end();
  }
  [[nodiscard]] std::uint64_t count(std::size_t unit) const noexcept { return counts_[unit]; }

 private:
  [[nodiscard]] std::size_t first_done() const noexcept {
    return static_cast<std::size_t>(std::find(done_.begin(), done_.end(), true) - done_.begin());
  }

  [[noreturn]] void refuse(const char* call, const std::string& what) const {
    throw usage_error(what, {.rank = rank_, .operation = std::string("gradient_sync::") + call});
  }
  [[noreturn]] void refuse_failed(const char* call) const {
    refuse(call, "synchronize() of this step failed, so its gradients are lost; call reset() first");
  }
  [[noreturn]] void refuse_uneven(const char* call, std::size_t unit, std::size_t other) const {
    const auto times = [this](std::size_t u) { return std::to_string(counts_[u]) + " times"; };
    refuse(call, "unit " + std::to_string(unit) + " was accumulated " + times(unit) + " and unit " +
                     std::to_string(other) + " " + times(other) +
                     " in this step; allowed: every unit once a micro-step");
  }

  std::vector<std::uint64_t> counts_;
  std::vector<bool> done_;  ///< has hop 2 run?
  int rank_;
  bool failed_ = false;
};

}  // namespace mics::detail
