#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <cuda_runtime_api.h>
#include <nccl.h>

#include <mics/error.hpp>
#include <mics/transport/nccl/native/native_call.hpp>
#include <mics/transport/nccl/native/result.hpp>
#include <mics/transport/nccl/stage.hpp>

namespace mics::nccl {

/// NCCL's calls in one communicator, in the order of one stream. Copies count bytes, reductions elements; nothing is
/// called for none of them.
struct wire {
  ncclComm_t comm;
  cudaStream_t stream;
  // For who reads of a failure: it costs a call that succeeds nothing.
  const error_context* group = nullptr;  ///< whose call it is; null: not told
  std::string_view operation{};          ///< of which it is a part
  std::uint64_t sequence = 0;
  stage in = stage::whole;
  recording* record = nullptr;  ///< where the calls are noted down too

  void all_gather(const std::byte* from, std::byte* to, std::size_t bytes) const {
    make({native_call::kind::all_gather, comm, in, from, to, bytes});
  }
  void broadcast(const std::byte* from, std::byte* to, std::size_t bytes, int root) const {
    make({native_call::kind::broadcast, comm, in, from, to, bytes, only_copied, root});
  }
  void send(const std::byte* from, std::size_t bytes, int peer) const {
    make({native_call::kind::send, comm, in, from, nullptr, bytes, only_copied, peer});
  }
  void receive(std::byte* to, std::size_t bytes, int peer) const {
    make({native_call::kind::receive, comm, in, nullptr, to, bytes, only_copied, peer});
  }
  void reduce_scatter(const std::byte* from, std::byte* to, std::size_t count, native_sum how) const {
    make({native_call::kind::reduce_scatter, comm, in, from, to, count, how});
  }
  void reduce(const std::byte* from, std::byte* to, std::size_t count, native_sum how, int root) const {
    make({native_call::kind::reduce, comm, in, from, to, count, how, root});
  }
  void all_reduce(const std::byte* from, std::byte* to, std::size_t count, native_sum how) const {
    make({native_call::kind::all_reduce, comm, in, from, to, count, how});
  }

  [[nodiscard]] error_context where() const {
    error_context known = group != nullptr ? *group : error_context{};
    known.operation = operation;
    known.sequence = sequence;
    known.stage = name_of(in);
    return known;
  }

 private:
  void make(const native_call& call) const {
    if (call.count == 0) return;
    check(call.make(stream), call.name(), comm, [this] { return where(); });
    if (record != nullptr) record->calls.push_back(call);
  }
};

}  // namespace mics::nccl
