#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <new>

#include <mics/communicator.hpp>

namespace mics::detail {

/// Where a gradient_sync over a communicator of this type keeps what its collectives read and write: cache lines of its
/// own on the heap. A transport that moves other memory better specialises it.
template <communicator C> struct gradient_memory {
  /// All zero; kept by everyone who still has work to do on it.
  template <class T> static std::shared_ptr<T[]> zeros(const C&, std::size_t elements) {
    constexpr std::size_t line = 64;
    auto* raw = static_cast<T*>(::operator new(std::max<std::size_t>(elements, 1) * sizeof(T), std::align_val_t(line)));
    std::uninitialized_value_construct_n(raw, elements);
    return std::shared_ptr<T[]>(raw, [](T* memory) { ::operator delete(memory, std::align_val_t(line)); });
  }
};

}  // namespace mics::detail
