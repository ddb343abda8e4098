#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <numeric>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include <mics/mics.hpp>
#include <mics/topology/rank_range.hpp>

#include "collective_case.hpp"
#include "notes.hpp"
#include "terms.hpp"

namespace mics::test {

/// Runs collectives on one rank of a group and compares their results with what they mean, to the bit.
/// `ranks` are the members' numbers in the world: groups that run side by side bring different data.
template <communicator C, class Stream> class collective_check {
 public:
  collective_check(const C& comm, const rank_range& ranks, Stream& stream)
      : comm_(comm), ranks_(ranks), stream_(&stream) {}

  /// Runs a case; returns what is wrong with the result, in words, or nothing. Collective.
  std::string run(const collective_case& c) {
    note(me(), c.describe());
    std::string wrong = run_kind(c);
    if (!wrong.empty()) wrong = c.describe() + ", rank " + std::to_string(me()) + ": " + wrong;
    return wrong;
  }

 private:
  [[nodiscard]] int me() const { return ranks_[comm_.rank()]; }

  std::string run_kind(const collective_case& c) {
    switch (c.what) {
      case operation::all_gather:
        return visit_type(c.type, [&]<class T>(std::type_identity<T>) { return all_gather_case<T>(c); });
      case operation::reduce_scatter:
        return visit_reducible_type(c.type, [&]<class T>(std::type_identity<T>) { return reduce_scatter_case<T>(c); });
      case operation::all_reduce:
        return visit_reducible_type(c.type, [&]<class T>(std::type_identity<T>) { return all_reduce_case<T>(c); });
      case operation::broadcast:
        return visit_type(c.type, [&]<class T>(std::type_identity<T>) { return broadcast_case<T>(c); });
      case operation::barrier:
        break;
    }
    call(c, [&](const auto&... where) { barrier(comm_, where..., c.options); });
    return {};
  }

  /// Calls the blocking form, or the one on a stream and waits for that.
  template <class Collective> void call(const collective_case& c, Collective collective) {
    if (!c.on_stream) return collective();
    collective(stream_of<C>(*stream_));
    stream_->synchronize();
  }

  template <class T> std::string all_gather_case(const collective_case& c) {
    const auto counts = c.counts(comm_.size());
    const std::size_t own = counts[rank()], before = offset(counts, rank());
    std::vector<T> wanted;
    for (std::size_t r = 0; r < counts.size(); ++r) {
      const auto block = any_bits<T>(ranks_[static_cast<int>(r)], counts[r], c.seed);
      wanted.insert(wanted.end(), block.begin(), block.end());
    }
    std::vector<T> full(wanted.size()), separate;
    const auto part = std::span(full).subspan(before, own);
    const auto mine = std::span<const T>(wanted).subspan(before, own);
    if (!c.in_place) separate.assign(mine.begin(), mine.end());
    std::copy(mine.begin(), c.in_place ? mine.end() : mine.begin(), part.begin());
    const std::span<const T> shard = c.in_place ? part : std::span<const T>(separate);
    call(c, [&](const auto&... where) {
      const void* from = shard.data();
      void* to = full.data();
      if (c.uneven && c.run_time_typed) return all_gather_v(comm_, from, to, counts, c.type, where..., c.options);
      if (c.run_time_typed) return all_gather(comm_, from, to, c.count, c.type, where..., c.options);
      if (c.uneven) return all_gather_v(comm_, shard, full, counts, where..., c.options);
      all_gather(comm_, shard, full, where..., c.options);
    });
    return difference<T>(full, wanted);
  }

  template <class T> std::string reduce_scatter_case(const collective_case& c) {
    const auto counts = c.counts(comm_.size());
    const std::size_t own = counts[rank()], before = offset(counts, rank());
    auto input = terms<T>(c.reduce, me(), 0, offset(counts, counts.size()), c.seed);
    const auto kept = input;
    std::vector<T> separate(c.in_place ? 0 : own);
    const auto shard = c.in_place ? std::span(input).subspan(before, own) : std::span(separate);
    call(c, [&](const auto&... where) {
      const void* from = input.data();
      void* to = shard.data();
      if (c.uneven && c.run_time_typed) {
        return reduce_scatter_v(comm_, from, to, counts, c.type, c.reduce, where..., c.options);
      }
      if (c.run_time_typed) return reduce_scatter(comm_, from, to, c.count, c.type, c.reduce, where..., c.options);
      if (c.uneven) return reduce_scatter_v(comm_, input, shard, counts, c.reduce, where..., c.options);
      reduce_scatter(comm_, input, shard, c.reduce, where..., c.options);
    });
    if (!c.in_place && !difference<T>(input, kept).empty()) return "the input was changed";
    return difference<T>(shard, all_reduced<T>(c.reduce, ranks_, before, own, c.seed));
  }

  template <class T> std::string all_reduce_case(const collective_case& c) {
    auto input = terms<T>(c.reduce, me(), 0, c.count, c.seed);
    const auto kept = input;
    std::vector<T> separate(c.in_place ? 0 : c.count);
    auto& output = c.in_place ? input : separate;
    call(c, [&](const auto&... where) {
      if (!c.run_time_typed) return all_reduce(comm_, input, output, c.reduce, where..., c.options);
      all_reduce(comm_, static_cast<const void*>(input.data()), static_cast<void*>(output.data()), c.count, c.type,
                 c.reduce, where..., c.options);
    });
    if (!c.in_place && !difference<T>(input, kept).empty()) return "the input was changed";
    return difference<T>(output, all_reduced<T>(c.reduce, ranks_, 0, c.count, c.seed));
  }

  template <class T> std::string broadcast_case(const collective_case& c) {
    const auto wanted = any_bits<T>(ranks_[c.root], c.count, c.seed);
    std::vector<T> data(c.count);
    if (comm_.rank() == c.root) data = wanted;
    call(c, [&](const auto&... where) {
      if (!c.run_time_typed) return broadcast(comm_, data, c.root, where..., c.options);
      broadcast(comm_, static_cast<void*>(data.data()), c.count, c.type, c.root, where..., c.options);
    });
    return difference<T>(data, wanted);
  }

  [[nodiscard]] std::size_t rank() const { return static_cast<std::size_t>(comm_.rank()); }
  static std::size_t offset(const std::vector<std::size_t>& counts, std::size_t block) {
    return std::accumulate(counts.begin(), counts.begin() + static_cast<std::ptrdiff_t>(block), std::size_t{0});
  }

  typename C::ref_type comm_;
  rank_range ranks_;
  Stream* stream_;
};

}  // namespace mics::test
