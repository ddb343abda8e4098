#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include <mics/error.hpp>
#include <mics/model/cost_model.hpp>
#include <mics/model/profile.hpp>

namespace mics::model {

/// A prediction beside what was measured.
struct residual {
  sample measured{};
  double predicted_s = 0;

  /// predicted / measured - 1.
  [[nodiscard]] double relative() const noexcept { return predicted_s / measured.seconds - 1; }
};

/// The median of |relative()|; 0 of none.
inline double median_error(std::span<const residual> all) {
  if (all.empty()) return 0;
  std::vector<double> errors;
  for (const residual& r : all) errors.push_back(std::abs(r.relative()));
  const auto middle = errors.begin() + static_cast<std::ptrdiff_t>(errors.size() / 2);
  std::nth_element(errors.begin(), middle, errors.end());
  if (errors.size() % 2 == 1) return *middle;
  return (*middle + *std::max_element(errors.begin(), middle)) / 2;
}

namespace detail {

inline void check_samples(std::span<const sample> samples) {
  if (samples.empty()) throw usage_error("samples are none; allowed: one or more");
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const std::string which = "samples[" + std::to_string(i) + "].";
    require_positive(which + "seconds", samples[i].seconds);
    require_positive(which + "call.bytes", samples[i].call.bytes);
    if (!(samples[i].chunks >= 1)) refuse(which + "chunks", samples[i].chunks, "1 or more");
    static_cast<void>(stages_of(samples[i].call));
  }
}

inline constexpr double unlimited = 1e18;  ///< bytes/s of a link that no sample saw working

/// The features of one sample for: call, slow step, fast step, message, then seconds a byte over slow and fast links,
/// copied and folded. Which link of a part hides the other one depends on the links, so it comes from `guess`; without
/// one both count.
inline std::vector<double> features_of(const sample& from, const link_classes* guess) {
  const stages s = stages_of(from.call);
  std::vector<double> f{1, s.slow_steps(), s.fast_steps(), s.messages() * from.chunks, 0, 0, s.copied, s.folded};
  std::array<double, 2> weight{1, 1};
  if (guess != nullptr && s.overlaps) {
    const bool first_longer = links_of(s.parts[0], *guess) >= links_of(s.parts[1], *guess);
    weight[first_longer ? 1 : 0] = 1 / (from.chunks * s.rows);
  }
  for (std::size_t i = 0; i < 2; ++i) {
    const stage& part = s.parts[i];
    const bool slow_longer =
        guess == nullptr || part.slow_load / guess->slow.bytes_per_s >= part.fast_load / guess->fast.bytes_per_s;
    const bool fast_longer = guess == nullptr || !slow_longer;
    f[4] += slow_longer ? weight[i] * part.slow_load : 0;
    f[5] += fast_longer ? weight[i] * part.fast_load : 0;
  }
  return f;
}

inline link_classes links_from(const std::vector<double>& x) {
  const auto rate = [](double seconds_a_byte) {
    return seconds_a_byte > 1 / unlimited ? 1 / seconds_a_byte : unlimited;
  };
  return {.fast = {x[2], rate(x[5])},
          .slow = {x[1], rate(x[4])},
          .copy = {0, rate(x[6])},
          .reduce_bytes_per_s = rate(x[7]),
          .message_s = x[3],
          .call_s = x[0]};
}

inline double squared_error(std::span<const sample> samples, const link_classes& links) {
  double sum = 0;
  for (const sample& s : samples) {
    const double off = cost_of(stages_of(s.call), links, s.chunks).total() / s.seconds - 1;
    sum += off * off;
  }
  return sum;
}

}  // namespace detail

/// One set of links for all samples, by least squares of the relative errors. A class that no sample needs gets a speed
/// of 1e18 bytes/s. Overlaps make the cost a maximum, so it is fitted in rounds; the best one counts.
inline link_classes fit_links(std::span<const sample> samples) {
  detail::check_samples(samples);
  constexpr int rounds = 8;
  link_classes best{}, guess{};
  double least = 0;
  for (int round = 0; round < rounds; ++round) {
    detail::least_squares fit(8);
    for (const sample& s : samples) fit.add(detail::features_of(s, round > 0 ? &guess : nullptr), s.seconds);
    guess = detail::links_from(fit.solve());
    const double off = detail::squared_error(samples, guess);
    if (round == 0 || off < least) {
      least = off;
      best = guess;
    }
  }
  return best;
}

/// What measurements say of a machine: links for what was never measured, and a profile for each operation, algorithm
/// and group that was.
class calibration {
 public:
  /// Throws usage_error, naming the sample and its field, for values that cannot be.
  static calibration fit(std::span<const sample> samples) {
    calibration c;
    c.links_ = fit_links(samples);
    std::map<key, std::vector<sample>> kinds;
    for (const sample& s : samples) kinds[key_of(s.call)].push_back(s);
    for (const auto& [kind, its] : kinds) c.profiles_.emplace(kind, profile::fit(its));
    return c;
  }

  [[nodiscard]] const link_classes& links() const noexcept { return links_; }

  /// The profile of exactly this operation, algorithm, group and form; null if there was no sample.
  [[nodiscard]] const profile* profile_of(const collective& c) const {
    const auto found = profiles_.find(key_of(c));
    return found == profiles_.end() ? nullptr : &found->second;
  }

  [[nodiscard]] double seconds(const collective& c, double chunks = 1) const {
    if (const profile* known = profile_of(c)) return known->seconds(c.bytes);
    return cost_of(c, links_, chunks).total();
  }

  /// Every sample beside its prediction by the profiles.
  [[nodiscard]] std::vector<residual> residuals(std::span<const sample> samples) const {
    std::vector<residual> all;
    for (const sample& s : samples) all.push_back({s, seconds(s.call, s.chunks)});
    return all;
  }

  /// The same by the links alone.
  [[nodiscard]] std::vector<residual> link_residuals(std::span<const sample> samples) const {
    std::vector<residual> all;
    for (const sample& s : samples) all.push_back({s, cost_of(stages_of(s.call), links_, s.chunks).total()});
    return all;
  }

 private:
  using key = std::tuple<operation, algorithm, int, int, algorithm, bool>;

  static key key_of(const collective& c) {
    const algorithm on_rail = c.how == algorithm::hierarchical ? c.on_rail : algorithm::automatic;
    return {c.what, c.how, c.shape.nodes, c.shape.node_size, on_rail, c.in_place};
  }

  link_classes links_{};
  std::map<key, profile> profiles_{};
};

/// Predictions for sizes that took no part in the fit: each size between the smallest and the largest of its kind is
/// predicted from the other sizes.
inline std::vector<residual> held_out(std::span<const sample> samples) {
  std::vector<residual> all;
  double low = samples.empty() ? 0 : samples.front().call.bytes, high = low;
  std::vector<double> sizes;
  for (const sample& s : samples) {
    sizes.push_back(s.call.bytes);
    low = std::min(low, s.call.bytes);
    high = std::max(high, s.call.bytes);
  }
  std::sort(sizes.begin(), sizes.end());
  sizes.erase(std::unique(sizes.begin(), sizes.end()), sizes.end());
  for (const double size : sizes) {
    if (size == low || size == high) continue;
    std::vector<sample> others;
    for (const sample& s : samples) {
      if (s.call.bytes != size) others.push_back(s);
    }
    const calibration without = calibration::fit(others);
    for (const sample& s : samples) {
      if (s.call.bytes == size && without.profile_of(s.call) != nullptr) {
        all.push_back({s, without.seconds(s.call, s.chunks)});
      }
    }
  }
  return all;
}

}  // namespace mics::model
