#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include <mics/mics.hpp>

#include "../../common/gpu_rank.hpp"
#include "../collective.hpp"
#include "../options.hpp"
#include "../station.hpp"
#include "device_memory.hpp"
#include "pinned_memory.hpp"
#include "raw_library.hpp"

namespace perf {

/// A rank that is a process with a GPU: collectives go on its stream, buffers lie on the device, and what is verified
/// is copied to the host.
class gpu_station {
 public:
  using memory_type = device_memory;

  gpu_station(gpu_rank& here, const options& chosen)
      : here_(here),
        groups_(here.world(), {.node_size = chosen.node_size, .partition_size = chosen.partition_size()}),
        group_(chosen.replication ? groups_.replication() : groups_.partition()),
        kind_(chosen.memory) {}

  [[nodiscard]] int rank() const { return here_.world().rank(); }
  [[nodiscard]] const mics::nccl::communicator_ref& group() const { return group_; }

  [[nodiscard]] device_memory make_memory(std::size_t bytes) { return device_memory(group_, bytes, kind_); }

  void align() { here_.align(); }
  void start(const exchange& call, const mics::collective_options& how) {
    collective(group_, call, how, here_.stream());
  }
  [[nodiscard]] std::function<void()> library_below(const exchange& call) {
    if (!raw_) raw_.emplace(group_);
    return raw_->call(call, here_.stream());
  }
  /// NCCL's own communicator over the group; made at the first use, collectively.
  [[nodiscard]] ncclComm_t raw_communicator() {
    if (!raw_) raw_.emplace(group_);
    return raw_->communicator();
  }
  void finish() { here_.finish(); }
  void zero(std::span<std::byte> data) {
    mics::nccl::check(cudaMemsetAsync(data.data(), 0, data.size(), here_.stream()), "cudaMemsetAsync");
    finish();
  }

  void fold_numbers(std::vector<std::int64_t>& numbers, fold how) {
    constexpr std::size_t at_once = std::size_t{1} << 16;  // the session takes 1 MiB
    for (std::size_t first = 0; first < numbers.size(); first += at_once) {
      fold_some(std::span(numbers).subspan(first, std::min(at_once, numbers.size() - first)), how);
    }
  }

  /// The same call in memory of the host, which the next one uses again.
  [[nodiscard]] exchange host_view(const exchange& call) {
    if (!host_ || host_->bytes < call.bytes()) host_ = std::make_unique<host_buffers>(call.bytes());
    return placed(call, host_->first, host_->second);
  }
  void upload(const exchange& host, const exchange& device) { copy(host, device, cudaMemcpyHostToDevice); }
  void download(const exchange& device, const exchange& host) { copy(device, host, cudaMemcpyDeviceToHost); }

 private:
  struct host_buffers {
    explicit host_buffers(std::size_t most) : bytes(most), first(most), second(most) {}
    std::size_t bytes;
    pinned_memory first, second;
  };

  void fold_some(std::span<std::int64_t> numbers, fold how) {
    const auto all = here_.session().all_gather(std::as_bytes(numbers));
    std::memcpy(numbers.data(), all.front().data(), numbers.size_bytes());
    for (std::size_t rank = 1; rank < all.size(); ++rank) {
      for (std::size_t i = 0; i < numbers.size(); ++i) {
        std::int64_t other = 0;
        std::memcpy(&other, all[rank].data() + i * sizeof other, sizeof other);
        std::int64_t& mine = numbers[i];
        if (how == fold::sum) mine += other;
        if (how == fold::min) mine = std::min(mine, other);
        if (how == fold::max) mine = std::max(mine, other);
      }
    }
  }

  void copy(const exchange& from, const exchange& to, cudaMemcpyKind way) {
    const auto one = [&](std::span<std::byte> target, std::span<const std::byte> source) {
      mics::nccl::check(cudaMemcpyAsync(target.data(), source.data(), source.size(), way, here_.stream()),
                        "cudaMemcpyAsync");
    };
    one(to.out, from.out);
    one(to.in, from.in);  // in place, a part of the same memory
    finish();
  }

  gpu_rank& here_;
  mics::groups<mics::nccl::communicator_ref> groups_;
  mics::nccl::communicator_ref group_;
  memory_kind kind_;
  std::optional<raw_library> raw_{};
  std::unique_ptr<host_buffers> host_{};
};

}  // namespace perf
