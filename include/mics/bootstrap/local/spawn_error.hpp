#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include <mics/error.hpp>

namespace mics::bootstrap::local {

inline constexpr int failed_code = 1;    ///< exit code of a rank that an exception left
inline constexpr int affected_code = 2;  ///< the same, when the exception says that another rank failed (aborted_error)

/// How one spawned rank ended other than well.
struct child_failure {
  int rank = -1;
  int exit_code = -1;    ///< -1: it was ended by a signal
  int signal = 0;        ///< 0: it ended by itself
  bool stopped = false;  ///< by spawn(), after another rank had failed or the limit was reached
  std::string what{};    ///< of the exception that left the rank's function; empty: none did

  /// "rank 2: exit code 1: no memory", "rank 3: killed by signal 9".
  [[nodiscard]] std::string describe() const {
    std::string text = "rank " + std::to_string(rank) + ": ";
    if (stopped) return text + "stopped by spawn while it ran";
    text += signal != 0 ? "killed by signal " + std::to_string(signal) : "exit code " + std::to_string(exit_code);
    return what.empty() ? text : text + ": " + what;
  }
};

/// Some ranks of a spawn() failed: first those that failed by themselves, then those that another one took along.
class spawn_error : public error {
 public:
  spawn_error(int ranks, const std::string& reason, std::vector<child_failure> failures)
      : spawn_error(culprits_first(std::move(failures)), ranks, reason) {}

  [[nodiscard]] const std::vector<child_failure>& failures() const noexcept { return failures_; }

 private:
  spawn_error(std::vector<child_failure> sorted, int ranks, const std::string& reason)
      : error(in_words(ranks, reason, sorted)), failures_(std::move(sorted)) {}

  static std::vector<child_failure> culprits_first(std::vector<child_failure> failures) {
    std::stable_partition(failures.begin(), failures.end(),
                          [](const child_failure& each) { return !each.stopped && each.exit_code != affected_code; });
    return failures;
  }

  static std::string in_words(int ranks, const std::string& reason, const std::vector<child_failure>& failures) {
    std::string text = std::to_string(failures.size()) + " of " + std::to_string(ranks) + " ranks failed" + reason;
    for (std::size_t i = 0; i < failures.size(); ++i) text += (i == 0 ? ": " : "; ") + failures[i].describe();
    return text;
  }

  std::vector<child_failure> failures_;
};

}  // namespace mics::bootstrap::local
