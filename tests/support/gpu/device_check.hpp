#pragma once

#include <cmath>
#include <cstddef>
#include <numeric>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include <mics/mics.hpp>
#include <mics/topology/rank_range.hpp>
#include <mics/transport/nccl.hpp>

#include "../collective_case.hpp"
#include "../notes.hpp"
#include "../terms.hpp"
#include "device_memory.hpp"

namespace mics::test {

/// The relative error of one rounding.
template <class T>
inline constexpr double rounding_of = std::is_same_v<T, double>     ? 0x1p-53
                                      : std::is_same_v<T, float>    ? 0x1p-24
                                      : std::is_same_v<T, bfloat16> ? 0x1p-8
                                                                    : 0x1p-11;

/// Runs collectives over NCCL on one rank and compares their results with what they mean: to the bit, but for averages
/// over a number of ranks that is no power of two, where every rank's scale and every addition may round once.
/// `ranks` are the members' numbers in the world.
class device_check {
 public:
  device_check(const nccl::communicator_ref& comm, const rank_range& ranks, cudaStream_t stream)
      : comm_(comm), ranks_(ranks), stream_(stream) {}

  /// Runs a case; returns what is wrong with the result, in words, or nothing. Collective.
  std::string run(const collective_case& c) {
    const std::string name = c.describe() + ", rail " + std::string(name_of(c.options.on_rail));
    note(me(), name);
    const std::string wrong = run_kind(c);
    return wrong.empty() ? wrong : name + ", rank " + std::to_string(me()) + ": " + wrong;
  }

 private:
  [[nodiscard]] int me() const { return ranks_[comm_.rank()]; }
  [[nodiscard]] std::size_t rank() const { return static_cast<std::size_t>(comm_.rank()); }
  static std::size_t offset(const std::vector<std::size_t>& counts, std::size_t block) {
    return std::accumulate(counts.begin(), counts.begin() + static_cast<std::ptrdiff_t>(block), std::size_t{0});
  }

  std::string run_kind(const collective_case& c) {
    switch (c.what) {
      case operation::all_gather:
        return visit_type(c.type, [&](auto type) { return all_gather_case<typename decltype(type)::type>(c); });
      case operation::reduce_scatter:
        return visit_reducible_type(c.type,
                                    [&](auto type) { return reduce_scatter_case<typename decltype(type)::type>(c); });
      case operation::all_reduce:
        return visit_reducible_type(c.type,
                                    [&](auto type) { return all_reduce_case<typename decltype(type)::type>(c); });
      case operation::broadcast:
        return visit_type(c.type, [&](auto type) { return broadcast_case<typename decltype(type)::type>(c); });
      case operation::barrier:
        break;
    }
    barrier(comm_, stream_, c.options);
    comm_.synchronize(stream_);
    return {};
  }

  template <class T> std::string all_gather_case(const collective_case& c) {
    const auto counts = c.counts(comm_.size());
    const std::size_t own = counts[rank()], before = offset(counts, rank());
    std::vector<T> wanted;
    for (std::size_t r = 0; r < counts.size(); ++r) {
      const auto block = any_bits<T>(ranks_[static_cast<int>(r)], counts[r], c.seed);
      wanted.insert(wanted.end(), block.begin(), block.end());
    }
    const auto mine = std::span<const T>(wanted).subspan(before, own);
    const device_array<T> full(std::vector<T>(wanted.size()), stream_), separate(own, stream_);
    if (c.in_place) {
      full.put(mine, before);
    } else {
      separate.put(mine);
    }
    const std::span<const T> shard = c.in_place ? full.all().subspan(before, own) : separate.all();
    const void* const from = shard.data();
    void* const to = full.data();
    if (c.uneven && c.run_time_typed) {
      all_gather_v(comm_, from, to, counts, c.type, stream_, c.options);
    } else if (c.run_time_typed) {
      all_gather(comm_, from, to, c.count, c.type, stream_, c.options);
    } else if (c.uneven) {
      all_gather_v(comm_, shard, full.all(), counts, stream_, c.options);
    } else {
      all_gather(comm_, shard, full.all(), stream_, c.options);
    }
    comm_.synchronize(stream_);
    return difference<T>(full.get(), wanted);
  }

