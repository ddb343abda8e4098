#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <mics/schedule/part.hpp>
#include <mics/types.hpp>

namespace mics::schedule {

/// What every rank of a group must agree on before data may move; small enough to be compared at every call.
struct signature {
  operation what = operation::barrier;
  data_type type = data_type::uint8;
  reduction reduce = reduction::sum;
  std::uint8_t how = 0;
  std::int32_t root = 0;
  std::uint32_t calls = 1;        ///< more than one: a batch, of which the first call is shown
  std::uint32_t padding = 0;      ///< keeps the bytes that travel defined
  std::uint64_t elements = 0;     ///< of the whole result or input
  std::uint64_t fingerprint = 0;  ///< of everything else: counts by rank, chunks, the other calls of a batch

  bool operator==(const signature&) const = default;

  [[nodiscard]] std::string describe() const {
    std::string text =
        std::string(name_of(what)) + " of " + std::to_string(elements) + " x " + std::string(name_of(type));
    if (what == operation::reduce_scatter || what == operation::all_reduce) text += ", " + std::string(name_of(reduce));
    if (what == operation::broadcast) text += ", root " + std::to_string(root);
    if (calls > 1) text += ", the first of " + std::to_string(calls) + " in a batch";
    return text + " (details " + std::to_string(fingerprint % 10000) + ")";
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

/// Everything that a transport needs to run one or several collectives as one: nothing in it refers to the caller's
/// stack, so it may run later, in the order of a stream.
struct launch {
  std::vector<part> parts{};
  std::vector<widening> widened{};
  signature what{};
  const program* agreement = nullptr;  ///< compare signatures first, by this all-gather; null: trust the caller
  std::chrono::milliseconds timeout{0};
};

}  // namespace mics::schedule
