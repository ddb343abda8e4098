#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <cuda_runtime_api.h>
#include <nccl.h>

#include <mics/detail/require_shape.hpp>
#include <mics/error.hpp>
#include <mics/plan/program_cache.hpp>
#include <mics/shape.hpp>
#include <mics/transport/nccl/average.hpp>
#include <mics/transport/nccl/choice.hpp>
#include <mics/transport/nccl/device.hpp>
#include <mics/transport/nccl/failure.hpp>
#include <mics/transport/nccl/journal.hpp>
#include <mics/transport/nccl/memory_check.hpp>
#include <mics/transport/nccl/native_type.hpp>
#include <mics/transport/nccl/node_lane.hpp>
#include <mics/transport/nccl/scratch.hpp>
#include <mics/transport/nccl/settings.hpp>
#include <mics/transport/nccl/stage_communicators.hpp>
#include <mics/transport/nccl/windows.hpp>
#include <mics/transport/nccl/wire.hpp>

namespace mics::nccl {

/// One rank's membership in a group: what a communicator is a handle to.
class member {
 public:
  enum class ownership { adopted, owned };

  /// `parent`: what it was split off from; null for a world.
  member(ncclComm_t whole, ownership whose, settings chosen, const member* parent = nullptr)
      : whole_(whole),
        whose_(whose),
        settings_(std::move(chosen)),
        device_(device_of(whole)),
        journal_(device_),
        failure_(parent != nullptr ? parent->failure_ : std::make_shared<failure_state>()) {
    check(ncclCommUserRank(whole, &shape_.rank), "ncclCommUserRank", whole);
    check(ncclCommCount(whole, &shape_.size), "ncclCommCount", whole);
    shape_.node_size = shape_.size;
    world_rank_ = parent != nullptr ? parent->world_rank_ : shape_.rank;
    if (parent != nullptr) table_ = parent->table_;
  }
  ~member() {
    if (failure_->is_set()) abort();  // to destroy a communicator would wait for what will never end
    if (aborted_) return;
    averages_.clear();
    stages_.release([](ncclComm_t comm) { ncclCommDestroy(comm); });
    if (whose_ == ownership::owned) ncclCommDestroy(whole_);
  }
  member(const member&) = delete;
  member& operator=(const member&) = delete;

  [[nodiscard]] const group_shape& shape() const noexcept { return shape_; }
  [[nodiscard]] const settings& chosen() const noexcept { return settings_; }
  [[nodiscard]] const std::string& name() const noexcept { return settings_.name; }
  [[nodiscard]] int world_rank() const noexcept { return world_rank_; }
  [[nodiscard]] int device() const noexcept { return device_; }
  [[nodiscard]] ncclComm_t whole() const noexcept { return whole_; }
  [[nodiscard]] program_cache& programs() noexcept { return programs_; }
  [[nodiscard]] nccl::journal& journal() noexcept { return journal_; }
  [[nodiscard]] nccl::scratch& scratch() noexcept { return scratch_; }
  [[nodiscard]] node_lane& lane() noexcept { return lane_; }
  [[nodiscard]] memory_check& memory() noexcept { return memory_; }
  [[nodiscard]] nccl::windows& windows() noexcept { return windows_; }
  [[nodiscard]] const stage_communicators& stages() const noexcept { return stages_; }
  [[nodiscard]] const tuned_table& table() const noexcept { return *table_; }
  void use(std::shared_ptr<const tuned_table> table) noexcept { table_ = std::move(table); }

  /// NCCL communicators made for this group: the stages', and the group's own unless it was adopted.
  [[nodiscard]] int communicators() const noexcept {
    return stages_.count() + (whose_ == ownership::owned && !aborted_ ? 1 : 0);
  }

  /// The node of each rank, by any numbers; the shape follows from them.
  void set_nodes(std::vector<int> node_of) {
    shape_ = mics::detail::shape_on_nodes(shape_.rank, shape_.size,
                                          [&](int r) { return node_of[static_cast<std::size_t>(r)]; });
    node_of_ = std::move(node_of);
  }
  [[nodiscard]] const std::vector<int>& node_of() const noexcept { return node_of_; }

  /// Device memory that NCCL took for this group, as far as it was seen to go (others may take some at the same time).
  [[nodiscard]] std::size_t native_bytes() const noexcept { return native_bytes_; }
  void count_native(std::size_t free_before, std::size_t free_after) noexcept {
    if (free_after < free_before) native_bytes_ += free_before - free_after;
  }
  /// True the first time a form is used: NCCL connects the ranks then.
  bool first_use(unsigned form) noexcept {
    const std::uint64_t bit = std::uint64_t{1} << form;
    return (std::exchange(used_forms_, used_forms_ | bit) & bit) == 0;
  }

