#pragma once

#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include <cuda_runtime_api.h>

#include <mics/options.hpp>
#include <mics/plan/plan.hpp>
#include <mics/shape.hpp>
#include <mics/transport/nccl/choice.hpp>
#include <mics/transport/nccl/kernels.hpp>
#include <mics/transport/nccl/launch/forms/bound_call.hpp>
#include <mics/transport/nccl/native/result.hpp>
#include <mics/transport/nccl/native/wire.hpp>

namespace mics::nccl {

/// Blocks of several calls that cross the rail as one: n rows (one a node) of this rank's blocks, one behind the other.
/// The node stages read the rows, or write them, where they lie, so that one call alone is never copied.
class rail_pack {
 public:
  explicit rail_pack(native_sum how = {}) : how_(how) {}

  [[nodiscard]] const native_sum& how() const noexcept { return how_; }
  [[nodiscard]] bool used() const noexcept { return !members_.empty(); }

  void add(bound_call& c) {
    members_.push_back({&c, bytes_});
    bytes_ += c.bytes(0);
    width_ = c.width();
  }

  /// Reduce-scatter, once all calls are in it: does the rail stage send each row to its node, which adds up what comes
  /// with a kernel? Else NCCL reduces them.
  void choose_rail_stage() {
    const plan& one = first().planned->how;
    plan_request all = one.asked();
    all.block_bytes = bytes_;
    const bool chosen = alone() || all.on_rail != algorithm::automatic;
    by_messages_ =
        bytes_ > 0 && (chosen ? one.on_rail() == algorithm::direct : detail::gains_by_messages(all, *first().shape));
  }
  [[nodiscard]] bool by_messages() const noexcept { return by_messages_; }

  /// The rows, for several calls what goes out or comes in for this rank itself, and the messages that come.
  [[nodiscard]] std::size_t scratch_bytes(int nodes) const noexcept {
    const auto rows = static_cast<std::size_t>(nodes);
    return bytes_ * (rows + (alone() ? 0 : 1) + (by_messages_ ? rows - 1 : 0));
  }
  void place(std::byte* scratch, int nodes) {
    own_ = scratch + bytes_ * static_cast<std::size_t>(nodes);
    messages_ = own_ + (alone() ? 0 : bytes_);
    for (const member& m : members_) {
      m.call->rows = scratch + m.offset;
      m.call->row_bytes = bytes_;
    }
  }

  /// All-gather: the shards are put one behind the other, unless they lie so, gathered, and lie in the rows.
  void collect(cudaStream_t stream) {
    const bool apart = !in_one_piece(input_of);
    outgoing_ = apart ? own_ : first().input;
    if (!apart) return;
    std::vector<copy_run> runs;
    for_each_run(input_of, [&](const std::byte* from, std::size_t offset, std::size_t bytes) {
      runs.push_back({from, own_ + offset, bytes});
    });
    copy(runs, stream);
  }
  void gather(const wire& rail) const { rail.all_gather(outgoing_, first().rows, bytes_); }

  /// Reduce-scatter: the rows are reduced, or sent and ...
  void reduce(const wire& rail) const {
    if (!by_messages_) return rail.reduce_scatter(first().rows, sums(), bytes_ / width_, how_);
    std::byte* message = messages_;
    for_each_other_node(*first().shape, [&](int node) {
      rail.send(first().row(node), bytes_, node);
      rail.receive(std::exchange(message, message + bytes_), bytes_, node);
    });
  }
  /// ... added up, this rank's own first; ...
  [[nodiscard]] row_sum rows_to_add() const {
    const group_shape& shape = *first().shape;
    const auto others = static_cast<std::size_t>(shape.nodes) - 1;
    return {sums(), first().planned->moved, first().row(shape.node()), messages_, others, bytes_ / width_};
  }
  /// ... the sums are handed out to their shards, unless these are in one piece.
  void distribute(cudaStream_t stream) const {
    if (in_one_piece(output_of)) return;
    std::vector<copy_run> runs;
    for_each_run(output_of, [&](std::byte* to, std::size_t offset, std::size_t bytes) {
      runs.push_back({own_ + offset, to, bytes});
    });
    copy(runs, stream);
  }

 private:
  struct member {
    bound_call* call;
    std::size_t offset;
  };

  [[nodiscard]] bool alone() const noexcept { return members_.size() == 1; }
  [[nodiscard]] const bound_call& first() const noexcept { return *members_.front().call; }
  [[nodiscard]] std::byte* sums() const { return in_one_piece(output_of) ? first().output : own_; }

  static const std::byte* input_of(const bound_call& c) noexcept { return c.input; }
  static std::byte* output_of(const bound_call& c) noexcept { return c.output; }

  /// Calls f(address, offset in the row, bytes) for each run of blocks that follow each other in memory.
  template <class Address, class F> void for_each_run(Address address, F f) const {
    for (std::size_t i = 0; i < members_.size();) {
      const auto begin = address(*members_[i].call);
      const std::size_t offset = members_[i].offset;
      std::size_t bytes = 0;
      while (i < members_.size() && address(*members_[i].call) == begin + bytes) bytes += members_[i++].call->bytes(0);
      f(begin, offset, bytes);
    }
  }
  template <class Address> [[nodiscard]] bool in_one_piece(Address address) const {
    int runs = 0;
    for_each_run(address, [&runs](auto*, std::size_t, std::size_t) { ++runs; });
    return runs == 1;
  }

  static void copy(std::span<const copy_run> runs, cudaStream_t stream) {
    if (device_kernels().copy != nullptr) return device_kernels().copy(runs, stream);
    for (const copy_run& r : runs) {
      if (r.bytes == 0) continue;
      check(cudaMemcpyAsync(r.to, r.from, r.bytes, cudaMemcpyDeviceToDevice, stream), "cudaMemcpyAsync");
    }
  }

  native_sum how_;
  std::vector<member> members_{};
  std::size_t bytes_ = 0;  ///< of one row
  std::size_t width_ = 1;
  bool by_messages_ = false;
  std::byte* own_ = nullptr;
  std::byte* messages_ = nullptr;
  const std::byte* outgoing_ = nullptr;
};

}  // namespace mics::nccl
