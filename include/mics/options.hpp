#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace mics {

/// How a collective moves its data; `automatic` lets the plan choose.
enum class algorithm : std::uint8_t {
  automatic,
  direct,        ///< every rank exchanges with every other one, in one step
  ring,          ///< size - 1 steps to the neighbour: fewest bytes over each link of a flat group
  bruck,         ///< all-gather in log2(size) steps: small sizes
  halving,       ///< reduce-scatter in log2(size) steps, power-of-two groups: small sizes
  doubling,      ///< all-reduce in log2(size) steps: small sizes
  exchange,      ///< all-reduce in one step: everyone sends everything to everyone, tiny sizes
  tree,          ///< broadcast: binomial
  hierarchical,  ///< MiCS: rail stage between nodes, node stage inside
  leader,        ///< the same, but one rank of each node speaks for all of it, in one message: small sizes
  native,        ///< the flat collective of the library below, where the transport has one (NCCL)
};

constexpr std::string_view name_of(algorithm how) noexcept {
  switch (how) {
    case algorithm::automatic:
      return "automatic";
    case algorithm::direct:
      return "direct";
    case algorithm::ring:
      return "ring";
    case algorithm::bruck:
      return "bruck";
    case algorithm::halving:
      return "halving";
    case algorithm::doubling:
      return "doubling";
    case algorithm::exchange:
      return "exchange";
    case algorithm::tree:
      return "tree";
    case algorithm::hierarchical:
      return "hierarchical";
    case algorithm::leader:
      return "leader";
    case algorithm::native:
      return "native";
  }
  return "unknown";
}

/// The type in which partial sums of 16-bit floats travel and add up.
enum class accumulation : std::uint8_t {
  native,   ///< each fold computes in float and rounds its result once; partial results travel in 16 bits
  widened,  ///< partial results stay float until the end: one rounding in all, twice the bytes, and
            ///< float copies of both buffers while the call runs
};

/// Choices of one call; every rank of the group must make the same ones.
struct collective_options {
  algorithm how = algorithm::automatic;
  algorithm on_rail = algorithm::automatic;  ///< of the rail stage: direct, ring, native, exchange
  /// Piece of a block that moves at once: stages overlap piece by piece. 0: chosen by the plan.
  std::size_t chunk_bytes = 0;
  accumulation accumulate = accumulation::native;
  std::optional<bool> checked{};         ///< compare the call among all ranks first; default: the communicator's
  std::chrono::milliseconds timeout{0};  ///< deadline of every wait; 0: the communicator's
};

}  // namespace mics
