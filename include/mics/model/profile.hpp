#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <iterator>
#include <limits>
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
/// (seconds a byte) runs straight from knot to knot over log2 M, because caches give out one after the other. From some
/// size on a call may take longer by jump_s, because libraries change their protocols. Knots are a factor of 8 apart;
/// or 4, perhaps with a jump, if that predicts each size clearly better from the others.
class profile {
 public:
  /// Least squares of the relative errors. The samples must be of one kind; at least one.
  static profile fit(std::span<const sample> samples) {
    const std::vector<double> sizes = sizes_of(samples);
    const double jump = steepest(samples, sizes);
    form best{};
    double least = unseen_error(samples, sizes, best);
    for (const form& other : {form{fine, never}, form{fine, jump}}) {
      const double error = unseen_error(samples, sizes, other);
      if (error < clearly * least) std::tie(best, least) = std::tuple(other, error);
    }
    return fit_form(samples, sizes, best);
  }

  [[nodiscard]] double seconds(double bytes) const {
    const std::vector<double> f = features(bytes);
    double sum = call_s_;
    for (std::size_t i = 0; i < rates_.size(); ++i) sum += f[i + 1] * rates_[i];
    return sum + f.back() * jump_s_;
  }

  [[nodiscard]] double call_s() const noexcept { return call_s_; }
  /// Bytes a second of the largest sizes; infinite where only latency was seen.
  [[nodiscard]] double largest_rate() const noexcept { return 1 / rates_.back(); }

 private:
  static constexpr double coarse = 3, fine = 2;  ///< between knots, in log2 M
  static constexpr double clearly = 0.9;
  static constexpr double never = std::numeric_limits<double>::infinity();

  struct form {
    double knot_distance = coarse;
    double jump_above = never;  ///< the last size in bytes before the jump
  };

  /// Each once, in order.
  static std::vector<double> sizes_of(std::span<const sample> samples) {
    std::vector<double> sizes;
    for (const sample& s : samples) sizes.push_back(s.call.bytes);
    std::sort(sizes.begin(), sizes.end());
    sizes.erase(std::unique(sizes.begin(), sizes.end()), sizes.end());
    return sizes;
  }

  /// The size behind which the time grows most, if more than the size does: neither latency nor bytes explain that.
  static double steepest(std::span<const sample> samples, std::span<const double> sizes) {
    const auto shortest = [samples](double size) {
      double least = never;
      for (const sample& s : samples) {
        if (s.call.bytes == size) least = std::min(least, s.seconds);
      }
      return least;
    };
    double found = never, most = 1;
    for (std::size_t i = 1; i < sizes.size(); ++i) {
      const double growth = shortest(sizes[i]) / shortest(sizes[i - 1]) / (sizes[i] / sizes[i - 1]);
      if (growth > most) std::tie(found, most) = std::tuple(sizes[i - 1], growth);
    }
    return found;
  }

  static profile fit_form(std::span<const sample> samples, std::span<const double> sizes, const form& as) {
    profile p;
    p.jump_above_ = as.jump_above;
    const double low = std::log2(std::max(1.0, sizes.front())), high = std::log2(std::max(1.0, sizes.back()));
    const auto wanted = static_cast<std::size_t>(std::max(1.0, std::round((high - low) / as.knot_distance)));
    const std::size_t knots = std::clamp<std::size_t>(sizes.size() * 3 / 4, 1, wanted);
    p.step_ = high > low ? (high - low) / static_cast<double>(knots) : 1;
    p.first_ = low + p.step_;  // the latency outweighs the rate before
    p.rates_.resize(knots);
    detail::least_squares fit(knots + 2);
    for (const sample& s : samples) fit.add(p.features(s.call.bytes), s.seconds);
    const std::vector<double> x = fit.solve();
    p.call_s_ = x.front();
    p.rates_.assign(x.begin() + 1, x.end() - 1);
    p.jump_s_ = x.back();
    return p;
  }

  /// The sum of the relative errors where each size but the outer ones is predicted from the others.
  static double unseen_error(std::span<const sample> samples, std::span<const double> sizes, const form& as) {
    double sum = 0;
    for (std::size_t i = 1; i + 1 < sizes.size(); ++i) {
      std::vector<sample> others;
      std::copy_if(samples.begin(), samples.end(), std::back_inserter(others),
                   [&](const sample& s) { return s.call.bytes != sizes[i]; });
      const profile without = fit_form(others, sizes_of(others), as);
      for (const sample& s : samples) {
        if (s.call.bytes == sizes[i]) sum += std::abs(without.seconds(sizes[i]) / s.seconds - 1);
      }
    }
    return sum;
  }

  [[nodiscard]] std::vector<double> features(double bytes) const {
    std::vector<double> f(rates_.size() + 2);
    f.front() = 1;
    f.back() = bytes > jump_above_ ? 1 : 0;
    const double last = static_cast<double>(rates_.size() - 1);
    const double at = std::clamp((std::log2(std::max(1.0, bytes)) - first_) / step_, 0.0, last);
    const auto left = static_cast<std::size_t>(at);
    const std::size_t right = std::min(left + 1, rates_.size() - 1);
    const double share = at - static_cast<double>(left);
    f[1 + left] += bytes * (1 - share);
    f[1 + right] += bytes * share;
    return f;
  }

  double call_s_ = 0, jump_s_ = 0, jump_above_ = never;
  double first_ = 0, step_ = 1;
  std::vector<double> rates_{};
};

}  // namespace mics::model
