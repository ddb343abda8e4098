#pragma once

#include <cstdint>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "../mics_perf/row.hpp"
#include "../mics_perf/table.hpp"

namespace gpu {

/// The rows so far; rank 0's prints each as it comes.
class report {
 public:
  explicit report(bool speaks) : speaks_(speaks) {}

  void add(perf::row measured) {
    if (speaks_) {
      if (rows_.empty() || rows_.back().op != measured.op) perf::print_head(measured.op);
      perf::print_line(measured.in_place ? nullptr : &measured, measured.in_place ? &measured : nullptr);
    }
    rows_.push_back(std::move(measured));
  }

  void say(const std::string& sentence) const {
    if (speaks_) std::printf("# %s\n", sentence.c_str());
    std::fflush(stdout);
  }

  [[nodiscard]] const std::vector<perf::row>& rows() const { return rows_; }
  [[nodiscard]] std::uint64_t wrong() const {
    std::uint64_t sum = 0;
    for (const perf::row& r : rows_) sum += r.wrong.value_or(0);
    return sum;
  }

 private:
  bool speaks_;
  std::vector<perf::row> rows_{};
};

}  // namespace gpu
