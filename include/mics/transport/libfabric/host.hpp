#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include <mics/transport/libfabric/failure.hpp>
#include <mics/transport/libfabric/known_memory.hpp>
#include <mics/transport/libfabric/node/region.hpp>
#include <mics/transport/libfabric/rail/endpoint.hpp>
#include <mics/transport/libfabric/settings.hpp>

namespace mics::libfabric {

/// What one rank has once, for all its groups: who and where everybody is, the endpoint to other nodes, the shared
/// memory of this process, and the failure that ends everything.
struct host {
  settings chosen{};
  int rank = 0;
  std::vector<int> node_of{};             ///< of each rank of the world
  std::vector<process_name> processes{};  ///< likewise
  bool crowded = false;                   ///< more ranks than cores here: who waits gives way at once
  failure_state failure{};
  std::unique_ptr<rail_endpoint> rail{};  ///< null: nobody is beyond the shared memory of this node
  known_memory memory{};
  std::atomic<std::uint32_t> groups_made{0};

  /// Does this rank reach another one through shared memory?
  [[nodiscard]] bool near(int other) const noexcept {
    return chosen.share_memory && node_of[static_cast<std::size_t>(other)] == node_of[static_cast<std::size_t>(rank)];
  }
  [[nodiscard]] process_name self() const noexcept { return processes[static_cast<std::size_t>(rank)]; }
  /// A number that no other group has, of which this rank is the first member.
  [[nodiscard]] std::uint64_t new_group_id() noexcept {
    return (static_cast<std::uint64_t>(rank) << 32 | ++groups_made) + 1;
  }
};

/// Memory of this process among what its host knows, for as long as this lives: registered, where there is a network.
class listed_memory {
 public:
  listed_memory() = default;
  listed_memory(std::shared_ptr<host> at, known_range range) : host_(std::move(at)) {
    if (host_->rail) {
      known_ = std::make_unique<registration>(host_->rail->enroll({range.begin, range.bytes}, range.use));
      range.known_to_rail = known_.get();
    }
    number_ = host_->memory.add(range);
  }
  ~listed_memory() {
    if (!host_) return;
    host_->memory.remove(number_);
    if (known_) host_->rail->forget(std::move(*known_));
  }
  listed_memory(listed_memory&&) noexcept = default;
  listed_memory& operator=(listed_memory&& other) noexcept {
    std::swap(host_, other.host_);
    std::swap(known_, other.known_);
    std::swap(number_, other.number_);
    return *this;
  }

 private:
  std::shared_ptr<host> host_{};
  std::unique_ptr<registration> known_{};
  std::uint64_t number_ = 0;
};

/// A region of this process that its neighbours read directly and the network reaches without further registration.
class shared_block {
 public:
  shared_block() = default;
  shared_block(std::shared_ptr<host> at, std::size_t bytes) : region_(at->self(), bytes) {
    listed_ = listed_memory(std::move(at), {.begin = region_.data(), .bytes = bytes, .region = region_.name()});
  }

  [[nodiscard]] std::byte* data() const noexcept { return region_.exists() ? region_.data() : nullptr; }

 private:
  own_region region_{};
  listed_memory listed_{};  // behind the region: gone first
};

}  // namespace mics::libfabric
