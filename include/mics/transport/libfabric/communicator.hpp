#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <mics/communicator.hpp>
#include <mics/detail/owning.hpp>
#include <mics/error.hpp>
#include <mics/plan/recipe.hpp>
#include <mics/topology/digest.hpp>
#include <mics/transport/host/handle.hpp>
#include <mics/transport/libfabric/member.hpp>
#include <mics/transport/thread/stream.hpp>

namespace mics::libfabric {

using thread::event;
using thread::stream;
using thread::stream_ref;

class communicator;

/// A communicator without ownership: copyable, and of no use once its owner is gone (then every use throws
/// usage_error). Collectives accept it and `communicator` alike.
class communicator_ref : public mics::host::handle<member> {
 public:
  using owner_type = communicator;
  using ref_type = communicator_ref;
  /// Of a group that spans nodes. Inside a node ranks read each other's memory: see choose().
  static constexpr transport_traits traits{.dear_messages = true};

  communicator_ref() = default;

  [[nodiscard]] std::chrono::milliseconds timeout() const { return alive().at().chosen.timeout; }
  [[nodiscard]] bool checked() const { return alive().at().chosen.checked; }

  /// How a collective of this group runs; the same on every rank.
  [[nodiscard]] plan_choice choose(const plan_request& request) const {
    const member& m = alive();
    transport_traits here = traits;
    if (m.ranks().all_near()) {
      here.direct_reads = true;
      here.shown_at_once = mics::host::meeting::most_bytes;
    }
    plan_choice chosen = mics::choose(request, m.shape(), here);
    if (request.chunk_bytes == 0) chosen.chunk_bytes = chunk_of(request.block_bytes);
    return chosen;
  }

  /// The all-gather by which all ranks learn a small value of each: before a split, and before a call that is compared.
  /// In one step inside a node and among few ranks; else in log2(size) steps, in which a rank has to do with at most
  /// 2 log2(size) others, so that no rank is connected to all of a large group only because the group exists.
  /// The same on every rank, whatever shapes the ranks believe in: that is among the things they compare.
  [[nodiscard]] mics::recipe small_gather() const {
    const group& all = alive().ranks();
    const bool at_once = all.all_near() || all.size() <= few_ranks;
    return {.what = operation::all_gather, .how = at_once ? algorithm::direct : algorithm::bruck};
  }

  /// How many of the ranks lie on each node, in order.
  [[nodiscard]] std::vector<int> ranks_per_node() const {
    const group& all = alive().ranks();
    return mics::detail::runs_of_nodes(all.size(), [&all](int member) { return all.node_of(member); });
  }

  /// What carries messages between nodes, e.g. "efa"; empty where nothing does.
  [[nodiscard]] std::string provider() const {
    const host& h = alive().at();
    return h.rail ? h.rail->provider_name() : std::string();
  }

  /// Makes a communicator of the ranks with the same colour, ordered by key and then by rank. Collective, blocking.
  /// Throws usage_error on every rank when the ranks bring different geometries.
  [[nodiscard]] communicator split(int colour, int key, std::string name = {},
                                   const topology_digest& geometry = {}) const;

 protected:
  explicit communicator_ref(std::shared_ptr<member> state) : handle(std::move(state)) {}

 private:
  friend class registered_buffer;
  friend class shared_memory;

  static constexpr int few_ranks = 8;  ///< log2(8) steps would spare one peer of 7

  /// Stages overlap chunk by chunk, so blocks are cut, unless a part would be too small to be worth its announcement.
  static std::size_t chunk_of(std::size_t block_bytes) noexcept {
    constexpr std::size_t chunks = 8, least = std::size_t{32} << 10, most = std::size_t{256} << 10;
    return block_bytes <= 2 * least ? most : std::clamp(block_bytes / chunks, least, most);
  }
};

/// Owns a rank's membership in a group: move-only; when it goes, its refs throw.
class communicator : public mics::detail::owning<communicator_ref> {
 public:
  using mics::detail::owning<communicator_ref>::owning;
};

}  // namespace mics::libfabric

#include <mics/transport/libfabric/split.hpp>
