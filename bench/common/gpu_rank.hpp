#pragma once

#include <chrono>
#include <string>

#include <cuda_runtime_api.h>
#include <nccl.h>

#include <mics/bootstrap.hpp>
#include <mics/transport/nccl.hpp>

/// The GPU of this process: its index on the host, modulo the devices there. Throws usage_error when there is none.
inline int choose_device(const mics::bootstrap::environment& place) {
  int devices = 0;
  const cudaError_t found = cudaGetDeviceCount(&devices);
  if (found != cudaSuccess || devices == 0) {
    throw mics::usage_error(std::string("there is no GPU that this process can use: ") +
                            (found == cudaSuccess ? "CUDA finds no device" : cudaGetErrorString(found)));
  }
  const int device = (place.local_rank >= 0 ? place.local_rank : place.rank) % devices;
  mics::nccl::check(cudaSetDevice(device), "cudaSetDevice");
  return device;
}

/// One process of a job of GPUs: finds the other ranks, takes its GPU, and makes the world.
class gpu_rank {
 public:
  gpu_rank(int node_size, std::chrono::milliseconds timeout)
      : place_(mics::bootstrap::read_environment()),
        device_(choose_device(place_)),
        session_(mics::bootstrap::rendezvous(place_, {.timeout = timeout, .join_timeout = timeout})),
        world_(session_.broadcast(place_.rank == 0 ? mics::nccl::unique_id() : ncclUniqueId{}), place_.rank,
               place_.world_size, {.node_size = node_size, .timeout = timeout}) {
    // A rank that died leaves the others' GPUs waiting: who waits for the world is told.
    session_.on_failure([world = mics::nccl::communicator_ref(world_)](int rank, const std::string& why) {
      try {
        world.fail("rank " + std::to_string(rank) + " has failed: " + why);
      } catch (const mics::error&) {  // closed or failed already: nobody waits any more
      }
    });
  }
  gpu_rank(const gpu_rank&) = delete;
  gpu_rank& operator=(const gpu_rank&) = delete;

  [[nodiscard]] const mics::bootstrap::environment& place() const noexcept { return place_; }
  [[nodiscard]] int device() const noexcept { return device_; }
  [[nodiscard]] mics::bootstrap::session& session() noexcept { return session_; }
  [[nodiscard]] const mics::nccl::communicator& world() const noexcept { return world_; }
  [[nodiscard]] cudaStream_t stream() const noexcept { return stream_.get(); }

  /// Lets the streams of all ranks wait for each other; returns at once.
  void meet() {
    float* const one = reinterpret_cast<float*>(token_.get());
    mics::nccl::check(ncclAllReduce(one, one, 1, ncclFloat, ncclSum, world_.native_handle(), stream()),
                      "ncclAllReduce");
  }

  /// Begins a sample: returns once every rank has come here, with nothing left in the stream.
  void align() {
    meet();
    finish();
  }

  /// Waits for the stream. It spins for a second, since the library's own wait naps, which short samples would count.
  void finish() {
    const auto start = std::chrono::steady_clock::now();
    while (std::chrono::steady_clock::now() - start < std::chrono::seconds(1)) {
      const cudaError_t state = cudaStreamQuery(stream());
      if (state == cudaSuccess) return;
      if (state != cudaErrorNotReady) mics::nccl::check(state, "work on the GPU");
    }
    world_.synchronize(stream());
  }

 private:
  mics::bootstrap::environment place_;
  int device_;
  mics::bootstrap::session session_;
  mics::nccl::communicator world_;
  mics::nccl::own_stream stream_{device_};
  mics::nccl::device_bytes token_ = zero_token();

  static mics::nccl::device_bytes zero_token() {
    auto token = mics::nccl::allocate_device(sizeof(float));
    mics::nccl::check(cudaMemset(token.get(), 0, sizeof(float)), "cudaMemset");
    return token;
  }
};
