#pragma once

#include <algorithm>
#include <cstdio>
#include <string>
#include <tuple>
#include <vector>

#include <mics/model/partition_cost.hpp>

namespace mics::model {

/// All partition sizes of a training, and the one to take.
struct partition_choice {
  std::vector<partition_cost> candidates{};  ///< by ascending p
  std::size_t recommended = 0;               ///< in candidates
  std::string why{};                         ///< a sentence

  [[nodiscard]] const partition_cost& best() const { return candidates[recommended]; }
};

/// The partition sizes that divide N and lie evenly on nodes: divisors of k, and multiples of k that divide N.
inline std::vector<int> partition_sizes(int world_size, int node_size) {
  const int k = std::min(world_size, node_size);
  std::vector<int> sizes;
  for (const auto d : mics::detail::divisors_of(world_size)) {
    const int p = static_cast<int>(d);
    if (p <= k ? k % p == 0 : p % k == 0) sizes.push_back(p);
  }
  return sizes;
}

namespace detail {

inline std::string with_unit(const char* format, double value) {
  char text[64];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

inline std::string gigabytes(double bytes) { return with_unit("%.4g GB", bytes / 1e9); }
inline std::string percent(double share) { return with_unit("%.3g %%", 100 * share); }
inline std::string in_seconds(double s) { return s < 0.1 ? with_unit("%.3g ms", 1e3 * s) : with_unit("%.4g s", s); }

[[noreturn]] inline void refuse_all(const training_plan& of, const std::vector<partition_cost>& all) {
  const auto least = std::min_element(all.begin(), all.end(), [](const partition_cost& a, const partition_cost& b) {
    return a.memory_bytes < b.memory_bytes;
  });
  throw usage_error("no partition size fits into the " + gigabytes(of.on.memory_bytes) +
                    " of a GPU: p = " + std::to_string(least->partition_size) + " needs the least, " +
                    gigabytes(least->memory_bytes) + ", " + gigabytes(least->memory_bytes - of.on.memory_bytes) +
                    " too much (model states " + gigabytes(least->state_bytes) + ", whole layers " +
                    gigabytes(least->layer_bytes) + ", activations " + gigabytes(of.activation_bytes) + ", reserved " +
                    gigabytes(of.reserved_bytes) + ")");
}

inline std::string reason(const training_plan& of, const partition_choice& c) {
  const partition_cost& best = c.best();
  std::string text = "p = " + std::to_string(best.partition_size) + " takes " + in_seconds(best.step_s) + " a step, " +
                     percent(best.communication_share()) + " of it waiting for communication";
  const partition_cost* smaller = nullptr;  // the largest of those that don't fit
  const partition_cost* other = nullptr;    // the second fastest
  for (const partition_cost& each : c.candidates) {
    if (!each.fits && each.partition_size < best.partition_size) smaller = &each;
    if (each.fits && &each != &best && (other == nullptr || each.step_s < other->step_s)) other = &each;
  }
  if (smaller != nullptr) {
    text += "; p = " + std::to_string(smaller->partition_size) + " would need " + gigabytes(smaller->memory_bytes) +
            " of the " + gigabytes(of.on.memory_bytes) + " of a GPU";
  }
  text += other == nullptr ? "; nothing else fits"
                           : "; the fastest other that fits, p = " + std::to_string(other->partition_size) +
                                 ", takes " + with_unit("%.3f times as long", other->step_s / best.step_s);
  return text + ".";
}

}  // namespace detail

/// Costs every partition size in `sizes` and recommends the fastest that fits. Step times closer than `tolerance`,
/// which is about what such a model can tell apart, count as equal: then the fewest bytes over slow links win, then the
/// least memory. Throws usage_error, which says by how much, when none fits.
inline partition_choice plan_partition(const training_plan& of, const std::vector<int>& sizes,
                                       double tolerance = 0.05) {
  check(of);
  detail::require_not_negative("tolerance", tolerance);
  if (sizes.empty()) throw usage_error("partition sizes are none; allowed: one or more divisors of the world size");
  partition_choice all;
  for (const int p : sizes) all.candidates.push_back(cost_of_partition(of, p));
  std::sort(all.candidates.begin(), all.candidates.end(),
            [](const partition_cost& a, const partition_cost& b) { return a.partition_size < b.partition_size; });
  double fastest = 0;
  for (const partition_cost& each : all.candidates) {
    if (each.fits && (fastest == 0 || each.step_s < fastest)) fastest = each.step_s;
  }
  if (fastest == 0) detail::refuse_all(of, all.candidates);
  const partition_cost* best = nullptr;
  for (const partition_cost& each : all.candidates) {
    if (!each.fits || each.step_s > fastest * (1 + tolerance)) continue;
    if (best == nullptr ||
        std::tie(each.slow_bytes, each.memory_bytes) < std::tie(best->slow_bytes, best->memory_bytes)) {
      best = &each;
    }
  }
  all.recommended = static_cast<std::size_t>(best - all.candidates.data());
  all.why = detail::reason(of, all);
  return all;
}

/// The same over every size that lies evenly on nodes.
inline partition_choice plan_partition(const training_plan& of) {
  check(of);
  return plan_partition(of, partition_sizes(of.world_size, of.on.node_size));
}

}  // namespace mics::model
