#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

namespace mics::model::detail {

/// Least squares of relative errors with coefficients that cannot be negative: every row counts alike, whether it took
/// a microsecond or a second. Coordinate descent on the normal equations; deterministic.
class least_squares {
 public:
  explicit least_squares(std::size_t unknowns) : n_(unknowns), matrix_(n_ * n_), right_(n_) {}

  /// One measurement: sum of features[i] * coefficient[i] should be `value` > 0.
  void add(const std::vector<double>& features, double value) {
    for (std::size_t i = 0; i < n_; ++i) {
      right_[i] += features[i] / value;
      for (std::size_t j = 0; j < n_; ++j) matrix_[i * n_ + j] += features[i] / value * features[j] / value;
    }
  }

  /// The coefficients; 0 for an unknown that no row has.
  [[nodiscard]] std::vector<double> solve() const {
    // Unknowns are of very different size (seconds, seconds a byte), so each is scaled to a diagonal of 1.
    std::vector<double> scale(n_), x(n_);
    for (std::size_t i = 0; i < n_; ++i) scale[i] = std::sqrt(matrix_[i * n_ + i]);
    for (int round = 0; round < most_rounds; ++round) {
      double moved = 0;
      for (std::size_t i = 0; i < n_; ++i) {
        if (scale[i] == 0) continue;
        double rest = right_[i] / scale[i];
        for (std::size_t j = 0; j < n_; ++j) {
          if (scale[j] > 0) rest -= matrix_[i * n_ + j] / scale[i] / scale[j] * x[j];
        }
        const double next = std::max(0.0, x[i] + rest);
        moved = std::max(moved, std::abs(next - x[i]));
        x[i] = next;
      }
      if (moved < 1e-13) break;
    }
    for (std::size_t i = 0; i < n_; ++i) x[i] = scale[i] > 0 ? x[i] / scale[i] : 0;
    return x;
  }

 private:
  static constexpr int most_rounds = 20000;

  std::size_t n_;
  std::vector<double> matrix_, right_;
};

}  // namespace mics::model::detail
