#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <rdma/fabric.h>
#include <rdma/fi_domain.h>
#include <rdma/fi_endpoint.h>

#include <mics/error.hpp>
#include <mics/transport/libfabric/rail/handles.hpp>
#include <mics/transport/libfabric/rail/nearest_card.hpp>
#include <mics/transport/libfabric/settings.hpp>

namespace mics::libfabric {

/// A provider of reliable datagram endpoints, and the network interface to use.
struct provider {
  info_list all{};                  ///< keeps those below
  std::vector<fi_info*> nearest{};  ///< cards that are equally good for this rank
  fi_info* chosen = nullptr;        ///< one of them
  bool one_sided = false;           ///< has FI_RMA

  [[nodiscard]] std::string name() const { return chosen->fabric_attr->prov_name; }

  /// The equally good cards, in words: the same for two ranks of a node that should take turns.
  [[nodiscard]] std::string cards() const {
    std::string names;
    for (const fi_info* card : nearest) names += (names.empty() ? "" : " ") + std::string(card->domain_attr->name);
    return names;
  }

  /// See turn_of().
  void take_turn(std::size_t turn) noexcept { chosen = nearest[turn % nearest.size()]; }
};

namespace detail {

inline std::string chosen_or(const std::string& given, const char* variable) {
  if (!given.empty()) return given;
  const char* const found = std::getenv(variable);
  return found == nullptr ? std::string() : found;
}

/// What libfabric calls sent must have left the process: a rank that has sent all may do other things for long, and
/// nobody would serve the rest. The TCP providers copy small messages that find their socket full into a buffer of
/// their own, and call them sent; of size 0 it takes none. They read this when they are first asked for. What is set
/// stays.
inline void turn_off_staging() {
  static const bool done = [] {
    for (const char* const size : {"FI_NET_STAGING_SBUF_SIZE", "FI_TCP_STAGING_SBUF_SIZE"}) ::setenv(size, "0", 0);
    return true;
  }();
  static_cast<void>(done);
}

/// What a provider of this name offers; null if it is not there, or cannot do what is asked.
inline info_list offers_of(const std::string& name, const std::string& address, bool one_sided) {
  const info_list hints(fi_allocinfo());
  if (!hints) return nullptr;
  hints->caps = FI_MSG | FI_TAGGED | (one_sided ? FI_RMA : 0);
  hints->mode = FI_CONTEXT | FI_CONTEXT2;
  hints->ep_attr->type = FI_EP_RDM;
  hints->fabric_attr->prov_name = ::strdup(name.c_str());
  hints->domain_attr->threading = FI_THREAD_DOMAIN;
  hints->domain_attr->resource_mgmt = FI_RM_ENABLED;
  hints->domain_attr->mr_mode = FI_MR_LOCAL | FI_MR_VIRT_ADDR | FI_MR_ALLOCATED | FI_MR_PROV_KEY | FI_MR_ENDPOINT;
  fi_info* found = nullptr;
  const bool bound = !address.empty();
  if (fi_getinfo(FI_VERSION(1, 15), bound ? address.c_str() : nullptr, nullptr, bound ? FI_SOURCE : 0, hints.get(),
                 &found) != 0) {
    return nullptr;
  }
  return info_list(found);
}

/// The cards for this rank, where the provider is made for cards. (A TCP provider lists whatever has an address: the
/// first is the one to use.)
inline std::vector<fi_info*> cards_for(fi_info* first) {
  const std::string_view name = first->fabric_attr->prov_name;
  if (name.find("tcp") != name.npos || name.find("net") != name.npos || name.find("udp") != name.npos) return {first};
  return nearest_offers(first);
}

}  // namespace detail

/// The first of efa, verbs;ofi_rxm, net, tcp and tcp;ofi_rxm that is there, or the one asked for; never sockets. Of its
/// nearest cards the first, until the rank takes its turn.
/// Throws transport_error when there is none, usage_error for sockets.
inline provider choose_provider(const settings& chosen) {
  const std::string asked = detail::chosen_or(chosen.provider, "MICS_FABRIC_PROVIDER");
  const std::string address = detail::chosen_or(chosen.address, "MICS_FABRIC_ADDRESS");
  if (asked.find("sockets") != asked.npos) {
    throw usage_error("provider '" + asked + "' was asked for; it takes milliseconds a message: take net or tcp");
  }
  detail::turn_off_staging();
  std::vector<std::string> names{"efa", "verbs;ofi_rxm", "net", "tcp", "tcp;ofi_rxm"};
  if (!asked.empty()) names = {asked};
  for (const std::string& name : names) {
    for (const bool one_sided : {true, false}) {
      if (one_sided && !chosen.one_sided) continue;
      info_list offers = detail::offers_of(name, address, one_sided);
      if (!offers || std::string_view(offers->fabric_attr->prov_name).find("sockets") != std::string_view::npos)
        continue;
      std::vector<fi_info*> cards = detail::cards_for(offers.get());
      fi_info* const first = cards.front();
      return {std::move(offers), std::move(cards), first, one_sided};
    }
  }
  std::string tried;
  for (const std::string& name : names) tried += (tried.empty() ? "" : ", ") + name;
  throw transport_error("libfabric has no provider for reliable datagrams" +
                        (address.empty() ? std::string() : " at address " + address) + "; tried: " + tried);
}

}  // namespace mics::libfabric
