#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <mics/error.hpp>

namespace mics::detail {

/// How far one training step has come: how often each unit was accumulated, and whether hop 2 has run.
/// Every wrong order of calls throws usage_error here, before anything moves.
class step_ledger {
 public:
  step_ledger(std::size_t units, int rank) : counts_(units, 0), rank_(rank) {}

  void check_unit(std::size_t unit, const char* call) const {
    if (unit < counts_.size()) return;
    refuse(call, "unit " + std::to_string(unit) + " does not exist; allowed: 0 to " +
                     std::to_string(static_cast<std::ptrdiff_t>(counts_.size()) - 1));
  }

  void check_accumulate(std::size_t unit) const {
    check_unit(unit, "accumulate");
    if (state_ == state::synchronized) {
      refuse("accumulate", "unit " + std::to_string(unit) + " was given gradients after synchronize(); call reset() " +
                               "first, which begins the next step");
    }
    if (state_ == state::failed) refuse_failed("accumulate");
  }

  void accumulated(std::size_t unit) noexcept { ++counts_[unit]; }

  /// Returns s, the number of micro-steps; until synchronized() is called the step counts as failed.
  std::uint64_t begin_synchronize() {
    if (state_ == state::synchronized) {
      refuse("synchronize", "the step is synchronized already; call reset() first, which begins the next step");
    }
    if (state_ == state::failed) refuse_failed("synchronize");
    for (std::size_t unit = 1; unit < counts_.size(); ++unit) {
      if (counts_[unit] != counts_[0]) refuse_uneven(unit);
    }
    if (counts_[0] == 0) refuse("synchronize", "nothing was accumulated in this step; call accumulate() first");
    state_ = state::failed;
    return counts_[0];
  }

  void synchronized() noexcept { state_ = state::synchronized; }

  void reset() noexcept {
    counts_.assign(counts_.size(), 0);
    state_ = state::open;
  }

  [[nodiscard]] bool is_synchronized() const noexcept { return state_ == state::synchronized; }
  [[nodiscard]] std::uint64_t count(std::size_t unit) const noexcept { return counts_[unit]; }

 private:
  enum class state : std::uint8_t { open, failed, synchronized };

  [[noreturn]] void refuse(const char* call, const std::string& what) const {
    throw usage_error(what, {.rank = rank_, .operation = std::string("gradient_sync::") + call});
  }
  [[noreturn]] void refuse_failed(const char* call) const {
    refuse(call, "synchronize() of this step failed, so its gradients are lost; call reset() first");
  }
  [[noreturn]] void refuse_uneven(std::size_t unit) const {
    const auto times = [this](std::size_t u) { return std::to_string(counts_[u]) + " times"; };
    refuse("synchronize", "unit " + std::to_string(unit) + " was accumulated " + times(unit) + " and unit 0 " +
                              times(0) + " in this step; allowed: every unit once a micro-step");
  }

  std::vector<std::uint64_t> counts_;
  int rank_;
  state state_ = state::open;
};

}  // namespace mics::detail
