#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <span>
#include <vector>

#include <rdma/fabric.h>

#include <mics/transport/libfabric/rail/card_distance.hpp>

namespace mics::libfabric {

/// Which of a node's network cards a rank uses: the nearest ones serve the node's ranks in turn, rank i of the node by
/// card i modulo their number. `distances`: of each card from this rank, the less the nearer; all the same where
/// nothing is known. Local to the rank: a peer does not care by which card it is written to.
[[nodiscard]] inline std::size_t nearest_card(std::span<const int> distances, int local_rank) {
  const int least = *std::min_element(distances.begin(), distances.end());
  const auto near = std::count(distances.begin(), distances.end(), least);
  auto turn = static_cast<std::ptrdiff_t>(local_rank) % near;
  std::size_t card = 0;
  while (distances[card] != least || turn-- > 0) ++card;
  return card;
}

/// The cards among a provider's offers, by their first offer: those of the first offer's provider, without the ones
/// that say their link is down. (If all do, none is left out: some say so until they are used.)
[[nodiscard]] inline std::vector<fi_info*> cards_of(fi_info* first) {
  std::vector<fi_info*> all, up;
  for (fi_info* offer = first; offer != nullptr; offer = offer->next) {
    if (std::strcmp(offer->fabric_attr->prov_name, first->fabric_attr->prov_name) != 0) continue;
    const bool known = std::any_of(all.begin(), all.end(), [&](const fi_info* card) {
      return std::strcmp(card->domain_attr->name, offer->domain_attr->name) == 0;
    });
    if (known) continue;
    all.push_back(offer);
    const fi_link_attr* const link = offer->nic != nullptr ? offer->nic->link_attr : nullptr;
    if (link == nullptr || link->state != FI_LINK_DOWN) up.push_back(offer);
  }
  return up.empty() ? all : up;
}

/// Where a card is plugged in, if the provider knows.
[[nodiscard]] inline pci_place place_of(const fi_info& card) {
  const fi_bus_attr* const bus = card.nic != nullptr ? card.nic->bus_attr : nullptr;
  if (bus == nullptr || bus->bus_type != FI_BUS_PCI) return {};
  const fi_pci_attr& at = bus->attr.pci;
  return {true, at.domain_id, at.bus_id, at.device_id, at.function_id};
}

/// The offer of the card for this rank.
[[nodiscard]] inline fi_info* nearest_offer(fi_info* first, int local_rank) {
  const std::vector<fi_info*> cards = cards_of(first);
  if (cards.size() == 1) return cards.front();
  std::vector<pci_place> places;
  for (const fi_info* card : cards) places.push_back(place_of(*card));
  return cards[nearest_card(distances_of(places), local_rank)];
}

}  // namespace mics::libfabric
