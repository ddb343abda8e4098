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

#include "support/gradient_ranks.hpp"

/// A half type that a trainer might bring along.
struct trainers_half {
  std::uint16_t bits;
};
template <>
struct mics::data_type_for<trainers_half> : std::integral_constant<mics::data_type, mics::data_type::bfloat16> {};

using namespace gradient_ranks;

namespace {

template <class T>
std::vector<T> flat_gradients(const shard_layout& layout, std::size_t rank, std::size_t micro_step, std::size_t unit) {
  std::vector<std::vector<T>> tensors;
  for (std::size_t t = 0; t < layout.tensors(); ++t) {
    auto& tensor = tensors.emplace_back();
    for (std::size_t i = 0; i < layout.elements_of(t); ++i) {
      tensor.push_back(T(static_cast<float>(whole_number(rank, micro_step, unit, t, i))));
    }
  }
  std::vector<T> flat(layout.flat_elements());
  mics::pack(layout, tensors, flat);
  return flat;
}

double expected_sum(int ranks, int micro_steps, std::size_t unit, std::size_t tensor, std::size_t element) {
  double sum = 0;
  for (std::size_t rank = 0; rank < static_cast<std::size_t>(ranks); ++rank) {
    for (std::size_t m = 0; m < static_cast<std::size_t>(micro_steps); ++m) {
      sum += whole_number(rank, m, unit, tensor, element);
    }
  }
  return sum;
}

template <class Sync>
void ensure_result(const Sync& sync, const partitioning& g, int shard, int micro_steps, gradient_result result) {
  for (std::size_t unit = 0; unit < sync.units(); ++unit) {
    const shard_layout& layout = sync.layout(unit);
    const auto mine = sync.shard(unit);
    ensure(mine.size() == layout.shard_elements(), "length of the shard");
    std::vector<bool> is_padding(mine.size(), true);
    layout.for_each_piece(shard, [&](const mics::tensor_piece& piece) {
      for (std::size_t i = 0; i < piece.elements; ++i) {
        is_padding[piece.shard_offset + i] = false;
        double wanted = expected_sum(g.world, micro_steps, unit, piece.tensor, piece.tensor_offset + i);
        if (result == gradient_result::mean) wanted /= g.world * micro_steps;
        const double got = mine[piece.shard_offset + i];
        using accumulator = std::remove_cvref_t<decltype(mine[0])>;
        const bool right = sizeof(accumulator) == 8 ? std::abs(got - wanted) <= 1e-15 * std::abs(wanted)
                                                    : got == static_cast<double>(static_cast<float>(wanted));
        ensure(right, "unit " + std::to_string(unit) + " tensor " + std::to_string(piece.tensor) + ": " +
                          std::to_string(got) + " instead of " + std::to_string(wanted));
      }
    });
    for (std::size_t i = 0; i < mine.size(); ++i) ensure(!is_padding[i] || mine[i] == 0, "padding stays zero");
  }
}

template <class Gradient, class Accumulator, class Groups>
void take_steps(Groups& groups, const partitioning& g, gradient_result result) {
  const auto rank = static_cast<std::size_t>(groups.world().rank());
  const int shard = groups.topology().shard_of(groups.world().rank());
  auto sync = mics::make_gradient_sync<Gradient, Accumulator>(groups, odd_units(g.partition), {.result = result});
  for (const int micro_steps : {1, 3, 1}) {
    const bool unit_by_unit = micro_steps == 3 && result == gradient_result::mean;
    for (std::size_t m = 0; m < static_cast<std::size_t>(micro_steps); ++m) {
      const bool last = m + 1 == static_cast<std::size_t>(micro_steps);
      for (std::size_t unit = sync.units(); unit-- > 0;) {
        auto gradients = flat_gradients<Gradient>(sync.layout(unit), rank, m, unit);
        sync.accumulate(unit, gradients);
        std::fill(gradients.begin(), gradients.end(),
                  Gradient(99.0f));  // the call has ended: nobody reads them any more
        if (unit_by_unit && last) sync.synchronize_unit(unit);
      }
    }
    ensure(sync.micro_steps(2) == static_cast<std::uint64_t>(micro_steps), "micro-steps");
    if (!unit_by_unit) sync.synchronize();
    ensure(sync.synchronized(), "synchronized");
    ensure_result(sync, g, shard, micro_steps, result);
    sync.reset();
  }
}

template <class Gradient, class Accumulator, class Groups>
void take_steps_on_a_stream(Groups& groups, const partitioning& g, gradient_result result) {
  const auto rank = static_cast<std::size_t>(groups.world().rank());
  const int shard = groups.topology().shard_of(groups.world().rank());
  mics::thread::stream stream;
  auto sync = mics::make_gradient_sync<Gradient, Accumulator>(groups, odd_units(g.partition), {.result = result});
  for (const int micro_steps : {2, 1}) {
    std::vector<std::vector<Gradient>> gradients;
    for (std::size_t m = 0; m < static_cast<std::size_t>(micro_steps); ++m) {
      for (std::size_t unit = 0; unit < sync.units(); ++unit) {
        sync.accumulate(unit, gradients.emplace_back(flat_gradients<Gradient>(sync.layout(unit), rank, m, unit)),
                        stream);
      }
    }
    if (micro_steps == 1) {
      for (std::size_t unit = sync.units(); unit-- > 0;) sync.synchronize_unit(unit, stream);
    } else {
      sync.synchronize(stream);
    }
    stream.synchronize();
    ensure_result(sync, g, shard, micro_steps, result);
    sync.reset();
  }
}

/// Every rank of the cluster stands still while one looks at the counters.
class counter_reader {
 public:
  explicit counter_reader(int ranks) : meeting_(ranks) {}

