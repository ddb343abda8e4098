#pragma once

// Ranks as threads that run gradient_sync, and the words in which it refuses: what its tests share.

#include <algorithm>
#include <barrier>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <latch>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <mics/groups.hpp>
#include <mics/training/gradient_sync.hpp>
#include <mics/training/shard_copy.hpp>
#include <mics/transport/thread.hpp>

namespace gradient_ranks {

using namespace std::chrono_literals;
using mics::gradient_result;
using mics::shard_layout;
using mics::thread::communicator;

static_assert(std::is_same_v<mics::accumulator_for<float>, float>);
static_assert(std::is_same_v<mics::accumulator_for<mics::float16>, float>);
static_assert(std::is_same_v<mics::accumulator_for<mics::bfloat16>, float>);
static_assert(std::is_same_v<mics::accumulator_for<double>, double>);
static_assert(mics::accumulates<float, double>);
static_assert(mics::accumulates<mics::bfloat16, mics::bfloat16>);
static_assert(!mics::accumulates<double, float>);
static_assert(!mics::accumulates<mics::bfloat16, mics::float16>);
static_assert(!mics::accumulates<int, int>);

struct partitioning {
  int world;
  int node;
  int partition;

  [[nodiscard]] std::string describe() const {
    return "N=" + std::to_string(world) + " k=" + std::to_string(node) + " p=" + std::to_string(partition);
  }
};

inline mics::thread::cluster make_cluster(const partitioning& g, bool checked) {
  mics::thread::cluster_options options;
  for (int left = g.world; left > 0; left -= g.node) options.ranks_per_node.push_back(std::min(left, g.node));
  options.timeout = 60s;
  options.checked = checked;
  return mics::thread::cluster(options);
}

template <class Body> void on_ranks(const partitioning& g, bool checked, Body body) {
  auto cluster = make_cluster(g, checked);
  cluster.run([&](communicator& world) {
    auto groups = mics::groups(world, {.node_size = g.node, .partition_size = g.partition});
    body(groups, cluster);
  });
}

/// doctest counts assertions of one thread best: a rank that finds something wrong throws, and the test sees it.
inline void ensure(bool holds, const std::string& what) {
  if (!holds) throw std::logic_error(what);
}

template <class F> std::string message_of(F&& f) {
  try {
    f();
  } catch (const mics::usage_error& e) {
    return e.what();
  }
  return "nothing was thrown";
}

inline void ensure_words(const std::string& message, const std::vector<std::string>& words) {
  for (const auto& word : words)
    ensure(message.find(word) != std::string::npos, "'" + word + "' is not in: " + message);
}

/// Layers of odd sizes; one of them smaller than most partition groups.
inline std::vector<shard_layout> odd_units(int partition) {
  return {shard_layout({3, 5, 0, 7}, partition), shard_layout({1}, partition),
          shard_layout({101, 2, 13}, partition, 2)};
}

/// Small enough that every sum over 8 ranks and 3 micro-steps is exact, even in bfloat16.
inline int whole_number(std::size_t rank, std::size_t micro_step, std::size_t unit, std::size_t tensor,
                        std::size_t element) {
  const std::size_t mixed = (rank * 7 + micro_step * 5 + unit * 3 + tensor * 11 + element * 13 + element / 9) % 11;
  return static_cast<int>(mixed) - 5;
}

}  // namespace gradient_ranks
