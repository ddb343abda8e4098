#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include <rdma/fi_domain.h>

#include <mics/transport/libfabric/rail/handles.hpp>

namespace mics::libfabric {

/// What the network does with memory.
enum class memory_use : std::uint8_t {
  sent,     ///< reads it
  written,  ///< writes it, and may read it
};

/// What of an endpoint its registrations need.
struct registrar {
  fid_domain* domain = nullptr;
  fid_ep* endpoint = nullptr;
  int mode = 0;  ///< mr_mode as the provider answered
  int rank = -1;
  bool one_sided = false;
  std::uint64_t next_key = 1;
  std::uint64_t made = 0;    ///< registrations so far
  std::uint64_t pooled = 0;  ///< those of them of memory that the transport made for itself, and keeps

  /// Must memory be registered that this rank sends from, and receives into by message?
  [[nodiscard]] bool local() const noexcept { return (mode & FI_MR_LOCAL) != 0; }
  /// Must memory be registered that messages are to land in?
  [[nodiscard]] bool landings() const noexcept { return one_sided || local(); }

  [[nodiscard]] std::uint64_t access(memory_use use) const noexcept {
    const std::uint64_t sent = FI_SEND | (one_sided ? FI_WRITE : 0);
    return use == memory_use::sent ? sent : sent | FI_RECV | (one_sided ? FI_REMOTE_WRITE : 0);
  }
};

/// Memory that the provider may read or write: registered with the bits of mr_mode that it asked for.
class registration {
 public:
  registration() = default;
  registration(registrar& at, std::span<const std::byte> memory, memory_use use = memory_use::written)
      : begin_(memory.data()) {
    mr_ = opened<fid_mr>("fi_mr_reg", at.rank, [&](fid_mr** place) {
      return fi_mr_reg(at.domain, memory.data(), memory.size(), at.access(use), 0, at.next_key++, 0, place, nullptr);
    });
    if ((at.mode & FI_MR_ENDPOINT) != 0) {
      check(fi_mr_bind(mr_.get(), &at.endpoint->fid, 0), "fi_mr_bind", at.rank);
      check(fi_mr_enable(mr_.get()), "fi_mr_enable", at.rank);
    }
    ++at.made;
    virtual_ = (at.mode & FI_MR_VIRT_ADDR) != 0;
  }

  [[nodiscard]] bool exists() const noexcept { return mr_ != nullptr; }
  /// For work that reads or writes the memory here.
  [[nodiscard]] void* descriptor() const noexcept { return mr_ ? fi_mr_desc(mr_.get()) : nullptr; }
  /// For a peer that writes it.
  [[nodiscard]] std::uint64_t key() const noexcept { return fi_mr_key(mr_.get()); }
  [[nodiscard]] std::uint64_t address_of(const std::byte* at) const noexcept {
    return virtual_ ? reinterpret_cast<std::uintptr_t>(at) : static_cast<std::uint64_t>(at - begin_);
  }

 private:
  handle<fid_mr> mr_{};
  const std::byte* begin_ = nullptr;
  bool virtual_ = false;
};

}  // namespace mics::libfabric
