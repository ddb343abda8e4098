#pragma once

#include <cstdint>
#include <type_traits>

#include <mics/options.hpp>
#include <mics/types.hpp>

namespace mics {

/// What synchronize() leaves in the shards.
enum class gradient_result : std::uint8_t {
  mean,  ///< the sum divided by N * s: ranks times micro-steps
  sum,   ///< over all ranks and micro-steps
};

/// Choices of a gradient_sync; every rank must make the same ones.
struct gradient_sync_options {
  gradient_result result = gradient_result::mean;
  collective_options hop_1{};  ///< of the reduce-scatter inside the partition group
  collective_options hop_2{};  ///< of the all-reduce over the replication group
};

/// What gradients add up in unless another type is asked for: double for double, float for all narrower types.
template <transportable Gradient>
using accumulator_for = std::conditional_t<data_type_of<Gradient> == data_type::float64, double, float>;

/// Gradients are floating, and are added up in their own type or in float or double of no smaller width.
template <class Gradient, class Accumulator>
concept accumulates = transportable<Gradient> && transportable<Accumulator> && is_floating(data_type_of<Gradient>) &&
    (data_type_of<Gradient> == data_type_of<Accumulator> ||
     (data_type_of<Accumulator> >= data_type::float32 && sizeof(Accumulator) >= sizeof(Gradient)));

}  // namespace mics
