#pragma once

#include <algorithm>
#include <limits>
#include <memory>
#include <type_traits>
#include <vector>

// The CMake component says so where hwloc can be linked; a header alone is not enough. Without: all cards equally far.
#if defined(MICS_HAS_HWLOC)
#include <hwloc.h>
#endif

namespace mics::libfabric {

/// Where a card is plugged in.
struct pci_place {
  bool known = false;
  unsigned domain = 0, bus = 0, device = 0, function = 0;
};

#if defined(MICS_HAS_HWLOC)

namespace detail {

struct destroy_topology {
  void operator()(hwloc_topology_t t) const noexcept { hwloc_topology_destroy(t); }
};
using topology_handle = std::unique_ptr<std::remove_pointer_t<hwloc_topology_t>, destroy_topology>;

struct free_bitmap {
  void operator()(hwloc_bitmap_t b) const noexcept { hwloc_bitmap_free(b); }
};
using bitmap_handle = std::unique_ptr<std::remove_pointer_t<hwloc_bitmap_t>, free_bitmap>;

}  // namespace detail

/// How far a card is from a set of processors: how many levels of the machine (core, caches, package) one must climb
/// from the smallest part that holds them all to the smallest that holds the card too. Unknown cards are farthest.
[[nodiscard]] inline int distance(hwloc_topology_t machine, hwloc_const_cpuset_t from, const pci_place& card) {
  constexpr int farthest = std::numeric_limits<int>::max();
  if (!card.known) return farthest;
  const hwloc_obj_t device = hwloc_get_pcidev_by_busid(machine, card.domain, card.bus, card.device, card.function);
  const hwloc_obj_t here = hwloc_get_obj_covering_cpuset(machine, from);
  if (device == nullptr || here == nullptr) return farthest;
  const hwloc_obj_t beside = hwloc_get_non_io_ancestor_obj(machine, device);
  return here->depth - hwloc_get_common_ancestor_obj(machine, here, beside)->depth;
}

/// Of each card from where this process may run. The same for all when it may run everywhere, or this machine cannot be
/// read.
[[nodiscard]] inline std::vector<int> distances_of(const std::vector<pci_place>& cards) {
  std::vector<int> distances(cards.size(), 0);
  if (std::none_of(cards.begin(), cards.end(), [](const pci_place& card) { return card.known; })) return distances;
  hwloc_topology_t made = nullptr;
  if (hwloc_topology_init(&made) != 0) return distances;
  const detail::topology_handle machine(made);
  const detail::bitmap_handle allowed(hwloc_bitmap_alloc());
  hwloc_topology_set_io_types_filter(made, HWLOC_TYPE_FILTER_KEEP_IMPORTANT);
  if (!allowed || hwloc_topology_load(made) != 0) return distances;
  if (hwloc_get_cpubind(made, allowed.get(), HWLOC_CPUBIND_PROCESS) != 0) return distances;
  for (std::size_t i = 0; i < cards.size(); ++i) distances[i] = distance(made, allowed.get(), cards[i]);
  return distances;
}

#else

[[nodiscard]] inline std::vector<int> distances_of(const std::vector<pci_place>& cards) {
  return std::vector<int>(cards.size(), 0);
}

#endif

}  // namespace mics::libfabric