  void set_shape(group_shape shape) {
    mics::detail::require_shape(shape, shape_, journal_.next() > 1 || stages_.count() > 0, where());
    shape_ = std::move(shape);
    programs_ = {};
  }

  // What a launch asks of its group.
  [[nodiscard]] nccl::wire wire_of(stage s, cudaStream_t stream) const noexcept { return {communicator(s), stream}; }
  [[nodiscard]] bool has(stage s) const noexcept { return communicator(s) != nullptr; }
  void make(stage s) { stages_.make(s, whole_, shape_); }
  [[nodiscard]] bool registered(const std::byte* memory, std::size_t bytes) const noexcept {
    return windows_.cover(memory, bytes);
  }
  [[nodiscard]] bool by_copy_engines(std::size_t row_bytes) const noexcept {
    return has_copy_engines && row_bytes >= settings_.copy_engine_bytes;
  }
  /// How NCCL reduces; throws usage_error for types that it cannot. An average is a sum but for its first stage.
  [[nodiscard]] native_sum reduction_of(data_type type, reduction how) const {
    const std::optional<ncclDataType_t> known = native_type(type);
    if (known) return {*known, native_reduction(how)};
    throw usage_error("NCCL cannot reduce " + std::string(name_of(type)) + "; it can all types but int16 and uint16",
                      where());
  }
  /// The first stage of an average: NCCL's own, or the sum that scales by the size of the group.
  [[nodiscard]] native_sum average(data_type type, stage s) {
    const ncclDataType_t known = reduction_of(type, reduction::avg).type;
    return {known, s == stage::whole ? ncclAvg : averages_.find(communicator(s), type, known, shape_.size)};
  }

  [[nodiscard]] error_context where(std::string operation = {}, std::uint64_t sequence = 0) const {
    return {world_rank_, settings_.name, std::move(operation), sequence, {}, {}};
  }

  /// The owner is gone: nothing new may begin.
  void close() noexcept { closed_.store(true, std::memory_order_release); }
  [[nodiscard]] bool usable() const noexcept { return !closed() && !failure_->is_set(); }
  [[nodiscard]] bool closed() const noexcept { return closed_.load(std::memory_order_acquire); }

  [[noreturn]] void throw_failure() const {
    throw aborted_error("this communicator has failed: " + failure_->why(), where());
  }
  /// Shared by the whole family.
  [[nodiscard]] const std::shared_ptr<failure_state>& failure() const noexcept { return failure_; }

  /// Ends what runs on the GPU in the communicators that are the library's own. An adopted one is its owner's to abort.
  void abort() noexcept {
    if (std::exchange(aborted_, true)) return;
    averages_.forget();
    // As a group: all are told to end before one is waited for, whose work may be queued behind another's.
    ncclGroupStart();
    stages_.release([](ncclComm_t comm) { ncclCommAbort(comm); });
    if (whose_ == ownership::owned) ncclCommAbort(whole_);
    ncclGroupEnd();
  }
  [[nodiscard]] bool aborted() const noexcept { return aborted_; }

  /// Calls f(communicator) for the group's own and its stages'.
  template <class F> void for_each_communicator(F f) const {
    f(whole_);
    stages_.for_each(f);
  }

 private:
  static int device_of(ncclComm_t comm) {
    int device = 0;
    check(ncclCommCuDevice(comm, &device), "ncclCommCuDevice", comm);
    return device;
  }

  /// A group on one node is its own node stage, one with a rank a node its own rail.
  [[nodiscard]] ncclComm_t communicator(stage s) const noexcept {
    const bool itself =
        s == stage::whole || (s == stage::node && shape_.nodes == 1) || (s == stage::rail && shape_.node_size == 1);
    return itself ? whole_ : stages_.get(s);
  }

  ncclComm_t whole_;
  ownership whose_;
  settings settings_;
  group_shape shape_{};
  int world_rank_ = 0;
  int device_;
  program_cache programs_{};
  stage_communicators stages_{};
  averages averages_{};
  nccl::windows windows_{};
  memory_check memory_{};
  std::vector<int> node_of_{};
  nccl::scratch scratch_{};
  node_lane lane_{};
  nccl::journal journal_;
  std::shared_ptr<const tuned_table> table_ = std::make_shared<const tuned_table>();
  std::atomic<bool> closed_{false};
  bool aborted_ = false;
  std::shared_ptr<failure_state> failure_;
  std::uint64_t used_forms_ = 0;
  std::size_t native_bytes_ = 0;
};

}  // namespace mics::nccl
