#pragma once

/// The kernels behind device_kernels(): include this in a CUDA source of a program whose other sources are host C++.
/// (mics/transport/nccl.hpp does so by itself under nvcc.)

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <type_traits>

#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_runtime.h>

#include <mics/error.hpp>
#include <mics/transport/nccl/kernels.hpp>
#include <mics/transport/nccl/native/result.hpp>
#include <mics/types.hpp>

namespace mics::nccl::device {

/// What elements are computed in: float, and double where one of them is.
template <class A, class B = A>
using computed_in = std::conditional_t<std::is_same_v<A, double> || std::is_same_v<B, double>, double, float>;

// By name: PyTorch builds extensions without CUDA's implicit conversions of 16-bit floats.
__device__ inline float in_full(__half value) { return __half2float(value); }
__device__ inline float in_full(__nv_bfloat16 value) { return __bfloat162float(value); }
__device__ inline float in_full(float value) { return value; }
__device__ inline double in_full(double value) { return value; }

template <class To, class From> __device__ To converted(From value) {
  const auto full = in_full(value);
  constexpr bool exact = std::is_same_v<From, double>;
  if constexpr (std::is_same_v<To, __half>) {
    if constexpr (exact)
      return __double2half(full);
    else
      return __float2half_rn(full);
  } else if constexpr (std::is_same_v<To, __nv_bfloat16>) {
    if constexpr (exact)
      return __double2bfloat16(full);
    else
      return __float2bfloat16_rn(full);
  } else {
    return static_cast<To>(full);
  }
}

/// Calls `each(i)` for every i < count, neighbours side by side.
template <class Each> __global__ void for_each_element(std::size_t count, Each each) {
  const std::size_t step = static_cast<std::size_t>(gridDim.x) * blockDim.x;
  for (std::size_t i = static_cast<std::size_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < count; i += step) each(i);
}

template <class From, class To> struct convert_element {
  const From* from;
  To* to;
  __device__ void operator()(std::size_t i) const { to[i] = converted<To>(from[i]); }
};

template <class Sum, class Term> struct add_element {
  Sum* sum;
  const Term* terms;
  __device__ void operator()(std::size_t i) const {
    using wide = computed_in<Sum, Term>;
    sum[i] = converted<Sum>(converted<wide>(sum[i]) + converted<wide>(terms[i]));
  }
};

template <class Value> struct scale_element {
  Value* values;
  computed_in<Value> factor;
  __device__ void operator()(std::size_t i) const {
    values[i] = converted<Value>(converted<computed_in<Value>>(values[i]) * factor);
  }
};

template <class Value> struct sum_element {
  Value* to;
  const Value* own;
  const Value* others;
  std::size_t rows;
  std::size_t count;
  __device__ void operator()(std::size_t i) const {
    using wide = computed_in<Value>;
    auto all = converted<wide>(own[i]);
    for (std::size_t row = 0; row < rows; ++row) all += converted<wide>(others[row * count + i]);
    to[i] = converted<Value>(all);
  }
};

template <class Each> void launch_over(std::size_t count, Each each, cudaStream_t stream) {
  constexpr std::size_t threads = 256;
  constexpr std::size_t most_blocks = 4096;
  if (count == 0) return;
  const auto blocks = static_cast<unsigned>(std::min(most_blocks, (count + threads - 1) / threads));
  for_each_element<<<blocks, static_cast<unsigned>(threads), 0, stream>>>(count, each);
  check(cudaGetLastError(), "a kernel of mics");
}

/// As many runs as one launch takes along in its arguments.
struct copy_batch {
  static constexpr std::size_t most = 128;
  copy_run runs[most];
};

/// Run blockIdx.y of a batch: 16 bytes a thread where both ends allow it, else one. (A template, for kernels cannot be
/// inline, and several sources of a program may include this.)
template <class Batch> __global__ void copy_runs(Batch batch) {
  const copy_run run = batch.runs[blockIdx.y];
  const std::size_t step = static_cast<std::size_t>(gridDim.x) * blockDim.x;
  const std::size_t me = static_cast<std::size_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  const bool aligned = (reinterpret_cast<std::size_t>(run.from) | reinterpret_cast<std::size_t>(run.to)) % 16 == 0;
  const std::size_t wide = aligned ? run.bytes / 16 : 0;
  for (std::size_t i = me; i < wide; i += step) {
    reinterpret_cast<uint4*>(run.to)[i] = reinterpret_cast<const uint4*>(run.from)[i];
  }
  for (std::size_t i = 16 * wide + me; i < run.bytes; i += step) run.to[i] = run.from[i];
}

inline void copy(std::span<const copy_run> runs, cudaStream_t stream) {
  for (std::size_t first = 0; first < runs.size(); first += copy_batch::most) {
    const std::span<const copy_run> some = runs.subspan(first, std::min(copy_batch::most, runs.size() - first));
    copy_batch batch{};
    std::copy(some.begin(), some.end(), batch.runs);
    copy_runs<<<dim3(8, static_cast<unsigned>(some.size())), 256, 0, stream>>>(batch);
    check(cudaGetLastError(), "a kernel of mics");
  }
}

/// Calls f(T{}) with CUDA's type of a floating data_type.
template <class F> void visit_floating(data_type type, F f) {
  switch (type) {
    case data_type::float16:
      return f(__half{});
    case data_type::bfloat16:
      return f(__nv_bfloat16{});
    case data_type::float32:
      return f(float{});
    case data_type::float64:
      return f(double{});
    default:
      throw usage_error("no kernel computes in " + std::string(name_of(type)) + "; allowed: the floating types");
  }
}

inline void convert(const void* from, data_type given, void* to, data_type wanted, std::size_t count,
                    cudaStream_t stream) {
  visit_floating(given, [&]<class From>(From) {
    visit_floating(wanted, [&]<class To>(To) {
      launch_over(count, convert_element<From, To>{static_cast<const From*>(from), static_cast<To*>(to)}, stream);
    });
  });
}

inline void add(void* sum, data_type type, const void* terms, data_type given, std::size_t count, cudaStream_t stream) {
  visit_floating(type, [&]<class Sum>(Sum) {
    visit_floating(given, [&]<class Term>(Term) {
      launch_over(count, add_element<Sum, Term>{static_cast<Sum*>(sum), static_cast<const Term*>(terms)}, stream);
    });
  });
}

inline void scale(void* values, data_type type, double factor, std::size_t count, cudaStream_t stream) {
  visit_floating(type, [&]<class Value>(Value) {
    const auto exact = static_cast<computed_in<Value>>(factor);
    launch_over(count, scale_element<Value>{static_cast<Value*>(values), exact}, stream);
  });
}

inline void sum(const row_sum& rows, cudaStream_t stream) {
  visit_floating(rows.type, [&]<class Value>(Value) {
    const auto in = [](const void* row) { return static_cast<const Value*>(row); };
    launch_over(rows.count,
                sum_element<Value>{static_cast<Value*>(rows.to), in(rows.own), in(rows.others), rows.rows, rows.count},
                stream);
  });
}

/// Makes them known to the library's host code, before main() begins.
inline const bool installed = [] {
  device_kernels() = {&convert, &add, &scale, &copy, &sum};
  return true;
}();

}  // namespace mics::nccl::device
