#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <cuda_runtime_api.h>
#include <nccl.h>

#include <mics/detail/require_shape.hpp>
#include <mics/error.hpp>
#include <mics/plan/program_cache.hpp>
#include <mics/shape.hpp>
#include <mics/transport/nccl/choice.hpp>
#include <mics/transport/nccl/group/average.hpp>
#include <mics/transport/nccl/group/failure.hpp>
#include <mics/transport/nccl/group/family.hpp>
#include <mics/transport/nccl/group/journal.hpp>
#include <mics/transport/nccl/group/last_wait.hpp>
#include <mics/transport/nccl/group/node_lane.hpp>
#include <mics/transport/nccl/group/repeated_calls.hpp>
#include <mics/transport/nccl/group/scratch.hpp>
#include <mics/transport/nccl/group/stage_communicators.hpp>
#include <mics/transport/nccl/group/windows.hpp>
#include <mics/transport/nccl/native/device.hpp>
#include <mics/transport/nccl/native/library_version.hpp>
#include <mics/transport/nccl/native/memory_check.hpp>
#include <mics/transport/nccl/native/native_type.hpp>
#include <mics/transport/nccl/native/wire.hpp>
#include <mics/transport/nccl/settings.hpp>

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
        family_(parent != nullptr ? parent->family_ : std::make_shared<nccl::family>(device_)) {
    if (whose == ownership::adopted) family_->note_adopted();
    check(ncclCommUserRank(whole, &shape_.rank), "ncclCommUserRank", whole);
    check(ncclCommCount(whole, &shape_.size), "ncclCommCount", whole);
    shape_.node_size = shape_.size;
    world_rank_ = parent != nullptr ? parent->world_rank_ : shape_.rank;
    origin_ = {world_rank_, settings_.name, {}, 0, {}, {}};
    if (parent != nullptr) table_ = parent->table_;
    family_->join(*this);
  }
  ~member() {
    const bool has_own = whose_ == ownership::owned || stages_.count() > 0 || scratch_.total_bytes() > 0;
    if (has_own) end_if_failed();
    if (scratch_.total_bytes() > 0 && stuck()) scratch_.abandon();
    family_->leave(*this);
    if (aborted()) {
      averages_.forget();
      return;
    }
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
  [[nodiscard]] nccl::family& family() const noexcept { return *family_; }
  [[nodiscard]] const library_features& features() const noexcept { return features_; }
  [[nodiscard]] nccl::scratch& scratch() noexcept { return scratch_; }
  [[nodiscard]] node_lane& lane() noexcept { return lane_; }
  [[nodiscard]] memory_check& memory() noexcept { return memory_; }
  [[nodiscard]] repeated_calls& repeats() noexcept { return repeats_; }
  [[nodiscard]] const stage_communicators& stages() const noexcept { return stages_; }
  [[nodiscard]] const tuned_table& table() const noexcept { return *table_; }
  void use(std::shared_ptr<const tuned_table> table) noexcept {
    table_ = std::move(table);
    repeats_.forget();
  }

  /// NCCL communicators made for this group: the stages', and the group's own unless it was adopted.
  [[nodiscard]] int communicators() const noexcept {
    return stages_.count() + (whose_ == ownership::owned && !aborted() ? 1 : 0);
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
  /// True the first time a form is used for about so many bytes: NCCL connects the ranks then, each of its algorithms
  /// for itself, and takes one or another by the size.
  bool first_use(unsigned form, std::size_t bytes) noexcept {
    const std::uint64_t bit = std::uint64_t{1} << form;
    std::uint64_t& used = used_forms_[static_cast<std::size_t>(std::bit_width(bytes))];
    return (std::exchange(used, used | bit) & bit) == 0;
  }

  void set_shape(group_shape shape) {
    mics::detail::require_shape(shape, shape_, operations_ > 0 || stages_.count() > 0, where());
    shape_ = std::move(shape);
    programs_ = {};
  }

  /// The number of the operation that comes next.
  [[nodiscard]] std::uint64_t next() const noexcept { return operations_ + 1; }
  /// Notes that it has been enqueued.
  void note(operation what, cudaStream_t stream, bool captured) {
    family_->journal().add({this, what, ++operations_}, stream, captured);
  }

  // What a launch asks of its group.
  /// `operation`: what the calls are a part of, number next().
  [[nodiscard]] nccl::wire wire_of(stage s, cudaStream_t stream, std::string_view operation = {}) const noexcept {
    return {communicator(s), stream, &origin_, operation, operation.empty() ? 0 : next(), s};
  }
  [[nodiscard]] bool has(stage s) const noexcept { return communicator(s) != nullptr; }

  /// Begins to split off a stage, inside a group of NCCL calls; ...
  void begin_stage(stage s) {
    stages_.begin(s, whole_, shape_, [this, s] {
      error_context known = where("split");
      known.stage = name_of(s);
      return known;
    });
  }
  /// ... and takes it, after the group's end; `made`: the group succeeded (else NCCL has taken it back).
  void end_stage(bool made) noexcept {
    auto held = family_->hold();
    if (made && !aborted()) return stages_.keep();
    held.unlock();
    const ncclComm_t unwanted = stages_.take();
    if (made && unwanted != nullptr) ncclCommAbort(unwanted);
  }

  /// The ranks of a node reach this memory of each other from now on; ...
  void open_window(const void* memory, std::size_t bytes) {
    windows_.add(memory, bytes);
    repeats_.forget();
  }
  /// ... and not any more.
  void close_window(const void* memory) {
    windows_.remove(memory);
    repeats_.forget();
  }
  [[nodiscard]] bool registered(const std::byte* memory, std::size_t bytes) const noexcept {
    return windows_.cover(memory, bytes);
  }
  [[nodiscard]] bool by_copy_engines(std::size_t row_bytes) const noexcept {
    return features_.copy_engines && row_bytes >= settings_.copy_engine_bytes;
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
    error_context known = origin_;
    known.operation = std::move(operation);
    known.sequence = sequence;
    return known;
  }

  /// The owner is gone: nothing new may begin.
  void close() noexcept {
    if (is_unwinding()) thrown_.store(true);
    closed_.store(true, std::memory_order_release);
  }
  [[nodiscard]] bool usable() const noexcept { return !closed() && !failure()->is_set(); }
  [[nodiscard]] bool closed() const noexcept { return closed_.load(std::memory_order_acquire); }

  [[noreturn]] void throw_failure() const {
    throw aborted_error("this communicator has failed: " + failure()->why(), where());
  }
  /// Shared by the whole family.
  [[nodiscard]] const std::shared_ptr<failure_state>& failure() const noexcept { return family_->failure(); }

  /// Ends what runs on the GPU in all communicators of the family that are the library's own; an adopted one is its
  /// owner's to abort. From any thread; `waiting_calls`: see family.
  void abort(int waiting_calls = 0) noexcept {
    family_->abort(waiting_calls, [](member& m, std::vector<ncclComm_t>& communicators) {
      if (m.aborted_.exchange(true)) return;
      m.stages_.release([&](ncclComm_t comm) { communicators.push_back(comm); });
      if (m.whose_ == ownership::owned) communicators.push_back(m.whole_);
    });
  }
  [[nodiscard]] bool aborted() const noexcept { return aborted_.load(); }
  /// Has it failed while something runs that may never end? In an adopted communicator that goes on until its owner
  /// aborts it, and who frees memory of the GPU before that waits for it: so the little that a group has of its own is
  /// left to the process then.
  [[nodiscard]] bool stuck() const noexcept {
    if (!failure()->is_set() || !family_->has_adopted()) return false;
    return !detail::device_ends_in_time(device_, std::chrono::seconds(1), [] { return false; });
  }

  /// For who is about to free memory of the GPU, or the group: that waits for what is enqueued, without a deadline. If
  /// the group has failed, that is ended now. While an exception is on its way, the ranks that it waits for may have
  /// met with one, too, so it is ended at the deadline.
  void end_if_failed() noexcept {
    const auto failed = [this] { return failure()->is_set(); };
    if (!failed()) {
      if (!thrown_.load() && !is_unwinding()) return;
      if (detail::device_ends_in_time(device_, settings_.timeout, failed)) return;
      failure()->set("rank " + std::to_string(world_rank_) + " met with an exception, and its work did not end");
    }
    abort();
  }

  /// Calls f(communicator) for the group's own and its stages'.
  template <class F> void for_each_communicator(F f) const {
    f(whole_);
    stages_.for_each(f);
  }

 private:
  [[nodiscard]] bool is_unwinding() const noexcept { return std::uncaught_exceptions() > exceptions_; }

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
  repeated_calls repeats_{};
  memory_check memory_{};
  std::vector<int> node_of_{};
  nccl::scratch scratch_{};
  node_lane lane_{};
  std::shared_ptr<const tuned_table> table_ = std::make_shared<const tuned_table>();
  std::atomic<bool> closed_{false};
  std::atomic<bool> aborted_{false};
  std::atomic<bool> thrown_{false};  ///< its owner went with an exception
  const library_features features_ = library_features::here();
  std::shared_ptr<nccl::family> family_;
  error_context origin_{};  ///< what all errors have in common
  const int exceptions_ = std::uncaught_exceptions();
  std::uint64_t operations_ = 0;
  std::array<std::uint64_t, 65> used_forms_{};  ///< for each number of bits that a size has
  std::size_t native_bytes_ = 0;
};

inline member& group_of(member* group) noexcept { return *group; }

}  // namespace mics::nccl
