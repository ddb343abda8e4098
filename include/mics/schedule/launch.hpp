#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <mics/options.hpp>
#include <mics/schedule/part.hpp>
#include <mics/types.hpp>

namespace mics::schedule {

/// What every rank of a group must agree on before data may move; small enough to be compared at every call.
struct signature {
  operation what = operation::barrier;
  data_type type = data_type::uint8;
  data_type moved = data_type::uint8;  ///< what travels: wider than `type` when partial sums are widened
  reduction reduce = reduction::sum;
  algorithm how = algorithm::direct;
  std::uint8_t shown_blocks = 0;
  std::uint16_t registered = 0;  ///< calls that a transport runs in another way because their memory is registered
  std::int32_t root = 0;
  std::int32_t chunks = 1;
  std::int32_t nodes = 1;                       ///< on which the rank believes the group to lie
  std::uint32_t calls = 1;                      ///< more than one: a batch, of which the first call is shown
  std::uint64_t elements = 0;                   ///< of the whole result or input
  std::array<std::uint64_t, 8> first_blocks{};  ///< lengths of the first ranks' blocks
  std::uint64_t fingerprint = 0;                ///< of all blocks and all calls of a batch

  bool operator==(const signature&) const = default;

  [[nodiscard]] std::string describe() const {
    std::string text =
        std::string(name_of(what)) + " of " + std::to_string(elements) + " x " + std::string(name_of(type));
    const bool reduces = what == operation::reduce_scatter || what == operation::all_reduce;
    if (reduces) text += ", " + std::string(name_of(reduce));
    if (moved != type) text += " widened to " + std::string(name_of(moved));
    if (what == operation::broadcast) text += ", root " + std::to_string(root);
    text += ", " + std::string(name_of(how)) + " in " + std::to_string(chunks) + " chunks on " + std::to_string(nodes) +
            " nodes, blocks of";
    for (std::size_t block = 0; block < shown_blocks; ++block) text += " " + std::to_string(first_blocks[block]);
    if (registered > 0) text += ", in registered memory";
    if (calls > 1) text += ", the first of " + std::to_string(calls) + " calls in a batch";
    return text + " (all details: " + std::to_string(fingerprint % 100000) + ")";
  }
};

/// Low-precision input that is to be added up as float: converted before the programs run, and back afterwards.
struct widening {
  std::size_t part = 0;
  data_type narrow = data_type::float16;
  const std::byte* input = nullptr;
  std::byte* output = nullptr;
  std::size_t input_count = 0;
  std::size_t output_count = 0;
};

/// What a rank says of a launch before data move, and the all-gather by which all learn it.
struct comparison {
  signature own{};
  const program* gather = nullptr;
};

/// Everything that a transport needs to run one or several collectives as one: nothing in it refers to the caller's
/// stack, so it may run later, in the order of a stream.
struct launch {
  launch() noexcept {}  // not defaulted: as that of part

  std::vector<part> parts{};
  std::vector<widening> widened{};
  operation what = operation::barrier;   ///< of the first
  bool internal = false;                 ///< the exchange of a split: not counted among the caller's bytes
  std::optional<comparison> compared{};  ///< first of all; none: trust the caller
  std::chrono::milliseconds timeout{0};
};

}  // namespace mics::schedule
