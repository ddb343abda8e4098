// Sums of floats that do not add up exactly, between processes: within the stated rounding, the same to the bit on all
// ranks, from whatever memory, and the same again. The bounds themselves are tested over threads, in all algorithms.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "../support/rounding.hpp"
#include "ranks.hpp"

namespace {

using namespace mics::test;
using mics::libfabric::communicator;

constexpr std::size_t elements = 701;

template <class T> std::vector<T> values_of(int rank) { return values_between_1_and_2<T>(rank, elements); }

/// A number that differs where the bits do.
template <class T> std::uint64_t fingerprint(std::span<const T> values) {
  std::uint64_t sum = 0;
  for (const std::byte b : std::as_bytes(values)) sum = spread(sum ^ static_cast<std::uint64_t>(b));
  return sum;
}

/// `roundings`: how often one element is rounded at most, beyond what float arithmetic adds inside a fold.
template <class T>
void check(communicator& world, mics::bootstrap::session& job, const mics::collective_options& options,
           double roundings) {
  const auto own = values_of<T>(world.rank());
  const auto shared = mics::libfabric::allocate<T>(world, elements);
  const std::span<T> memory = shared.template as<T>().first(elements);
  for (const auto reduce : {mics::reduction::sum, mics::reduction::avg}) {
    const std::string what = std::string(name_of(mics::data_type_of<T>)) + " " + std::string(name_of(reduce)) + " " +
                             std::string(name_of(options.how)) + ": ";
    std::vector<T> result(elements);
    mics::all_reduce(world, own, result, reduce, options);
    std::copy(own.begin(), own.end(), memory.begin());
    mics::all_reduce(world, memory, memory, reduce, options);
    const std::uint64_t bits = fingerprint<T>(result);
    expect(fingerprint<T>(memory) == bits, what + "another run, in shared memory, gives other bits");
    for (const std::uint64_t others : job.all_gather(bits)) expect(others == bits, what + "ranks have different bits");
    const double in_float = sizeof(T) == 2 ? world.size() * unit<float> : 0;
    const double error = worst_error<T>(result, world.size(), reduce);
    expect(error <= roundings * unit<T> * 1.01 + in_float, what + "an error of " + std::to_string(error));
    expect(error > 0, what + "no rounding at all: the bound says nothing");
  }
}

void check_all(communicator& world, mics::bootstrap::session& job) {
  const double size = world.size();  // size - 1 additions and a scale
  for (const auto how : algorithms_of(mics::operation::all_reduce, world.size(), world.shape().hierarchical())) {
    const mics::collective_options options{.how = how, .chunk_bytes = 256};
    check<float>(world, job, options, size);
    check<double>(world, job, options, size);
    check<mics::float16>(world, job, options, size);
    check<mics::bfloat16>(world, job, options, size);
    const mics::collective_options widened{.how = how, .accumulate = mics::accumulation::widened};
    check<mics::float16>(world, job, widened, 1);
    check<mics::bfloat16>(world, job, widened, 1);
  }
}

}  // namespace

TEST_CASE("sums and means are rounded as stated, to the same bits on all ranks") {
  if (!has_fabric()) return;
  for (const geometry on : {geometry{1, 3}, geometry{2, 2}, geometry{4, 2}}) {
    run_ranks(on, check_all, {.checked = false});
  }
}

TEST_CASE("the same by tagged messages, and over another provider") {
  if (!has_fabric()) return;
  run_ranks({2, 2}, check_all, {.checked = false, .one_sided = false});
  run_ranks({2, 2}, check_all, {.checked = false, .provider = "tcp;ofi_rxm"});
}