  template <class F> void together(int rank, F&& f) {
    meeting_.arrive_and_wait();
    if (rank == 0) f();
    meeting_.arrive_and_wait();
  }

 private:
  std::barrier<> meeting_;
};

}  // namespace

TEST_CASE("every geometry of up to 8 ranks, every type, mean and sum, equals the sum by hand") {
  for (int world = 1; world <= 8; ++world) {
    for (int node = 1; node <= world; ++node) {
      for (int partition = 1; partition <= world; ++partition) {
        if (world % partition != 0) continue;
        const partitioning g{world, node, partition};
        CAPTURE(g.describe());
        CHECK_NOTHROW(on_ranks(g, true, [&](auto& groups, auto&) {
          for (const auto result : {gradient_result::mean, gradient_result::sum}) {
            take_steps<float, float>(groups, g, result);
            take_steps<double, double>(groups, g, result);
            take_steps<mics::bfloat16, float>(groups, g, result);
          }
          take_steps<mics::float16, float>(groups, g, gradient_result::mean);
          take_steps<float, double>(groups, g, gradient_result::mean);
        }));
      }
    }
  }
}

TEST_CASE("on a stream the results are the same") {
  for (const partitioning g : {partitioning{1, 1, 1}, {4, 4, 4}, {4, 2, 1}, {6, 2, 3}, {8, 4, 4}, {8, 2, 4}}) {
    for (const bool checked : {false, true}) {
      CAPTURE(g.describe());
      CHECK_NOTHROW(on_ranks(g, checked, [&](auto& groups, auto&) {
        take_steps_on_a_stream<float, float>(groups, g, gradient_result::mean);
        take_steps_on_a_stream<mics::bfloat16, float>(groups, g, gradient_result::sum);
        take_steps_on_a_stream<double, double>(groups, g, gradient_result::mean);
      }));
    }
  }
}

TEST_CASE("earlier micro-steps survive, in the wider type") {
  // 256 + 1 is 256 in bfloat16: only an accumulator that is wider keeps the ones.
  on_ranks({4, 2, 2}, true, [](auto& groups, auto&) {
    const bool gives = groups.world().rank() == 0;
    const shard_layout layout({2}, 2);
    const auto total = [&](auto& sync) {
      for (const float value : {256.0f, 1.0f, 1.0f}) {
        sync.accumulate(std::vector<mics::bfloat16>(2, mics::bfloat16(gives ? value : 0.0f)));
      }
      sync.synchronize();
      return static_cast<float>(sync.shard()[0]);
    };
    auto wide = mics::make_gradient_sync<mics::bfloat16>(groups, layout, {.result = gradient_result::sum});
    auto narrow =
        mics::make_gradient_sync<mics::bfloat16, mics::bfloat16>(groups, layout, {.result = gradient_result::sum});
    ensure(total(wide) == 258.0f, "float keeps all micro-steps");
    ensure(total(narrow) == 256.0f, "bfloat16 loses the small ones, as documented");
  });
}

