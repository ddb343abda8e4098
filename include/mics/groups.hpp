#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include <mics/communicator.hpp>
#include <mics/error.hpp>
#include <mics/topology.hpp>

namespace mics {

/// How the world is to be cut; 0 means what the transport knows (node size) or the whole world (partition size).
struct group_options {
  int node_size = 0;
  int partition_size = 0;
};

/// The groups that `groups` makes of a world.
enum class group_kind : std::uint8_t { partition, replication, node, rail };

inline constexpr int group_kind_count = 4;

namespace detail {

/// The geometry of a world: nodes of `node_size`, or where that is 0 as its transport knows them.
template <communicator C> topology topology_of(const C& world, int node_size, int partition_size) {
  if (node_size != 0) return topology::uniform(world.size(), node_size, partition_size);
  if constexpr (requires { world.ranks_per_node(); }) {
    return topology::uneven(world.ranks_per_node(), partition_size);
  } else {
    return topology::uniform(world.size(), world.shape().node_size, partition_size);
  }
}

/// How a group of `ranks` lies on the nodes of a topology. O(1) where nodes are uniform and the ranks spread evenly.
inline group_shape shape_in(const topology& world, const rank_range& ranks, int index) {
  const int k = world.node_size();
  const bool spread =
      k > 0 && ranks.stride > 1 && (ranks.stride >= k || (k % ranks.stride == 0 && ranks.first < ranks.stride));
  if (spread) {
    const int in_a_node = std::max(1, k / ranks.stride);
    if (ranks.size % in_a_node == 0) return {index, ranks.size, ranks.size / in_a_node, in_a_node, {}};
  }
  return shape_on_nodes(index, ranks.size, [&](int member) { return world.node_of(ranks[member]); });
}

}  // namespace detail

/// The communicators of one rank: world, partition, replication, node and rail. Each is made at its first use, which is
/// therefore collective: all ranks of the world ask for the same group at the same point. Making `groups` itself is
/// arithmetic and costs no communication. Throws topology_error for a geometry that cannot exist; one that no hierarchy
/// can serve works, flat, and `topology().flat_reason(rank)` says why. Ranks that bring different geometries, each of
/// them possible, are found when the first group is made: all throw usage_error, which names two of them and what they
/// say.
template <communicator C> class groups {
 public:
  using communicator_type = C;

  groups(const C& world, group_options options = {})
      : world_(world),
        topology_(detail::topology_of(world, options.node_size,
                                      options.partition_size != 0 ? options.partition_size : world.size())) {}
  groups(const C& world, mics::topology geometry) : world_(world), topology_(std::move(geometry)) {
    if (topology_.world_size() == world.size()) return;
    throw topology_error("a topology of " + std::to_string(topology_.world_size()) + " ranks for a world of " +
                         std::to_string(world.size()));
  }

  [[nodiscard]] const mics::topology& topology() const noexcept { return topology_; }

  /// All ranks. It keeps the shape that its transport knows.
  [[nodiscard]] C world() const { return world_; }

  /// The p ranks that together hold one replica of the model state; hierarchical where they span nodes evenly.
  [[nodiscard]] C partition() { return get(group_kind::partition); }

  /// The N/p ranks that hold the same shard.
  [[nodiscard]] C replication() { return get(group_kind::replication); }

  /// The ranks of this node inside the partition.
  [[nodiscard]] C node() { return get(group_kind::node); }

  /// The ranks with the same local rank, one a node, inside the partition.
  [[nodiscard]] C rail() { return get(group_kind::rail); }

  /// Makes the partition and the replication group now, unless they exist. Collective over the world.
  /// One thread that drives several GPUs calls it for each of them inside a mics::nccl::together, whose run() makes the
  /// groups of all at once; until then this object stays where it is.
  void prepare() {
    prepare(group_kind::partition);
    prepare(group_kind::replication);
  }

  /// The same for one of the groups. The node and rail groups need the partition group to be there.
  void prepare(group_kind kind) {
    if (made_[index(kind)]) return;
    const C parent = parent_of(kind);
    if constexpr (requires { &C::split_later; }) {
      const rank_range ranks = ranks_of(kind);
      parent.split_later(
          ranks.first, world_.rank(), label(kind, ranks), [this, kind](owner made) { keep(kind, std::move(made)); },
          topology_.digest());
    } else {
      static_cast<void>(get(kind));
    }
  }

  /// How many communicators have been made so far, the world not counted.
  [[nodiscard]] int created() const noexcept { return created_; }

  /// The geometry as this rank sees it, and what has been made, in words.
  [[nodiscard]] std::string describe() const {
    return topology_.describe(world_.rank()) + "\ncommunicators made: " + std::to_string(created_);
  }

 private:
  using owner = typename C::owner_type;

  static constexpr std::size_t index(group_kind kind) noexcept { return static_cast<std::size_t>(kind); }

  C get(group_kind kind) {
    auto& group = made_[index(kind)];
    if (!group) {
      const rank_range ranks = ranks_of(kind);
      keep(kind, split(parent_of(kind), ranks, label(kind, ranks)));
    }
    return *group;
  }

  owner split(const C& parent, const rank_range& ranks, std::string name) const {
    if constexpr (requires { parent.split(0, 0, name, topology_.digest()); }) {
      return parent.split(ranks.first, world_.rank(), std::move(name), topology_.digest());
    } else {
      return parent.split(ranks.first, world_.rank(), std::move(name));
    }
  }

  void keep(group_kind kind, owner made) {
    made.set_shape(shape_of(kind));
    made_[index(kind)] = std::move(made);
    ++created_;
  }

  /// What a group is split off from.
  C parent_of(group_kind kind) {
    return kind == group_kind::partition || kind == group_kind::replication ? world_ : partition();
  }

  [[nodiscard]] rank_range ranks_of(group_kind kind) const {
    const int rank = world_.rank();
    switch (kind) {
      case group_kind::partition:
        return topology_.partition_of(rank);
      case group_kind::replication:
        return topology_.replication_of(rank);
      case group_kind::node:
        return topology_.node_group_of(rank);
      case group_kind::rail:
        break;
    }
    return topology_.rail_group_of(rank);
  }

  [[nodiscard]] group_shape shape_of(group_kind kind) const {
    if (kind == group_kind::partition) return partition_shape();
    const rank_range ranks = ranks_of(kind);
    return detail::shape_in(topology_, ranks, ranks.index_of(world_.rank()));
  }

  static std::string label(group_kind kind, const rank_range& ranks) {
    constexpr const char* names[group_kind_count] = {"partition", "replication", "node", "rail"};
    return std::string(names[index(kind)]) + " {" + ranks.describe() + "}";
  }

  [[nodiscard]] group_shape partition_shape() const {
    const int rank = world_.rank();
    const hierarchy h = topology_.hierarchy_of(rank);
    return {topology_.partition_of(rank).index_of(rank), topology_.partition_size(), h.nodes, h.node_size,
            topology_.flat_reason(rank)};
  }

  C world_;
  mics::topology topology_;
  std::array<std::optional<owner>, group_kind_count> made_{};
  int created_ = 0;
};

template <communicator C> groups(const C&, group_options) -> groups<typename C::ref_type>;
template <communicator C> groups(const C&) -> groups<typename C::ref_type>;
template <communicator C> groups(const C&, topology) -> groups<typename C::ref_type>;

}  // namespace mics
