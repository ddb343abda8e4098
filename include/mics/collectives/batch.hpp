#pragma once

#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include <mics/collectives/all_gather.hpp>
#include <mics/collectives/all_reduce.hpp>
#include <mics/collectives/broadcast.hpp>
#include <mics/collectives/reduce_scatter.hpp>

namespace mics {

/// Collects collectives of any kinds, types and sizes and runs them as one launch: one start, one end, and their
/// messages flow one behind the other. Use it for the many tensors of a layer.
/// - Every rank adds the same collectives in the same order. Each has the contract of its own function.
/// - What one call writes must not overlap any buffer of another; run() throws usage_error.
/// - Memory: what its collectives need, all at once. Results are those of the collectives one by one, to the bit; over
///   NCCL sums of floats on more than two nodes may be added up in another order.
/// - Nothing moves before run(); a usage_error of add or run leaves the data as they were. run() may be repeated.
template <communicator C> class batch {
 public:
  explicit batch(const C& comm) : comm_(comm) {}

  template <buffer Shard, writable_buffer Full>
  requires same_elements<Shard, Full> batch& all_gather(Shard&& shard, Full&& full) {
    static_assert(detail::check_outlives<Shard, Full>());
    return add(detail::all_gather_call(detail::call_site(comm_), shard, full));
  }
  batch& all_gather(const void* shard, void* full, std::size_t count, data_type type) {
    return add(detail::all_gather_call(detail::call_site(comm_), shard, full, count, type));
  }

  template <reducible_buffer Input, writable_buffer Shard>
  requires same_elements<Input, Shard> batch& reduce_scatter(Input&& input, Shard&& shard, reduction reduce) {
    static_assert(detail::check_outlives<Input, Shard>());
    return add(detail::reduce_scatter_call(detail::call_site(comm_), input, shard, reduce));
  }
  batch& reduce_scatter(const void* input, void* shard, std::size_t count, data_type type, reduction reduce) {
    return add(detail::reduce_scatter_call(detail::call_site(comm_), input, shard, count, type, reduce));
  }

  template <reducible_buffer Input, writable_buffer Output>
  requires same_elements<Input, Output> batch& all_reduce(Input&& input, Output&& output, reduction reduce) {
    static_assert(detail::check_outlives<Input, Output>());
    return add(detail::all_reduce_call(detail::call_site(comm_), input, output, reduce));
  }
  batch& all_reduce(const void* input, void* output, std::size_t count, data_type type, reduction reduce) {
    return add(detail::all_reduce_call(detail::call_site(comm_), input, output, count, type, reduce));
  }

  batch& all_gather_v(const void* shard, void* full, std::span<const std::size_t> counts, data_type type) {
    return add(detail::all_gather_v_call(detail::call_site(comm_), shard, full, counts, type));
  }
  batch& reduce_scatter_v(const void* input, void* shard, std::span<const std::size_t> counts, data_type type,
                          reduction reduce) {
    return add(detail::reduce_scatter_v_call(detail::call_site(comm_), input, shard, counts, type, reduce));
  }

  batch& broadcast(void* data, std::size_t count, data_type type, int root) {
    return add(detail::broadcast_call(detail::call_site(comm_), data, count, type, root));
  }
  template <writable_buffer Data> batch& broadcast(Data&& data, int root) {
    static_assert(detail::check_outlives<Data>());
    return add(detail::broadcast_call(detail::call_site(comm_), data, root));
  }

  /// Runs them all and returns when this rank is done. An empty batch does nothing.
  void run(const collective_options& options = {}) const { detail::launch(comm_, calls_, options); }

  /// Runs them all in the order of `stream` and returns at once; the batch itself may go.
  void run(stream_of<C> stream, const collective_options& options = {}) const {
    detail::launch(comm_, calls_, stream, options);
  }

  /// Makes what run() will need and what may not be made while its stream is captured into a graph. Collective over
  /// the group, blocking; moves no data. For transports that have anything to make, such as NCCL.
  void prepare(const collective_options& options = {}) const requires
      requires(const C& comm, std::span<const planned_call> calls) {
    comm.prepare(calls);
  }
  {
    if (calls_.empty()) return;
    detail::with_planned(comm_, calls_, options, [this](std::span<const planned_call> calls) { comm_.prepare(calls); });
  }

  [[nodiscard]] std::size_t size() const noexcept { return calls_.size(); }

 private:
  batch& add(collective_call call) {
    calls_.push_back(std::move(call));
    return *this;
  }

  typename C::ref_type comm_;
  std::vector<collective_call> calls_{};
};

template <communicator C> batch(const C&) -> batch<C>;

}  // namespace mics
