// The library's kernels as loops of the host, in the order of a stream.

#include <cstddef>
#include <cstring>
#include <span>
#include <type_traits>

#include <mics/transport/nccl/kernels.hpp>
#include <mics/types.hpp>

#include "ledger.hpp"
#include "memory.hpp"
#include "stream.hpp"

namespace fake_gpu {

namespace {

template <class A, class B = A>
using computed_in = std::conditional_t<std::is_same_v<A, double> || std::is_same_v<B, double>, double, float>;

template <class To, class From> To converted(From value) {
  if constexpr (sizeof(To) == 2) {
    return To(static_cast<float>(value));
  } else {
    return static_cast<To>(value);
  }
}

template <class F> void visit_floating(mics::data_type type, F f) {
  mics::visit_reducible_type(type, [&]<class T>(std::type_identity<T> typed) {
    if constexpr (mics::is_floating(mics::data_type_of<T>)) f(typed);
  });
}

/// Adds a loop to a stream; all memory must be of its device.
template <class Each> void over(std::size_t count, cudaStream_t handle, const void* a, const void* b, Each each) {
  CUstream_st* const stream = find_stream(handle);
  if (stream == nullptr || count == 0) return;
  if (device_of(a, 1) != stream->device || device_of(b, 1) != stream->device) {
    complain("a kernel was given memory of another device, or of the host");
    return;
  }
  enqueue(*stream, [=] {
    for (std::size_t i = 0; i < count; ++i) each(i);
  });
}

void convert(const void* from, mics::data_type given, void* to, mics::data_type wanted, std::size_t count,
             cudaStream_t stream) {
  visit_floating(given, [&]<class From>(std::type_identity<From>) {
    visit_floating(wanted, [&]<class To>(std::type_identity<To>) {
      const auto* const in = static_cast<const From*>(from);
      auto* const out = static_cast<To*>(to);
      over(count, stream, from, to, [=](std::size_t i) { out[i] = converted<To>(in[i]); });
    });
  });
}

void add(void* sum, mics::data_type type, const void* terms, mics::data_type given, std::size_t count,
         cudaStream_t stream) {
  visit_floating(type, [&]<class Sum>(std::type_identity<Sum>) {
    visit_floating(given, [&]<class Term>(std::type_identity<Term>) {
      using wide = computed_in<Sum, Term>;
      auto* const sums = static_cast<Sum*>(sum);
      const auto* const in = static_cast<const Term*>(terms);
      over(count, stream, sum, terms,
           [=](std::size_t i) { sums[i] = converted<Sum>(static_cast<wide>(sums[i]) + static_cast<wide>(in[i])); });
    });
  });
}

void scale(void* values, mics::data_type type, double factor, std::size_t count, cudaStream_t stream) {
  visit_floating(type, [&]<class Value>(std::type_identity<Value>) {
    const auto exact = static_cast<computed_in<Value>>(factor);
    auto* const all = static_cast<Value*>(values);
    over(count, stream, values, values,
         [=](std::size_t i) { all[i] = converted<Value>(static_cast<computed_in<Value>>(all[i]) * exact); });
  });
}

void copy(std::span<const mics::nccl::copy_run> runs, cudaStream_t handle) {
  CUstream_st* const stream = find_stream(handle);
  if (stream == nullptr) return;
  for (const auto& run : runs) {
    if (run.bytes == 0) continue;
    if (device_of(run.from, run.bytes) != stream->device || device_of(run.to, run.bytes) != stream->device) {
      complain("a kernel was given memory of another device, or of the host");
      return;
    }
    enqueue(*stream, [run] { std::memcpy(run.to, run.from, run.bytes); });
  }
}

void sum(const mics::nccl::row_sum& rows, cudaStream_t stream) {
  visit_floating(rows.type, [&]<class Value>(std::type_identity<Value>) {
    using wide = computed_in<Value>;
    auto* const to = static_cast<Value*>(rows.to);
    const auto* const own = static_cast<const Value*>(rows.own);
    const auto* const others = static_cast<const Value*>(rows.others);
    over(rows.count, stream, rows.to, rows.others, [=](std::size_t i) {
      auto all = static_cast<wide>(own[i]);
      for (std::size_t row = 0; row < rows.rows; ++row) all += static_cast<wide>(others[row * rows.count + i]);
      to[i] = converted<Value>(all);
    });
  });
}

[[maybe_unused]] const bool installed = [] {
  mics::nccl::device_kernels() = {&convert, &add, &scale, &copy, &sum};
  return true;
}();

}  // namespace

}  // namespace fake_gpu
