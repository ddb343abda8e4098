#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include <mics/schedule/program.hpp>
#include <mics/transport/libfabric/rail/link.hpp>

namespace mics::libfabric {

/// The links of all groups of an endpoint, by the numbers that come back with what peers write.
class link_table {
 public:
  /// A group's link to a peer, made at its first use.
  rail_link& find_or_make(rail_group& group, int peer, std::uint32_t lane) {
    auto& link = group.links[static_cast<std::size_t>(peer) * schedule::lanes + lane];
    if (!link) {
      link = std::make_unique<rail_link>(group, peer, lane, free_index());
      links_[link->index] = link.get();
    }
    return *link;
  }

  /// Its number is free again.
  void remove(const rail_link& link) {
    links_[link.index] = nullptr;
    free_.push_back(link.index);
  }

  /// The place of a message; null: there is no such link (any more).
  [[nodiscard]] landing* place_of(std::uint32_t token) const noexcept {
    const std::size_t index = token / rail_window;
    return index < links_.size() && links_[index] != nullptr ? &links_[index]->place_of(token) : nullptr;
  }

  [[nodiscard]] std::size_t size() const noexcept { return links_.size() - free_.size(); }

 private:
  std::uint32_t free_index() {
    if (free_.empty()) {
      free_.push_back(static_cast<std::uint32_t>(links_.size()));
      links_.push_back(nullptr);
    }
    const std::uint32_t index = free_.back();
    free_.pop_back();
    return index;
  }

  std::vector<rail_link*> links_{};    ///< by index; null: free
  std::vector<std::uint32_t> free_{};  ///< of links whose groups are gone
};

}  // namespace mics::libfabric
