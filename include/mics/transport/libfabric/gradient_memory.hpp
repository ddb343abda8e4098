#pragma once

#include <cstddef>
#include <memory>

#include <mics/training/gradient_memory.hpp>
#include <mics/transport/libfabric/communicator.hpp>
#include <mics/transport/libfabric/shared_memory.hpp>

namespace mics::detail {

/// Memory that the ranks of this node read where it lies.
template <> struct gradient_memory<libfabric::communicator_ref> {
  template <class T> static std::shared_ptr<T[]> zeros(const libfabric::communicator_ref& world, std::size_t elements) {
    const auto memory = std::make_shared<libfabric::shared_memory>(libfabric::allocate<T>(world, elements));
    return std::shared_ptr<T[]>(memory, memory->template as<T>().data());
  }
};

}  // namespace mics::detail
