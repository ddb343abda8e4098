#pragma once

#include <span>

#include <mics/collectives/batch.hpp>

namespace mics {

/// One tensor of a coalesced all-gather.
template <transportable T> struct gather_pair {
  std::span<const T> shard;
  std::span<T> full;
};

/// One tensor of a coalesced reduce-scatter.
template <transportable T> struct scatter_pair {
  std::span<const T> input;
  std::span<T> shard;
};

namespace detail {

template <communicator C, transportable T> batch<C> batch_of(const C& comm, std::span<const gather_pair<T>> tensors) {
  batch<C> all(comm);
  for (const auto& t : tensors) all.all_gather(t.shard, t.full);
  return all;
}

template <communicator C, transportable T>
batch<C> batch_of(const C& comm, std::span<const scatter_pair<T>> tensors, reduction reduce) {
  batch<C> all(comm);
  for (const auto& t : tensors) all.reduce_scatter(t.input, t.shard, reduce);
  return all;
}

}  // namespace detail

/// all_gather of many tensors as one launch; every rank lists the same ones in the same order.
template <communicator C, transportable T>
void all_gather_coalesced(const C& comm, std::span<const gather_pair<T>> tensors,
                          const collective_options& options = {}) {
  detail::batch_of(comm, tensors).run(options);
}
template <communicator C, transportable T>
void all_gather_coalesced(const C& comm, std::span<const gather_pair<T>> tensors, stream_of<C> stream,
                          const collective_options& options = {}) {
  detail::batch_of(comm, tensors).run(stream, options);
}

/// reduce_scatter of many tensors as one launch; every rank lists the same ones in the same order.
template <communicator C, transportable T>
void reduce_scatter_coalesced(const C& comm, std::span<const scatter_pair<T>> tensors, reduction reduce,
                              const collective_options& options = {}) {
  detail::batch_of(comm, tensors, reduce).run(options);
}
template <communicator C, transportable T>
void reduce_scatter_coalesced(const C& comm, std::span<const scatter_pair<T>> tensors, reduction reduce,
                              stream_of<C> stream, const collective_options& options = {}) {
  detail::batch_of(comm, tensors, reduce).run(stream, options);
}

}  // namespace mics
