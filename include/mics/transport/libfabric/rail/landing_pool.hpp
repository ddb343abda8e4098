#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <deque>
#include <memory>
#include <span>
#include <vector>

#include <mics/transport/libfabric/rail/registration.hpp>

namespace mics::libfabric {

/// Registered memory, taken and given back; it grows to what was needed at once, and is kept.
class landing_pool {
 public:
  struct piece {
    std::span<std::byte> memory{};
    registration known{};
  };

  explicit landing_pool(registrar& at) : registrar_(&at) {}

  [[nodiscard]] piece* take(std::size_t bytes) {
    std::vector<piece*>& free = free_[size_class(bytes)];
    if (free.empty()) return make(std::size_t{1} << size_class(bytes));
    piece* const taken = free.back();
    free.pop_back();
    return taken;
  }

  void give_back(piece* p) { free_[size_class(p->memory.size())].push_back(p); }

 private:
  static std::size_t size_class(std::size_t bytes) noexcept {
    return static_cast<std::size_t>(std::bit_width(bytes - 1));
  }

  piece* make(std::size_t bytes) {
    auto& memory = memory_.emplace_back(new std::byte[bytes]);
    piece& made = pieces_.emplace_back();
    made.memory = {memory.get(), bytes};
    made.known = registration(*registrar_, made.memory);
    ++registrar_->pooled;
    return &made;
  }

  registrar* registrar_;
  std::deque<std::unique_ptr<std::byte[]>> memory_{};
  std::deque<piece> pieces_{};  // behind the memory: gone first
  std::array<std::vector<piece*>, 65> free_{};
};

}  // namespace mics::libfabric
