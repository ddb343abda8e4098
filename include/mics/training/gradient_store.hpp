#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <utility>

#include <mics/communicator.hpp>
#include <mics/detail/convert.hpp>
#include <mics/detail/fold.hpp>
#include <mics/training/gradient_memory.hpp>
#include <mics/types.hpp>

namespace mics::detail {

/// Gradients of another type are widened by tiles that stay in the first-level cache until they are added.
inline constexpr std::size_t widening_bytes = 4096;

/// to[i] = from[i], or to[i] += from[i], computed in and rounded to the type of `to`.
template <class Accumulator, class Gradient>
void take_gradients(Accumulator* to, const Gradient* from, std::size_t count, bool first) {
  constexpr data_type wide = data_type_of<Accumulator>;
  constexpr data_type given = data_type_of<Gradient>;
  auto* sum = reinterpret_cast<std::byte*>(to);
  const auto* in = reinterpret_cast<const std::byte*>(from);
  if (first) return convert(given, in, wide, sum, count);
  if constexpr (given == wide) {
    const std::byte* const both[] = {sum, in};
    fold(wide, reduction::sum, sum, both, count);
  } else {
    constexpr std::size_t tile = widening_bytes / sizeof(Accumulator);
    alignas(64) std::byte widened[widening_bytes];
    for (std::size_t done = 0; done < count; done += tile) {
      const std::size_t n = std::min(tile, count - done);
      std::byte* const part = sum + done * sizeof(Accumulator);
      convert(given, in + done * sizeof(Gradient), wide, widened, n);
      const std::byte* const both[] = {part, widened};
      fold(wide, reduction::sum, part, both, n);
    }
  }
}

/// The memory of a gradient_sync, and the two passes over it that are no collectives: at once, or in the order of a
/// stream. This one is for buffers that the host reads and for streams with `enqueue(std::function<void()>)`; a
/// transport whose buffers lie elsewhere specialises it for its communicator.
/// Work that was enqueued keeps the memory alive, so the store may go before its streams have run.
template <communicator C, transportable Gradient, transportable Accumulator> class gradient_store {
 public:
  /// Both in elements; `world` is one that the collectives' groups are split off from.
  gradient_store(const C& world, std::size_t accumulated, std::size_t incoming)
      : accumulated_(gradient_memory<C>::template zeros<Accumulator>(world, accumulated)),
        incoming_(gradient_memory<C>::template zeros<Gradient>(world, incoming)),
        accumulated_elements_(accumulated),
        incoming_elements_(incoming) {}

  [[nodiscard]] std::span<Accumulator> accumulated() const noexcept {
    return {accumulated_.get(), accumulated_elements_};
  }
  [[nodiscard]] std::span<Gradient> incoming() const noexcept { return {incoming_.get(), incoming_elements_}; }

  /// sum = gradients for the first micro-step of a step, which so needs no zeros to begin with, else sum += gradients.
  void take(std::span<Accumulator> sum, std::span<const Gradient> gradients, bool first) const {
    take_gradients(sum.data(), gradients.data(), sum.size(), first);
  }
  void take(std::span<Accumulator> sum, std::span<const Gradient> gradients, bool first, stream_of<C> stream) const {
    in_order(stream, [sum, gradients, first] { take_gradients(sum.data(), gradients.data(), sum.size(), first); });
  }

  /// Nothing but the promise about memory, for work on it that the collectives do alone.
  void keep() const {}
  void keep(stream_of<C> stream) const {
    in_order(stream, [] {});
  }

  /// sums /= divisor.
  void divide(std::span<Accumulator> sums, double divisor) const {
    auto* const sum = reinterpret_cast<std::byte*>(sums.data());
    const std::byte* const in[] = {sum};
    fold(data_type_of<Accumulator>, reduction::sum, sum, in, sums.size(), 1.0 / divisor);
  }
  void divide(std::span<Accumulator> sums, double divisor, stream_of<C> stream) const {
    in_order(stream, [store = *this, sums, divisor] { store.divide(sums, divisor); });
  }

 private:
  template <class F> void in_order(stream_of<C> stream, F work) const {
    static_assert(
        requires(std::function<void()> f) { stream.enqueue(f); },
        "mics: gradient_sync adds on the host, so the stream needs enqueue(std::function<void()>); "
        "a transport without it specialises mics::detail::gradient_store");
    stream.enqueue([work = std::move(work), sums = accumulated_, shard = incoming_] { work(); });
  }

  std::shared_ptr<Accumulator[]> accumulated_;
  std::shared_ptr<Gradient[]> incoming_;
  std::size_t accumulated_elements_;
  std::size_t incoming_elements_;
};

}  // namespace mics::detail
