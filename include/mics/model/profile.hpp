#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <iterator>
#include <span>
#include <tuple>
#include <vector>

#include <mics/model/cost_model.hpp>
#include <mics/model/least_squares.hpp>

namespace mics::model {

/// One measured collective.
struct sample {
  collective call{};
  double seconds = 0;
  double chunks = 1;  ///< in which each block moved
};

/// One algorithm of one operation in one group, over all sizes: seconds(M) = call_s + M * rate(M), where the rate
/// (seconds a byte) runs straight from knot to knot over log2 M, because caches give out one after the other and
/// libraries change their protocols. Knots are a factor of 8, 4 or 2 apart: what predicts each size best from the
/// others, so that more knots follow jumps, not noise.
class profile {
 public:
  /// Least squares of the relative errors. The samples must be of one kind; at least one.
  static profile fit(std::span<const sample> samples) {
    std::vector<double> sizes;
    for (const sample& s : samples) sizes.push_back(s.call.bytes);
    std::sort(sizes.begin(), sizes.end());
    sizes.erase(std::unique(sizes.begin(), sizes.end()), sizes.end());
    double best = coarsest, least = unseen_error(samples, sizes, coarsest);
    for (const double distance : {2.0}) {
      const double error = unseen_error(samples, sizes, distance);
      if (error < least) std::tie(best, least) = std::tuple(distance, error);
    }
    return fit_knots(samples, sizes, best);
  }

  [[nodiscard]] double seconds(double bytes) const {
    const std::vector<double> f = features(bytes);
    double sum = call_s_;
    for (std::size_t i = 0; i < rates_.size(); ++i) sum += f[i + 1] * rates_[i];
    return sum;
  }

  [[nodiscard]] double call_s() const noexcept { return call_s_; }
  /// Bytes a second of the largest sizes; infinite where only latency was seen.
  [[nodiscard]] double largest_rate() const noexcept { return 1 / rates_.back(); }

 private:
  static constexpr double coarsest = 3;  ///< between knots, in log2 M

  /// `sizes`: those of the samples, each once, in order.
  static profile fit_knots(std::span<const sample> samples, std::span<const double> sizes, double distance) {
    profile p;
    const double low = std::log2(std::max(1.0, sizes.front())), high = std::log2(std::max(1.0, sizes.back()));
    const auto wanted = static_cast<std::size_t>(std::max(1.0, std::round((high - low) / distance)));
    const std::size_t knots = std::clamp<std::size_t>(sizes.size() * 3 / 4, 1, wanted);
    p.step_ = high > low ? (high - low) / static_cast<double>(knots) : 1;
    p.first_ = low + p.step_;  // the latency outweighs the rate before
    p.rates_.resize(knots);
    detail::least_squares fit(1 + knots);
    for (const sample& s : samples) fit.add(p.features(s.call.bytes), s.seconds);
    const std::vector<double> x = fit.solve();
    p.call_s_ = x.front();
    p.rates_.assign(x.begin() + 1, x.end());
    return p;
  }

  /// The sum of the relative errors where each size but the outer ones is predicted from the others.
  static double unseen_error(std::span<const sample> samples, std::span<const double> sizes, double distance) {
    double sum = 0;
    for (std::size_t i = 1; i + 1 < sizes.size(); ++i) {
      std::vector<double> other_sizes(sizes.begin(), sizes.end());
      other_sizes.erase(other_sizes.begin() + static_cast<std::ptrdiff_t>(i));
      std::vector<sample> others;
      std::copy_if(samples.begin(), samples.end(), std::back_inserter(others),
                   [&](const sample& s) { return s.call.bytes != sizes[i]; });
      const profile without = fit_knots(others, other_sizes, distance);
      for (const sample& s : samples) {
        if (s.call.bytes != sizes[i]) continue;
        sum += std::abs(without.seconds(sizes[i]) / s.seconds - 1);
      }
    }
    return sum;
  }

  [[nodiscard]] std::vector<double> features(double bytes) const {
    std::vector<double> f(1 + rates_.size());
    f[0] = 1;
    const double last = static_cast<double>(rates_.size() - 1);
    const double at = std::clamp((std::log2(std::max(1.0, bytes)) - first_) / step_, 0.0, last);
    const auto left = static_cast<std::size_t>(at);
    const std::size_t right = std::min(left + 1, rates_.size() - 1);
    const double share = at - static_cast<double>(left);
    f[1 + left] += bytes * (1 - share);
    f[1 + right] += bytes * share;
    return f;
  }

  double call_s_ = 0;
  double first_ = 0, step_ = 1;
  std::vector<double> rates_{};
};

}  // namespace mics::model
