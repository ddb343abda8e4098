#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <vector>

#include <mics/model/stage.hpp>

/// The flat algorithms in closed form, on ranks in order over n nodes of k.
namespace mics::model::detail {

/// One step among all: everyone takes `block` bytes from everyone.
constexpr stage direct_stage(hierarchy g, double block) noexcept {
  const double k = g.node_size, p = k * g.nodes;
  const bool outside = g.hierarchical();
  return {.slow_steps = outside ? 1.0 : 0.0,
          .fast_steps = outside || k == 1 ? 0.0 : 1.0,
          .messages = p - 1,
          .slow_into_node = k * (p - k) * block,
          .fast_into_node = k * (k - 1) * block,
          .slow_load = k * (p - k) * block,
          .fast_load = (k - 1) * block};
}

/// p - 1 steps to the neighbour. One rank of a node hears from outside; the longest way crosses n borders, n - 1 where
/// a node is one rank.
constexpr stage ring_stage(hierarchy g, double block) noexcept {
  const double k = g.node_size, n = g.nodes, p = k * n;
  const double crossed = !g.hierarchical() ? 0 : k > 1 ? n : n - 1;
  const double slow = g.hierarchical() ? (p - 1) * block : 0;
  return {.slow_steps = crossed,
          .fast_steps = p - 1 - crossed,
          .messages = p - 1,
          .slow_into_node = slow,
          .fast_into_node = (g.hierarchical() ? k - 1 : k) * (p - 1) * block,
          .slow_load = slow,
          .fast_load = k > 1 ? (p - 1) * block : 0};
}

/// Ranks of a node whose partner at `distance` around all ranks sits on another node.
constexpr int crossing(hierarchy g, int distance) noexcept {
  return g.hierarchical() ? std::min({distance, g.nodes * g.node_size - distance, g.node_size}) : 0;
}

/// Steps with partners at distances 1, 2, 4, ... around all ranks, in which held(distance) bytes arrive: first those
/// that cross the network for someone, then the others.
template <class Held> constexpr std::array<stage, 2> around_stages(hierarchy g, Held held) {
  std::array<stage, 2> parts{};
  for (int distance = 1; distance < g.nodes * g.node_size; distance *= 2) {
    const double outside = crossing(g, distance), inside = g.node_size - outside, bytes = held(distance);
    stage& s = parts[outside > 0 ? 0 : 1];
    s = s + stage{.slow_steps = outside > 0 ? 1.0 : 0.0,
                  .fast_steps = outside > 0 ? 0.0 : 1.0,
                  .messages = 1,
                  .slow_into_node = outside * bytes,
                  .fast_into_node = inside * bytes,
                  .slow_load = outside * bytes,
                  .fast_load = inside > 0 ? bytes : 0};
  }
  return parts;
}

/// Counts messages of `bytes` one by one where no closed form fits. Each round is one step.
class message_counter {
 public:
  message_counter(hierarchy g, double bytes)
      : g_(g), bytes_(bytes), into_(static_cast<std::size_t>(g.nodes)), inside_(into_) {}

  void take(int to, int from) {
    const int node = to / g_.node_size;
    const bool outside = node != from / g_.node_size;
    ++(outside ? into_ : inside_)[static_cast<std::size_t>(node)];
    (outside ? crossed_ : stayed_) = true;
  }

  void end_round() {
    parts_[crossed_ ? 0 : 1] = parts_[crossed_ ? 0 : 1] + stage{.slow_steps = crossed_ ? 1.0 : 0.0,
                                                                .fast_steps = crossed_ || !stayed_ ? 0.0 : 1.0,
                                                                .messages = crossed_ || stayed_ ? 1.0 : 0.0,
                                                                .slow_load = crossed_ ? busiest_growth() * bytes_ : 0,
                                                                .fast_load = stayed_ ? bytes_ : 0};
    crossed_ = stayed_ = false;
    before_ = into_;
  }

  [[nodiscard]] std::array<stage, 2> take_parts() {
    parts_[0].slow_into_node = *std::max_element(into_.begin(), into_.end()) * bytes_;
    parts_[0].fast_into_node = *std::max_element(inside_.begin(), inside_.end()) * bytes_;
    return parts_;
  }

 private:
  [[nodiscard]] double busiest_growth() const {
    double most = 0;
    for (std::size_t i = 0; i < into_.size(); ++i) most = std::max(most, into_[i] - (before_.empty() ? 0 : before_[i]));
    return most;
  }

  hierarchy g_;
  double bytes_;
  std::vector<double> into_, inside_, before_{};
  std::array<stage, 2> parts_{};
  bool crossed_ = false, stayed_ = false;
};

/// Recursive doubling over whole buffers; ranks beyond a power of two work through a stand-in.
inline std::array<stage, 2> doubling_stages(hierarchy g, double bytes) {
  const int p = g.nodes * g.node_size;
  const int core = static_cast<int>(std::bit_floor(static_cast<unsigned>(p)));
  message_counter count(g, bytes);
  for (int extra = core; extra < p; ++extra) count.take(extra - core, extra);
  count.end_round();
  for (int distance = 1; distance < core; distance *= 2) {
    for (int rank = 0; rank < core; ++rank) count.take(rank, rank ^ distance);
    count.end_round();
  }
  for (int extra = core; extra < p; ++extra) count.take(extra, extra - core);
  count.end_round();
  return count.take_parts();
}

/// Recursive halving in a group of a power of two: in the step at `distance`, as many blocks arrive.
inline std::array<stage, 2> halving_stages(hierarchy g, double block) {
  std::array<stage, 2> parts{};
  const double k = g.node_size;
  for (int distance = g.nodes * g.node_size / 2; distance > 0; distance /= 2) {
    const bool outside = distance >= g.node_size;
    const double bytes = distance * block;
    parts[outside ? 0 : 1] =
        parts[outside ? 0 : 1] +
        (outside ? stage{.slow_steps = 1, .messages = 1, .slow_into_node = k * bytes, .slow_load = k * bytes}
                 : stage{.fast_steps = 1, .messages = 1, .fast_into_node = k * bytes, .fast_load = bytes});
  }
  return parts;
}

/// A binomial tree from rank 0: whoever has the buffer passes it on.
inline std::array<stage, 2> tree_stages(hierarchy g, double bytes) {
  const int p = g.nodes * g.node_size;
  message_counter count(g, bytes);
  for (int distance = static_cast<int>(std::bit_ceil(static_cast<unsigned>(p))) / 2; distance > 0; distance /= 2) {
    for (int rank = distance; rank < p; rank += 2 * distance) count.take(rank, rank - distance);
    count.end_round();
  }
  return count.take_parts();
}

}  // namespace mics::model::detail
