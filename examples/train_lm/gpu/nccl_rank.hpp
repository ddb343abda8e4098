#pragma once

#include <algorithm>
#include <cstring>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include <cublas_v2.h>
#include <cuda_runtime_api.h>

#include <mics/bootstrap.hpp>
#include <mics/transport/nccl.hpp>
#include <mics/transport/nccl/world.hpp>

#include "../link_bytes.hpp"
#include "../settings.hpp"
#include "device_math.hpp"

namespace train_lm {

/// The process's GPU: its index on the host, modulo the devices there.
inline void choose_device(const mics::bootstrap::environment& place) {
  int devices = 0;
  check(cudaGetDeviceCount(&devices), "cudaGetDeviceCount");
  if (devices == 0) throw std::runtime_error("--transport nccl: there is no GPU that this process can use");
  check(cudaSetDevice((place.local_rank >= 0 ? place.local_rank : place.rank) % devices), "cudaSetDevice");
}

/// A stream of the current device, and cuBLAS on it.
class computing {
 public:
  computing() {
    check(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "cudaStreamCreateWithFlags");
    const bool ready = cublasCreate(&products_) == CUBLAS_STATUS_SUCCESS &&
                       cublasSetMathMode(products_, CUBLAS_DEFAULT_MATH) == CUBLAS_STATUS_SUCCESS &&  // no TF32
                       cublasSetStream(products_, stream_) == CUBLAS_STATUS_SUCCESS;
    if (!ready) throw std::runtime_error("cuBLAS cannot be used on this GPU");
  }
  ~computing() {
    cublasDestroy(products_);
    cudaStreamDestroy(stream_);
  }
  computing(const computing&) = delete;
  computing& operator=(const computing&) = delete;

  [[nodiscard]] cudaStream_t stream() const { return stream_; }
  [[nodiscard]] device_math math() const { return {stream_, products_}; }

 private:
  cudaStream_t stream_ = nullptr;
  cublasHandle_t products_ = nullptr;
};

/// What a training run needs of a rank that is a process with a GPU.
class nccl_rank {
 public:
  using math_type = device_math;
  using room = device_array<float>;
  static constexpr bool counts_bytes = false;

  explicit nccl_rank(const settings& s)
      : place_(mics::bootstrap::read_environment()),
        session_((choose_device(place_), mics::bootstrap::rendezvous(place_))),
        world_(mics::nccl::make_world(session_, {.node_size = s.node_size, .checked = s.checked})) {}

  [[nodiscard]] const mics::nccl::communicator& world() const { return world_; }
  [[nodiscard]] device_math math() const { return computing_.math(); }
  [[nodiscard]] room make_room(std::size_t elements) const { return room(elements); }
  [[nodiscard]] cudaStream_t stream() const { return computing_.stream(); }

  void barrier() {
    world_.synchronize(stream());
    session_.barrier();
  }
  void average(std::vector<double>& values) {
    const auto all = session_.all_gather(std::as_bytes(std::span(values)));
    std::vector<double> one(values.size());
    std::fill(values.begin(), values.end(), 0.0);
    for (const auto& bytes : all) {
      std::memcpy(one.data(), bytes.data(), bytes.size());
      for (std::size_t i = 0; i < values.size(); ++i) values[i] += one[i] / static_cast<double>(all.size());
    }
  }

  [[nodiscard]] link_bytes moved() const { return {}; }

 private:
  mics::bootstrap::environment place_;
  mics::bootstrap::session session_;
  mics::nccl::communicator world_;
  computing computing_{};
};

}  // namespace train_lm