  template <class T> std::string reduce_scatter_case(const collective_case& c) {
    const auto counts = c.counts(comm_.size());
    const std::size_t own = counts[rank()], before = offset(counts, rank());
    const auto terms_here = terms<T>(c.reduce, me(), 0, offset(counts, counts.size()), c.seed);
    const device_array<T> input(terms_here, stream_), separate(own, stream_);
    const std::span<const T> in = input.all();
    const std::span<T> shard = c.in_place ? input.all().subspan(before, own) : separate.all();
    const void* const from = in.data();
    void* const to = shard.data();
    if (c.uneven && c.run_time_typed) {
      reduce_scatter_v(comm_, from, to, counts, c.type, c.reduce, stream_, c.options);
    } else if (c.run_time_typed) {
      reduce_scatter(comm_, from, to, c.count, c.type, c.reduce, stream_, c.options);
    } else if (c.uneven) {
      reduce_scatter_v(comm_, in, shard, counts, c.reduce, stream_, c.options);
    } else {
      reduce_scatter(comm_, in, shard, c.reduce, stream_, c.options);
    }
    comm_.synchronize(stream_);
    const std::vector<T> after = input.get();
    if (!c.in_place && !difference<T>(after, terms_here).empty()) return "the input was changed";
    const auto got = c.in_place ? std::vector<T>(after.begin() + static_cast<std::ptrdiff_t>(before),
                                                 after.begin() + static_cast<std::ptrdiff_t>(before + own))
                                : separate.get();
    return compare<T>(c, got, before);
  }

  template <class T> std::string all_reduce_case(const collective_case& c) {
    const auto terms_here = terms<T>(c.reduce, me(), 0, c.count, c.seed);
    const device_array<T> input(terms_here, stream_), separate(c.count, stream_);
    const std::span<const T> in = input.all();
    const std::span<T> out = c.in_place ? input.all() : separate.all();
    if (c.run_time_typed) {
      all_reduce(comm_, static_cast<const void*>(in.data()), static_cast<void*>(out.data()), c.count, c.type, c.reduce,
                 stream_, c.options);
    } else {
      all_reduce(comm_, in, out, c.reduce, stream_, c.options);
    }
    comm_.synchronize(stream_);
    const std::vector<T> after = input.get();
    if (!c.in_place && !difference<T>(after, terms_here).empty()) return "the input was changed";
    return compare<T>(c, c.in_place ? after : separate.get(), 0);
  }

  template <class T> std::string broadcast_case(const collective_case& c) {
    const auto wanted = any_bits<T>(ranks_[c.root], c.count, c.seed);
    const device_array<T> data(comm_.rank() == c.root ? wanted : std::vector<T>(c.count), stream_);
    if (c.run_time_typed) {
      broadcast(comm_, static_cast<void*>(data.data()), c.count, c.type, c.root, stream_, c.options);
    } else {
      broadcast(comm_, data.all(), c.root, stream_, c.options);
    }
    comm_.synchronize(stream_);
    return difference<T>(data.get(), wanted);
  }

  template <class T> std::string compare(const collective_case& c, const std::vector<T>& got, std::size_t first) const {
    const auto wanted = all_reduced<T>(c.reduce, ranks_, first, got.size(), c.seed);
    const bool exact = c.reduce != reduction::avg || (comm_.size() & (comm_.size() - 1)) == 0;
    if (exact) return difference<T>(got, wanted);
    const double bound = (comm_.size() + 2) * rounding_of<T> * 3;  // no term is larger than 3
    for (std::size_t i = 0; i < got.size(); ++i) {
      const double distance = std::abs(static_cast<double>(got[i]) - static_cast<double>(wanted[i]));
      if (distance <= bound) continue;
      return "element " + std::to_string(i) + " is " + std::to_string(static_cast<double>(got[i])) + ", not " +
             std::to_string(static_cast<double>(wanted[i])) + " +- " + std::to_string(bound);
    }
    return {};
  }

  nccl::communicator_ref comm_;
  rank_range ranks_;
  cudaStream_t stream_;
};

}  // namespace mics::test
