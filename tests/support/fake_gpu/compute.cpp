// What the collectives mean, element by element. Sums are rounded to their type after each addition, as NCCL's rings
// do.

#include "compute.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <vector>

#include <mics/types.hpp>

#include "ledger.hpp"

namespace fake_gpu {

namespace {

/// Integers wrap around; 16-bit floats are computed in float.
template <class T>
using arithmetic = std::conditional_t<std::is_integral_v<T>, std::uint64_t,
                                      std::conditional_t<std::is_same_v<T, double>, double, float>>;

template <class T> T rounded(arithmetic<T> value) { return static_cast<T>(value); }

template <class T> T combine(ncclRedOp_t op, T a, T b) {
  using wide = arithmetic<T>;
  switch (op) {
    case ncclProd:
      return rounded<T>(static_cast<wide>(a) * static_cast<wide>(b));
    case ncclMin:
      return b < a ? b : a;
    case ncclMax:
      return a < b ? b : a;
    default:
      return rounded<T>(static_cast<wide>(a) + static_cast<wide>(b));
  }
}

template <class T> T factor_of(const call& c, std::size_t ranks) {
  T factor{};
  if (c.op == ncclAvg) return rounded<T>(static_cast<arithmetic<T>>(1) / static_cast<arithmetic<T>>(ranks));
  std::memcpy(&factor, c.scalar.data(), sizeof factor);
  return factor;
}

template <class T> T brought(const call& c, std::size_t i, std::size_t ranks) {
  T value;
  std::memcpy(&value, c.from + i * sizeof(T), sizeof value);
  if constexpr (!std::is_integral_v<T>) {
    if (c.op == ncclAvg || c.op == ncclNumOps) {
      value = combine(ncclProd, value, factor_of<T>(c, ranks));
    }
  }
  return value;
}

/// Elements first, first + 1, ... of all inputs, reduced.
template <class T> std::vector<T> reduced(const std::vector<call>& calls, std::size_t first, std::size_t count) {
  std::vector<T> sums(count);
  for (std::size_t i = 0; i < count; ++i) {
    T sum = brought<T>(calls[0], first + i, calls.size());
    for (std::size_t r = 1; r < calls.size(); ++r) {
      sum = combine(calls[0].op, sum, brought<T>(calls[r], first + i, calls.size()));
    }
    sums[i] = sum;
  }
  return sums;
}

template <class T> void put(const std::vector<T>& values, std::byte* to) {
  if (!values.empty()) std::memcpy(to, values.data(), values.size() * sizeof(T));
}

template <class T> void reduce_all(const std::vector<call>& calls) {
  const call& c = calls[0];
  switch (c.what) {
    case kind::reduce_scatter:
      for (std::size_t r = 0; r < calls.size(); ++r) put(reduced<T>(calls, r * c.count, c.count), calls[r].to);
      return;
    case kind::reduce:
      return put(reduced<T>(calls, 0, c.count), calls[static_cast<std::size_t>(c.peer)].to);
    default: {
      const std::vector<T> sums = reduced<T>(calls, 0, c.count);
      for (const call& each : calls) put(sums, each.to);
    }
  }
}

void reduce(const std::vector<call>& calls) {
  switch (calls[0].type) {
    case ncclInt8:
      return reduce_all<std::int8_t>(calls);
    case ncclUint8:
      return reduce_all<std::uint8_t>(calls);
    case ncclInt32:
      return reduce_all<std::int32_t>(calls);
    case ncclUint32:
      return reduce_all<std::uint32_t>(calls);
    case ncclInt64:
      return reduce_all<std::int64_t>(calls);
    case ncclUint64:
      return reduce_all<std::uint64_t>(calls);
    case ncclFloat16:
      return reduce_all<mics::float16>(calls);
    case ncclBfloat16:
      return reduce_all<mics::bfloat16>(calls);
    case ncclFloat32:
      return reduce_all<float>(calls);
    case ncclFloat64:
      return reduce_all<double>(calls);
    default:
      complain("no reduction for " + describe(calls[0]));
  }
}

void copy(std::byte* to, const std::byte* from, std::size_t bytes) {
  if (bytes > 0 && to != from) std::memcpy(to, from, bytes);
}

}  // namespace

void compute(const std::vector<call>& calls) {
  const std::size_t bytes = calls[0].count * width_of(calls[0].type);
  switch (calls[0].what) {
    case kind::all_gather:
      for (const call& each : calls) {
        for (std::size_t r = 0; r < calls.size(); ++r) copy(each.to + r * bytes, calls[r].from, bytes);
      }
      return;
    case kind::broadcast:
      for (const call& each : calls) copy(each.to, calls[static_cast<std::size_t>(calls[0].peer)].from, bytes);
      return;
    case kind::send:  // the sender's and the receiver's
      return copy(calls[1].to, calls[0].from, bytes);
    default:
      return reduce(calls);
  }
}

}  // namespace fake_gpu