TEST_CASE("random gradients: near the exact sum, and the same bits on all replicas and in every run") {
  const partitioning g{8, 4, 2};
  const std::size_t elements = 4001;
  const int micro_steps = 3;
  const shard_layout layout({elements}, g.partition);
  const auto gradients = [&](int rank, int micro_step) {
    std::mt19937 random(static_cast<unsigned>(rank * 100 + micro_step));
    std::normal_distribution<float> normal;
    std::vector<float> flat(layout.flat_elements(), 0.0f);
    for (std::size_t i = 0; i < elements; ++i) flat[i] = normal(random);
    return flat;
  };
  const auto run = [&] {
    std::vector<std::vector<float>> shards(8);
    on_ranks(g, false, [&](auto& groups, auto&) {
      const int rank = groups.world().rank();
      mics::gradient_sync sync(groups, layout);
      for (int m = 0; m < micro_steps; ++m) sync.accumulate(gradients(rank, m));
      sync.synchronize();
      shards[static_cast<std::size_t>(rank)].assign(sync.shard().begin(), sync.shard().end());
    });
    return shards;
  };
  const auto shards = run();
  CHECK(run() == shards);
  for (std::size_t rank = 2; rank < 8; ++rank) CHECK(shards[rank] == shards[rank % 2]);

  std::vector<double> exact(layout.flat_elements(), 0.0);
  for (int rank = 0; rank < 8; ++rank) {
    for (int m = 0; m < micro_steps; ++m) {
      const auto flat = gradients(rank, m);
      for (std::size_t i = 0; i < flat.size(); ++i) exact[i] += flat[i];
    }
  }
  double worst = 0;
  for (std::size_t i = 0; i < exact.size(); ++i) {
    const float got = shards[i / layout.shard_elements()][i % layout.shard_elements()];
    worst = std::max(worst, std::abs(got - exact[i] / (8 * micro_steps)));
  }
  CHECK(worst < 1e-6);
}

TEST_CASE("hop 1 stays inside the partition, hop 2 crosses once a step however many micro-steps there are") {
  for (const partitioning g : {partitioning{8, 4, 4}, {8, 2, 2}, {6, 3, 3}}) {
    CAPTURE(g.describe());
    counter_reader counters(g.world);
    const auto units = odd_units(g.partition);
    std::uint64_t shard_bytes = 0;
    for (const auto& unit : units) shard_bytes += unit.shard_elements() * sizeof(float);
    const auto replicas = static_cast<std::uint64_t>(g.world / g.partition);
    // A ring sends each of the shard's bytes r - 1 times to reduce it and r - 1 times to spread it, in p groups.
    const std::uint64_t hop_2 = static_cast<std::uint64_t>(g.partition) * 2 * (replicas - 1) * shard_bytes;
    on_ranks(g, false, [&](auto& groups, auto& cluster) {
      const int rank = groups.world().rank();
      mics::gradient_sync sync(groups, units, {.hop_2 = {.how = mics::algorithm::ring}});
      counters.together(rank, [&] { cluster.reset_traffic(); });
      std::uint64_t steps = 0;
      for (const int micro_steps : {1, 4, 2}) {
        for (int m = 0; m < micro_steps; ++m) {
          for (std::size_t unit = 0; unit < sync.units(); ++unit) {
            sync.accumulate(unit, std::vector<float>(units[unit].flat_elements(), 1.0f));
          }
        }
        counters.together(rank, [&] {
          const auto slow = cluster.traffic().slow();
          ensure(slow == steps * hop_2, "before hop 2: " + std::to_string(slow) + " slow bytes");
          ensure(cluster.traffic().fast() > 0, "hop 1 moved something");
        });
        sync.synchronize();
        ++steps;
        counters.together(rank, [&] {
          const auto slow = cluster.traffic().slow();
          ensure(slow == steps * hop_2, "after hop 2: " + std::to_string(slow) + " instead of " +
                                            std::to_string(steps * hop_2) + " slow bytes");
        });
        sync.reset();
      }
    });
  }
}

