// Sums of floats that do not add up exactly: within the stated rounding, and the same to the bit on all ranks.

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>
#include <vector>

#include <doctest/doctest.h>

#include <mics/mics.hpp>

#include "../support/gpu/device_check.hpp"
#include "../support/random.hpp"
#include "gpu_check.hpp"

namespace {

using namespace mics::test;

constexpr std::size_t elements = 701;

/// Normal numbers between 1 and 2, so that errors are not hidden by cancellation.
template <class T> std::vector<T> values_of(int rank) {
  std::vector<T> values(elements);
  dice random(static_cast<std::uint64_t>(rank) + 99);
  for (T& v : values) {
    v = from_number<T>(1.0 + static_cast<double>(random.roll(std::size_t{1} << 52)) * 0x1p-52);
  }
  return values;
}

/// `roundings`: how often one element may be rounded to T; what adds up in float may round so often besides.
template <class T>
void check_sums(gpu_host& host, const mics::nccl::communicator& world, cudaStream_t stream,
                const mics::collective_options& options, double roundings, double in_float) {
  for (const auto reduce : {mics::reduction::sum, mics::reduction::avg}) {
    const device_array<T> data(values_of<T>(host.rank()), stream);
    const auto n = static_cast<std::size_t>(host.size());
    const device_array<T> everyones(elements * n, stream);
    mics::all_reduce(world, data.all(), data.all(), reduce, stream, options);
    mics::all_gather(world, data.all(), everyones.all(), stream);
    world.synchronize(stream);
    const auto got = data.get(), all = everyones.get();
    for (std::size_t r = 0; r < n; ++r) {
      const auto theirs = std::span<const T>(all).subspan(r * elements, elements);
      ensure(difference<T>(theirs, got).empty(), "ranks have different sums");
    }
    std::vector<std::vector<T>> terms;
    for (int r = 0; r < host.size(); ++r) terms.push_back(values_of<T>(r));
    for (std::size_t i = 0; i < elements; ++i) {
      double exact = 0;
      for (const auto& of_rank : terms) exact += static_cast<double>(of_rank[i]);
      if (reduce == mics::reduction::avg) exact /= host.size();
      const double error = std::abs(static_cast<double>(got[i]) - exact) / exact;
      const double bound = roundings * rounding_of<T> * 1.01 + in_float * rounding_of<float> +
                           (std::is_same_v<T, double> ? host.size() * 0x1p-52 : 0);
      ensure(error <= bound, std::string(name_of(mics::data_type_of<T>)) + " " + std::string(name_of(reduce)) + " " +
                                 std::string(name_of(options.how)) + ": error " + std::to_string(error / bound) +
                                 " of what is allowed");
    }
  }
}

std::vector<mics::algorithm> algorithms_here(const mics::nccl::communicator& world) {
  if (!world.shape().hierarchical()) return {mics::algorithm::native};
  return {mics::algorithm::native, mics::algorithm::hierarchical};
}

}  // namespace

TEST_CASE("each addition rounds once, and each scale twice") {
  for (const gpu_cluster& cluster : gpu_clusters()) {
    on_gpus(cluster, [](gpu_host& host) {
      const auto world = host.world();
      const gpu_stream stream;
      for (const auto how : algorithms_here(world)) {
        const double roundings = host.size() + 2;
        check_sums<float>(host, world, stream, {.how = how}, roundings, 0);
        check_sums<double>(host, world, stream, {.how = how}, roundings, 0);
        check_sums<mics::float16>(host, world, stream, {.how = how}, roundings, 0);
        check_sums<mics::bfloat16>(host, world, stream, {.how = how}, roundings, 0);
      }
    });
  }
}

TEST_CASE("widened, 16-bit floats are rounded once in all") {
  if (mics::nccl::device_kernels().convert == nullptr) {
    MESSAGE("left out: these tests were built without a compiler for CUDA");
    return;
  }
  for (const gpu_cluster& cluster : gpu_clusters()) {
    on_gpus(cluster, [](gpu_host& host) {
      const auto world = host.world();
      const gpu_stream stream;
      for (const auto how : algorithms_here(world)) {
        const mics::collective_options widened{.how = how, .accumulate = mics::accumulation::widened};
        check_sums<mics::float16>(host, world, stream, widened, 1, host.size() + 2);
        check_sums<mics::bfloat16>(host, world, stream, widened, 1, host.size() + 2);
        const mics::rank_range all{0, host.size(), 1};
        for (const auto what : {mics::operation::reduce_scatter, mics::operation::all_reduce}) {
          for (const auto type : {mics::data_type::float16, mics::data_type::bfloat16}) {
            for (std::uint64_t form = 0; form < 4; ++form) {
              const bool uneven = form == 3 && what == mics::operation::reduce_scatter;
              check_on_gpu(world, all, stream,
                           {.what = what,
                            .count = 97,
                            .type = type,
                            .in_place = form % 2 == 0,
                            .uneven = uneven,
                            .options = widened,
                            .seed = form});
            }
          }
        }
      }
    });
  }
}
