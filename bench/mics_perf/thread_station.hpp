#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <span>
#include <vector>

#include <mics/mics.hpp>

#include "collective.hpp"
#include "memory.hpp"
#include "options.hpp"
#include "station.hpp"

namespace perf {

/// A rank that is a thread: its collectives block, its buffers are the host's.
template <class World> class thread_station {
 public:
  using memory_type = memory;

  thread_station(World& world, const options& chosen)
      : world_(world),
        groups_(world, {.node_size = chosen.node_size, .partition_size = chosen.partition_size()}),
        group_(chosen.replication ? groups_.replication() : groups_.partition()) {}

  [[nodiscard]] memory make_memory(std::size_t bytes) { return memory(bytes); }
  [[nodiscard]] int rank() const { return world_.rank(); }
  [[nodiscard]] const auto& group() const { return group_; }

  void align() { mics::barrier(world_); }
  void start(const exchange& call, const mics::collective_options& how) { collective(group_, call, how); }
  [[nodiscard]] std::function<void()> library_below(const exchange&) {
    throw mics::usage_error("algorithm nccl was asked for, but it needs --transport nccl");
  }
  void finish() {}
  void zero(std::span<std::byte> data) { std::memset(data.data(), 0, data.size()); }

  void fold_numbers(std::vector<std::int64_t>& numbers, fold how) {
    using enum mics::reduction;
    mics::all_reduce(world_, numbers, numbers, how == fold::min ? min : how == fold::max ? max : sum);
  }

  [[nodiscard]] exchange host_view(const exchange& call) { return call; }
  void upload(const exchange&, const exchange&) {}
  void download(const exchange&, const exchange&) {}

 private:
  World& world_;
  decltype(mics::groups(std::declval<World&>(), mics::group_options{})) groups_;
  decltype(groups_.partition()) group_;
};

}  // namespace perf