TEST_CASE("a hop that is not there makes no communicator and moves nothing") {
  counter_reader counters(4);
  on_ranks({4, 2, 1}, false, [&](auto& groups, auto& cluster) {
    mics::gradient_sync sync(groups, shard_layout({10}, 1));
    ensure(groups.created() == 1, "p = 1: the replication group only");
    ensure(sync.memory_bytes() == 10 * sizeof(float), "p = 1: no temporary");
    counters.together(groups.world().rank(), [&] { cluster.reset_traffic(); });
    sync.accumulate(std::vector<float>(10, 1.0f));
    counters.together(groups.world().rank(), [&] {
      ensure(cluster.traffic().slow() + cluster.traffic().fast() == 0, "p = 1: hop 1 is local");
    });
  });
  on_ranks({4, 2, 4}, false, [&](auto& groups, auto& cluster) {
    mics::gradient_sync sync(groups, shard_layout({10}, 4));
    ensure(groups.created() == 1, "p = N: the partition group only");
    ensure(sync.memory_bytes() == 2 * 3 * sizeof(float), "p = N: the shard and one temporary");
    sync.accumulate(std::vector<float>(12, 1.0f));
    counters.together(groups.world().rank(), [&] { cluster.reset_traffic(); });
    sync.synchronize();
    counters.together(groups.world().rank(), [&] {
      ensure(cluster.traffic().slow() + cluster.traffic().fast() == 0, "p = N: hop 2 is local");
    });
  });
}

TEST_CASE("the shards of all units lie one behind the other and do not move") {
  on_ranks({2, 2, 2}, true, [](auto& groups, auto&) {
    const auto units = odd_units(2);
    mics::gradient_sync sync(groups, units);
    ensure(sync.shard(0).data() == sync.shards().data(), "first");
    ensure(sync.shard(1).data() == sync.shard(0).data() + sync.shard(0).size(), "second");
    ensure(sync.shard(2).data() + sync.shard(2).size() == sync.shards().data() + sync.shards().size(), "last");
    ensure(reinterpret_cast<std::uintptr_t>(sync.shards().data()) % 64 == 0, "on a cache line");
    const float* const before = sync.shard(1).data();
    auto moved = std::move(sync);
    ensure(moved.shard(1).data() == before, "moved");
  });
}

TEST_CASE("a trainer's own half type accumulates as float") {
  on_ranks({2, 1, 2}, true, [](auto& groups, auto&) {
    auto sync = mics::make_gradient_sync<trainers_half>(groups, shard_layout({4}, 2), {.result = gradient_result::sum});
    const std::vector<trainers_half> gradients(4, trainers_half{mics::bfloat16(1.5f).bits()});
    sync.accumulate(gradients);
    sync.accumulate(gradients);
    sync.synchronize();
    ensure(sync.shard()[1] == 6.0f, "2 ranks x 2 micro-steps x 1.5");
    auto narrow = mics::make_gradient_sync<trainers_half, mics::bfloat16>(groups, shard_layout({4}, 2));
    narrow.accumulate(gradients);
    narrow.synchronize();
    ensure(static_cast<float>(narrow.shard()[1]) == 1.5f, "mean");
  });
}

TEST_CASE("a gradient_sync may be destroyed before its stream has run") {
  std::latch gate(1);
  std::latch gone(4);
  on_ranks({4, 2, 2}, false, [&](auto& groups, auto&) {
    mics::thread::stream stream;
    stream.enqueue([&] { gate.wait(); });
    const std::vector<float> gradients(12, 1.0f);
    {
      mics::gradient_sync sync(groups, shard_layout({11}, 2), {.result = gradient_result::sum});
      sync.accumulate(gradients, stream);
      sync.accumulate(gradients, stream);
      sync.synchronize(stream);
      mics::gradient_sync dropped(groups, shard_layout({11}, 2));
      dropped.accumulate(gradients, stream);
      mics::gradient_sync dropped_later(groups, shard_layout({11}, 2));
      dropped_later.accumulate(gradients, stream);
      dropped_later.accumulate(gradients, stream);
    }
    gone.arrive_and_wait();
    if (groups.world().rank() == 0) gate.count_down();
    stream.synchronize();
  });
}
