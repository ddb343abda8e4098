#pragma once

#include <cstddef>
#include <span>
#include <string>

#include <cuda_runtime_api.h>

#include <mics/error.hpp>
#include <mics/types.hpp>

namespace mics::nccl {

/// Bytes to be copied inside the device; source and destination do not overlap.
struct copy_run {
  const std::byte* from = nullptr;
  std::byte* to = nullptr;
  std::size_t bytes = 0;
};

/// Rows of `count` elements to be added up: one that lies apart, and others one behind the other.
struct row_sum {
  void* to = nullptr;
  data_type type = data_type::float32;
  const void* own = nullptr;
  const void* others = nullptr;
  std::size_t rows = 0;  ///< the others
  std::size_t count = 0;
};

/// The few loops over elements that run on the GPU itself. Every pointer is device memory; all are enqueued.
struct kernels {
  /// to[i] = from[i] in another floating type, rounded to nearest even.
  void (*convert)(const void* from, data_type given, void* to, data_type wanted, std::size_t count, cudaStream_t) = {};
  /// sum[i] += terms[i], computed in float (double for float64) and rounded once.
  void (*add)(void* sum, data_type type, const void* terms, data_type given, std::size_t count, cudaStream_t) = {};
  /// values[i] *= factor.
  void (*scale)(void* values, data_type type, double factor, std::size_t count, cudaStream_t) = {};
  /// All runs in one kernel: each copy on its own would cost microseconds.
  void (*copy)(std::span<const copy_run> runs, cudaStream_t) = {};
  /// to[i] = own[i] + others[i] + others[count + i] + ..., likewise computed; `to` may be `own`.
  void (*sum)(const row_sum& rows, cudaStream_t) = {};
};

/// What the program has of them: everything once one of its sources went through nvcc with mics/transport/nccl.hpp (or
/// kernels.cuh alone) in it, else nothing; all ranks are alike in this. The collectives need none of them but for
/// accumulation::widened. With them small tensors that do not follow each other in memory are packed faster, and sums
/// of tens to hundreds of KiB cross the rail as messages (see choice.hpp).
inline kernels& device_kernels() {
  static kernels all;
  return all;
}

/// The same, where there is no other way. Throws usage_error that says how to get them.
inline const kernels& required_kernels(const char* for_what) {
  const kernels& all = device_kernels();
  if (all.add != nullptr) return all;
  throw usage_error(std::string(for_what) +
                    " needs kernels on the GPU: compile one source of the program with nvcc and include "
                    "<mics/transport/nccl/kernels.cuh> there");
}

}  // namespace mics::nccl
