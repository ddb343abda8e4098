#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <cuda_runtime_api.h>

#include <mics/collectives/planned_call.hpp>
#include <mics/options.hpp>
#include <mics/transport/nccl/native/native_call.hpp>
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

/// The calls that a group has run before, as the calls of NCCL's that they came to, and perhaps a sum. Training makes
/// the same ones on the same memory step after step, and what the host does beside NCCL is mostly to find out how they
/// run. One is kept from its second time on, so that programs whose buffers change do not pay for it. There is room for
/// about a thousand; then new ones push old ones out.
class repeated_calls {
 public:
  /// What a call came to; null if it is not kept.
  [[nodiscard]] const recording* find(const call_key& call) const noexcept {
    const place* const its = place_of(call, number_of(call));
    return its == nullptr || its->known.group_ends.empty() ? nullptr : &its->known;
  }

  /// Is it the second time that the call is made? Then it is worth a recording.
  [[nodiscard]] bool is_second_time(const call_key& call) {
    if (places_.empty()) places_.resize(rooms * places_a_room, place{call});
    const std::uint64_t number = number_of(call);
    if (place_of(call, number) != nullptr) return true;
    free_place(number) = {call, number, {}};
    return false;
  }
  /// Keeps one of which is_second_time() was true.
  void keep(const call_key& call, recording known) noexcept {
    if (place* const its = place_of(call, number_of(call))) its->known = std::move(known);
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
    std::uint64_t number = 0;  ///< 0: free
    recording known{};         ///< of no groups: the call was seen once
  };

  static constexpr std::size_t rooms = 256;
  static constexpr std::size_t places_a_room = 4;

  /// Nearly always another one for another call; never 0.
  static std::uint64_t number_of(const call_key& call) noexcept {
    const auto bits = [](const void* address) {
      return static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(address));
    };
    std::uint64_t number = bits(call.input);
    for (const std::uint64_t more : {bits(call.output), static_cast<std::uint64_t>(call.block),
                                     bits(call.stream) ^ static_cast<std::uint64_t>(call.what)}) {
      number = (number ^ (number >> 32)) * 0x9e3779b97f4a7c15 + more;
    }
    number *= 0x9e3779b97f4a7c15;
    return (number >> 32 | number << 32) | 1U;
  }

  [[nodiscard]] std::span<const place> room_of(std::uint64_t number) const noexcept {
    return std::span(places_).subspan(number / 2 % rooms * places_a_room, places_a_room);
  }
  [[nodiscard]] const place* place_of(const call_key& call, std::uint64_t number) const noexcept {
    if (places_.empty()) return nullptr;
    for (const place& its : room_of(number)) {
      if (its.number == number && its.call == call) return &its;
    }
    return nullptr;
  }
  [[nodiscard]] place* place_of(const call_key& call, std::uint64_t number) noexcept {
    return const_cast<place*>(std::as_const(*this).place_of(call, number));
  }
  /// One that is free, or whose turn it is.
  [[nodiscard]] place& free_place(std::uint64_t number) noexcept {
    const auto room = std::span(places_).subspan(number / 2 % rooms * places_a_room, places_a_room);
    for (place& its : room) {
      if (its.number == 0) return its;
    }
    return room[turn_++ % places_a_room];
  }

  std::vector<place> places_{};
  std::size_t turn_ = 0;
};

}  // namespace mics::nccl
