#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <span>
#include <string>
#include <vector>

#include <rdma/fabric.h>

#include <mics/transport/libfabric/rail/card_distance.hpp>

namespace mics::libfabric {

/// The network cards that are nearest to a rank. `distances`: of each card from it, the less the nearer; all the same
/// where nothing is known. Local to the rank: a peer does not care by which card it is written to.
[[nodiscard]] inline std::vector<std::size_t> nearest_cards(std::span<const int> distances) {
  const int least = *std::min_element(distances.begin(), distances.end());
  std::vector<std::size_t> nearest;
  for (std::size_t card = 0; card < distances.size(); ++card) {
    if (distances[card] == least) nearest.push_back(card);
  }
  return nearest;
}

/// Which of its nearest cards a rank uses: those ranks of a node that are nearest to the same cards take turns,
/// whatever their places among all ranks of the node. (Where launchers deal ranks to sockets in turn, local ranks 0, 2,
/// 4, ... share a socket: by their local ranks they would use every other card.) `cards`: those nearest to each rank,
/// by name; `node_of`: its node.
[[nodiscard]] inline std::size_t turn_of(int rank, std::span<const std::string> cards, std::span<const int> node_of) {
  const auto own = static_cast<std::size_t>(rank);
  std::size_t turn = 0;
  for (std::size_t other = 0; other < own; ++other) {
    if (node_of[other] == node_of[own] && cards[other] == cards[own]) ++turn;
  }
  return turn;
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

/// The offers of the cards that are nearest to this rank.
[[nodiscard]] inline std::vector<fi_info*> nearest_offers(fi_info* first) {
  const std::vector<fi_info*> cards = cards_of(first);
  if (cards.size() == 1) return cards;
  std::vector<pci_place> places;
  for (const fi_info* card : cards) places.push_back(place_of(*card));
  std::vector<fi_info*> nearest;
  for (const std::size_t card : nearest_cards(distances_of(places))) nearest.push_back(cards[card]);
  return nearest;
}

}  // namespace mics::libfabric
