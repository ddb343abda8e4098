#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include <cuda_runtime_api.h>

#include <mics/collectives/planned_call.hpp>
#include <mics/options.hpp>
#include <mics/transport/nccl/native_call.hpp>
#include <mics/types.hpp>

namespace mics::nccl {

/// A call as its caller made it: all from which it follows how the group runs it, as long as nobody changes the group.
struct call_key {
  operation what;
  data_type type;
  reduction reduce;
  algorithm how;
  algorithm on_rail;
  int root;
  const void* input;
  void* output;
  std::size_t block;  ///< elements of a block, all of which are equal
  std::size_t chunk_bytes;
  cudaStream_t stream;

  call_key(const collective_call& call, algorithm asked, algorithm asked_on_rail, std::size_t asked_chunk,
           cudaStream_t its_stream) noexcept
      : what(call.what),
        type(call.type),
        reduce(call.reduce),
        how(asked),
        on_rail(asked_on_rail),
        root(call.root),
        input(call.input),
        output(call.output),
        block(call.blocks.longest()),
        chunk_bytes(asked_chunk),
        stream(its_stream) {}

  bool operator==(const call_key&) const = default;
};

/// The calls that a group has run before, as the calls of NCCL's that they came to. Training makes the same ones on the
/// same memory step after step, and what the host does beside NCCL is mostly to find out how they run. One is kept from
/// its second time on, so that programs whose buffers change do not pay for it; others that fall on its place push it
/// out.
class repeated_calls {
 public:
  /// What a call came to; null if it is not kept.
  [[nodiscard]] const recording* find(const call_key& call) const noexcept {
    if (places_.empty()) return nullptr;
    const place& its = places_[number_of(call) % places];
    return its.known.group_ends.empty() || !(its.call == call) ? nullptr : &its.known;
  }

  /// Is it the second time that the call is made? Then it is worth a recording.
  [[nodiscard]] bool is_second_time(const call_key& call) {
    const std::uint64_t number = number_of(call);
    if (places_.empty()) places_.resize(places, place{call});
    return std::exchange(places_[number % places].seen, number) == number;
  }
  void keep(const call_key& call, recording known) {
    place& its = places_[number_of(call) % places];
    its.call = call;
    its.known = std::move(known);
  }

  /// The group runs calls in another way from now on.
  void forget() noexcept { places_.clear(); }

  /// How many are kept.
  [[nodiscard]] std::size_t size() const noexcept {
    std::size_t kept = 0;
    for (const place& its : places_) kept += its.known.group_ends.empty() ? 0 : 1;
    return kept;
  }

 private:
  struct place {
    call_key call;
    std::uint64_t seen = 0;  ///< the number of the last call here that was not kept
    recording known{};
  };

  static constexpr std::size_t places = 128;

  /// Nearly always another one for another call.
  static std::uint64_t number_of(const call_key& call) noexcept {
    const auto bits = [](const void* address) { return reinterpret_cast<std::uintptr_t>(address); };
    std::uint64_t number = bits(call.input);
    for (const std::uint64_t more :
         {static_cast<std::uint64_t>(bits(call.output)), static_cast<std::uint64_t>(call.block),
          static_cast<std::uint64_t>(bits(call.stream) ^ static_cast<std::uint64_t>(call.what))}) {
      number = (number ^ (number >> 32)) * 0x9e3779b97f4a7c15 + more;
    }
    number *= 0x9e3779b97f4a7c15;
    return (number >> 32 | number << 32) | 1;  // never 0
  }

  std::vector<place> places_{};
};

}  // namespace mics::nccl
