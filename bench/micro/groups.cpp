// What a rank of a large world pays before the first byte moves: its groups, and finding a plan.
#include <chrono>
#include <cstddef>
#include <string>
#include <utility>

#include <benchmark/benchmark.h>

#include <mics/mics.hpp>

namespace {

/// One rank of a world that does not exist: all that groups and plans ask of a transport, and nothing to wait for.
class imagined {
 public:
  using owner_type = imagined;
  using ref_type = imagined;
  using stream_type = int;
  using event_type = int;
  static constexpr mics::transport_traits traits{};

  imagined(int rank, int size, int node_size, mics::program_cache& programs)
      : shape_{rank, size, size / node_size, node_size, {}}, programs_(&programs) {}

  [[nodiscard]] int rank() const { return shape_.rank; }
  [[nodiscard]] int world_rank() const { return shape_.rank; }
  [[nodiscard]] int size() const { return shape_.size; }
  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const mics::group_shape& shape() const { return shape_; }
  [[nodiscard]] mics::program_cache& programs() const { return *programs_; }
  [[nodiscard]] std::chrono::milliseconds timeout() const { return std::chrono::milliseconds(1); }
  [[nodiscard]] bool checked() const { return false; }
  [[nodiscard]] static int record(int) { return 0; }
  static void wait(int, int) {}
  void set_shape(mics::group_shape) const {}  // flat or not, no data will move
  [[nodiscard]] imagined split(int, int, std::string name) const {
    imagined part = *this;
    part.name_ = std::move(name);
    return part;
  }

 private:
  mics::group_shape shape_;
  std::string name_ = "world";
  mics::program_cache* programs_;
};

constexpr int world_size = 1 << 20;
constexpr int node_size = 8;
constexpr int partition_size = 64;
constexpr int some_rank = 777'777;

/// All five groups of one rank. Goal: under 10 us.
void create_groups(benchmark::State& state) {
  mics::program_cache programs;
  const imagined world(some_rank, world_size, node_size, programs);
  for (auto _ : state) {
    mics::groups groups(world, {.node_size = node_size, .partition_size = partition_size});
    benchmark::DoNotOptimize(groups.partition());
    benchmark::DoNotOptimize(groups.replication());
    benchmark::DoNotOptimize(groups.node());
    benchmark::DoNotOptimize(groups.rail());
  }
}
BENCHMARK(create_groups);

/// The arithmetic alone: every group of one rank.
void ask_topology(benchmark::State& state) {
  const auto topology = mics::topology::uniform(world_size, node_size, partition_size);
  mics::rank_t rank = some_rank;
  for (auto _ : state) {
    benchmark::DoNotOptimize(rank);
    benchmark::DoNotOptimize(topology.partition_of(rank));
    benchmark::DoNotOptimize(topology.replication_of(rank));
    benchmark::DoNotOptimize(topology.node_group_of(rank));
    benchmark::DoNotOptimize(topology.rail_group_of(rank));
  }
}
BENCHMARK(ask_topology);

/// A plan whose program this group has used before, as on every call but the first.
void find_plan(benchmark::State& state) {
  mics::program_cache programs;
  const imagined group(3, partition_size, node_size, programs);
  std::size_t bytes = std::size_t{1} << 20;
  for (auto _ : state) {
    benchmark::DoNotOptimize(bytes);
    benchmark::DoNotOptimize(mics::plan_for(group, mics::operation::all_gather, bytes));
  }
}
BENCHMARK(find_plan);

/// The first call of a kind: its program is compiled.
void make_plan(benchmark::State& state) {
  for (auto _ : state) {
    mics::program_cache programs;
    const imagined group(3, partition_size, node_size, programs);
    benchmark::DoNotOptimize(mics::plan_for(group, mics::operation::all_gather, std::size_t{1} << 20));
  }
}
BENCHMARK(make_plan);

}  // namespace
