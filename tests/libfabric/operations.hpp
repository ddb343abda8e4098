#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <mics/mics.hpp>
#include <mics/training.hpp>
#include <mics/transport/libfabric.hpp>

namespace mics::test {

/// What ranks do again and again until one of them dies, stops or is cut off.
inline constexpr std::array<std::string_view, 7> all_operations{
    "all_gather", "reduce_scatter", "all_reduce", "broadcast", "barrier", "batch", "gradient_sync"};

/// Gradients of two micro-steps; a partition is what shares a node.
class training_step {
 public:
  training_step(const libfabric::communicator_ref& world, std::size_t elements)
      : groups_(world, {.partition_size = world.shape().node_size}),
        sync_(groups_, shard_layout({elements}, world.shape().node_size)),
        gradients_(sync_.layout().flat_elements()) {}

  void operator()() {
    sync_.accumulate(gradients_);
    sync_.accumulate(gradients_);
    sync_.synchronize();
    sync_.reset();
  }

 private:
  mics::groups<libfabric::communicator_ref> groups_;
  gradient_sync<mics::groups<libfabric::communicator_ref>> sync_;
  std::vector<float> gradients_;
};

/// An operation as a function to call, on blocks of so many elements. Collective, as is what it returns.
inline std::function<void()> operation_of(std::string_view name, const libfabric::communicator_ref& world,
                                          std::size_t block) {
  struct buffers {
    std::vector<float> part, all;
  };
  const std::size_t total = block * static_cast<std::size_t>(world.size());
  const auto of = std::make_shared<buffers>(buffers{std::vector<float>(block), std::vector<float>(total)});
  if (name == "all_gather") return [=] { all_gather(world, of->part, of->all); };
  if (name == "reduce_scatter") return [=] { reduce_scatter(world, of->all, of->part, reduction::sum); };
  if (name == "all_reduce") return [=] { all_reduce(world, of->all, of->all, reduction::sum); };
  if (name == "broadcast") return [=] { broadcast(world, of->all, 0); };
  if (name == "barrier") return [=] { barrier(world); };
  if (name == "batch") {
    const auto more = std::make_shared<buffers>(*of), last = std::make_shared<buffers>(*of);
    return [=] {
      batch calls(world);
      calls.all_gather(of->part, of->all).reduce_scatter(more->all, more->part, reduction::sum);
      calls.all_reduce(last->all, last->all, reduction::sum).broadcast(last->part, 0).run();
    };
  }
  if (name == "gradient_sync") return [step = std::make_shared<training_step>(world, total)] { (*step)(); };
  throw std::logic_error("no operation " + std::string(name));
}

}  // namespace mics::test
