#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <cuda_runtime_api.h>

#include <mics/collectives/launch.hpp>
#include <mics/collectives/planned_call.hpp>
#include <mics/error.hpp>
#include <mics/schedule/launch.hpp>
#include <mics/transport/nccl/choice.hpp>
#include <mics/transport/nccl/group/member.hpp>
#include <mics/transport/nccl/kernels.hpp>
#include <mics/transport/nccl/launch/forms/all_gather.hpp>
#include <mics/transport/nccl/launch/forms/all_reduce.hpp>
#include <mics/transport/nccl/launch/forms/broadcast.hpp>
#include <mics/transport/nccl/launch/forms/reduce_scatter.hpp>
#include <mics/transport/nccl/launch/rail_pack.hpp>
#include <mics/transport/nccl/launch/route.hpp>
#include <mics/transport/nccl/native/device.hpp>
#include <mics/transport/nccl/stage.hpp>

namespace mics::nccl {

/// Planned calls on their way to NCCL: what they need, and the groups of NCCL calls that carry them out, one a stage,
/// or, where blocks move in pieces, one a wave: the first stage of a piece beside the second of the piece before it.
/// Made first, which checks the types; once the communicators of for_each_stage() exist, scratch_bytes() and, if
/// overlaps(), the group's lane: place(), begin(), every wave in a group of NCCL calls with add_up() behind it and
/// between() before the next one, finish().
class launch {
 public:
  launch(member& group, std::span<const planned_call> calls, cudaStream_t stream, bool captured)
      : group_(&group), stream_(stream), captured_(captured) {
    bound_.reserve(calls.size());
    for (const planned_call& call : calls) {
      bound_call& c = bound_.emplace_back(bind(call));
      find_route(c, group, calls.size() == 1);
      overlaps_ = overlaps_ || c.pieces > 1;
    }
    for (bound_call& c : bound_) pack(c);
    for (rail_pack& sums : sums_) sums.choose_rail_stage();
    for (const bound_call& c : bound_) count_scratch(c);
  }
  // Packs point into the calls.
  launch(launch&&) noexcept = default;
  launch& operator=(launch&&) noexcept = default;
  launch(const launch&) = delete;
  launch& operator=(const launch&) = delete;

  /// The calls lie elsewhere now.
  void refer_to(std::span<const planned_call> calls) noexcept {
    for (std::size_t i = 0; i < bound_.size(); ++i) bound_[i].planned = &calls[i];
  }

  [[nodiscard]] member& group() const noexcept { return *group_; }
  [[nodiscard]] cudaStream_t stream() const noexcept { return stream_; }
  /// Is it recorded into a graph?
  [[nodiscard]] bool captured() const noexcept { return captured_; }
  [[nodiscard]] operation what() const noexcept { return bound_.front().call().what; }
  [[nodiscard]] std::size_t scratch_bytes() const noexcept { return scratch_bytes_; }

  /// Do stages run beside each other, the node's in the group's lane?
  [[nodiscard]] bool overlaps() const noexcept { return overlaps_; }

  /// Calls f(stage) for each stage that must have its communicator.
  template <class F> void for_each_stage(F f) const {
    for (const bound_call& c : bound_) {
      if (c.hierarchical()) {
        f(stage::rail);
        f(stage::node);
      }
      if (by_windows(c.node_in)) f(c.node_in);
    }
  }

  /// Notes the forms that it uses; true if one of them is new to the group. What goes by windows and by copy engines is
  /// a form besides, for it has communicators of its own.
  bool first_use() {
    bool first = false;
    for (const bound_call& c : bound_) {
      const std::size_t bytes = c.call().blocks.total() * c.width();
      const auto use = [&](unsigned form) {
        const bool its_first = group_->first_use(form, bytes);
        first = first || its_first;
      };
      const bool other_rail_stage = gathers_rows(c) || sends_sums(c);
      const unsigned form = !c.hierarchical() ? 0 : 1 + (other_rail_stage ? 1U : 0U) + (c.pieces > 1 ? 2U : 0U);
      const auto what = static_cast<unsigned>(c.call().what);
      use(5 * what + form);
      if (by_windows(c.node_in)) use(by_windows_form + 2 * what + (c.node_in == stage::copy_engines ? 1U : 0U));
    }
    return first;
  }

  /// What else must be the same on all ranks: for which calls the memory's being registered counts, and whose sums are
  /// messages.
  void add_to(schedule::signature& own) const noexcept {
    for (const bound_call& c : bound_) {
      const int more = by_windows(c.node_in) ? 1 : 0;
      own.registered = static_cast<std::uint16_t>(own.registered + more);
      mics::detail::mix(own.fingerprint, static_cast<std::uint64_t>(c.node_in));
      mics::detail::mix(own.fingerprint, sends_sums(c) ? 1U : 0U);
    }
  }

  /// What it is in an error's words: its first call.
  [[nodiscard]] error_context where() const { return group_->where(std::string(name_of(what())), group_->next()); }

  /// Gives everything its place in the scratch memory, and the sums their scales.
  void place(std::byte* scratch) {
    const auto take = [&scratch](std::size_t bytes) { return std::exchange(scratch, scratch + padded(bytes)); };
    if (gathers_.used()) gathers_.place(take(gathers_.scratch_bytes(nodes())), nodes());
    for (rail_pack& sums : sums_) sums.place(take(sums.scratch_bytes(nodes())), nodes());
    for (bound_call& c : bound_) {
      const bool averages = mics::detail::is_reduction(c.call().what) && c.call().reduce == reduction::avg;
      if (averages) c.first = group_->average(c.planned->moved, c.hierarchical() ? stage::node : stage::whole);
      if (c.rail_rows == rows_of::call) {
        c.row_bytes = c.longest_row();
        c.rows = take(c.row_bytes * c.rows_of_all_pieces());
      }
      if (c.planned->widened()) {
        c.input = take(c.call().blocks.total() * c.width());
        c.output = take(output_elements(c) * c.width());
      }
      if (c.by_messages) c.message = take(forms::staged_all_reduce(c).message_bytes());
      if (c.call().what == operation::barrier) c.output = take(1);
    }
  }

  /// What comes before the first group: floats made of narrower types, shards put one behind the other.
  void begin() {
    for (bound_call& c : bound_) {
      if (c.planned->widened()) {
        auto* const wide = const_cast<std::byte*>(c.input);  // its own copy
        const device_scope current(group_->device());
        required_kernels("accumulation::widened")
            .convert(c.call().input, c.call().type, wide, c.planned->moved, c.call().blocks.total(), stream_);
      } else if (copies_into_slot(c)) {
        into_slot(c);
      }
    }
    if (gathers_.used()) {
      const device_scope current(group_->device());
      gathers_.collect(stream_);
    }
    if (overlaps()) group_->lane().fork(stream_);
  }

  /// Makes the NCCL calls of one wave, inside a group of them: of each piece the stage whose turn it is.
  void issue(int wave) const {
    issue_calls(wave);
    if (record_ != nullptr) record_->end_group();
  }

  /// Between two waves: the next one reads what this one has brought, and writes where it has read.
  void between() const {
    if (!overlaps()) return;
    group_->lane().join(stream_);
    group_->lane().fork(stream_);
  }

  /// Behind a wave, before the next one: adds up what the rail stage has brought as messages.
  void add_up(int wave) const {
    if (wave != 1) return;
    for (const rail_pack& sums : sums_) {
      if (sums.by_messages()) add_up(sums.rows_to_add());
    }
    for (const bound_call& c : bound_) {
      if (c.by_messages) add_up(forms::staged_all_reduce(c).rows_to_add());
    }
  }

  /// What comes behind the last group: the mirror of begin().
  void finish() const {
    if (overlaps()) group_->lane().join(stream_);
    for (const rail_pack& sums : sums_) {
      const device_scope current(group_->device());
      sums.distribute(stream_);
    }
    for (const bound_call& c : bound_) {
      if (!c.planned->widened()) continue;
      const device_scope current(group_->device());
      required_kernels("accumulation::widened")
          .convert(c.output, c.planned->moved, c.call().output, c.call().type, output_elements(c), stream_);
    }
  }

  /// Does all of it come to what a recording holds: calls of NCCL's and at most one sum? (One call alone is packed
  /// without copies.)
  [[nodiscard]] bool can_be_recorded() const noexcept {
    const bound_call& c = bound_.front();
    return bound_.size() == 1 && !overlaps_ && !c.planned->widened() && !copies_into_slot(c);
  }
  /// From now on these are noted down, too.
  void record_in(recording& made) noexcept {
    record_ = &made;
    made.in_scratch = scratch_bytes_ > 0;
  }

  /// Does all of it come to one call of NCCL, which need not be grouped?
  [[nodiscard]] bool is_one_native_call() const noexcept {
    const bool one_call = bound_.front().even() || what() == operation::all_reduce;
    return bound_.size() == 1 && !bound_.front().hierarchical() && one_call;
  }

  /// The last wave that has anything to do.
  [[nodiscard]] int last_wave() const noexcept {
    int last = 0;
    for (const bound_call& c : bound_) last = std::max(last, last_stage(c) + c.pieces - 1);
    return last;
  }

 private:
  static constexpr unsigned by_windows_form = 32;

  static constexpr std::size_t padded(std::size_t bytes) noexcept { return (bytes + 255) / 256 * 256; }

  void issue_calls(int wave) const {
    for (const bound_call& c : bound_) {
      if (c.pieces == 1) {
        if (wave <= last_stage(c)) issue(c, wave);
        continue;
      }
      const int last = std::min(wave, c.pieces - 1);
      for (int piece = std::max(0, wave - last_stage(c)); piece <= last; ++piece) issue(c.part(piece), wave - piece);
    }
    if (wave == 0 && gathers_.used()) gathers_.gather(wire(stage::rail));
    if (wave == 1) {
      for (const rail_pack& sums : sums_) sums.reduce(wire(stage::rail));
    }
  }

  [[nodiscard]] int nodes() const noexcept { return group_->shape().nodes; }
  [[nodiscard]] nccl::wire wire(stage s) const { return wire(s, stream_); }
  [[nodiscard]] nccl::wire wire(stage s, cudaStream_t stream) const {
    nccl::wire its = group_->wire_of(s, stream, name_of(what()));
    its.record = record_;
    return its;
  }
  [[nodiscard]] nccl::wire node_wire() const {
    return wire(stage::node, overlaps() ? group_->lane().stream() : stream_);
  }

  static int last_stage(const bound_call& c) noexcept {
    if (!c.hierarchical()) return 0;
    return c.call().what == operation::all_reduce ? 2 : 1;
  }

  [[nodiscard]] std::size_t output_elements(const bound_call& c) const {
    const auto& blocks = c.call().blocks;
    return c.call().what == operation::all_reduce ? blocks.total() : blocks.length(c.shape->rank);
  }

  bound_call bind(const planned_call& planned) const {
    const collective_call& call = planned.call;
    bound_call c{&planned, &group_->shape(), static_cast<const std::byte*>(call.input),
                 static_cast<std::byte*>(call.output)};
    if (mics::detail::is_reduction(call.what)) c.first = c.later = group_->reduction_of(planned.moved, call.reduce);
    if (c.hierarchical()) c.pieces = planned.how.chunks();
    return c;
  }

  // Calls of equal blocks that have rows go in packs, and so do the small gathers of a batch.
  void pack(bound_call& c) {
    if (c.rail_rows != rows_of::pack) return;
    if (c.call().what == operation::reduce_scatter) {
      sum_pack(c.later).add(c);
    } else {
      gathers_.add(c);
    }
  }

  static bool gathers_rows(const bound_call& c) noexcept {
    return c.call().what == operation::all_gather && c.rail_rows != rows_of::nobody;
  }

  void add_up(const row_sum& rows) const {
    const device_scope current(group_->device());
    device_kernels().sum(rows, stream_);
    if (record_ != nullptr) record_->add_sum(rows);
  }

  /// Does it send sums across the rail as messages?
  [[nodiscard]] bool sends_sums(const bound_call& c) const noexcept {
    if (c.by_messages) return true;
    if (c.call().what != operation::reduce_scatter || c.rail_rows != rows_of::pack) return false;
    return std::any_of(sums_.begin(), sums_.end(),
                       [&](const rail_pack& sums) { return sums.how() == c.later && sums.by_messages(); });
  }

  rail_pack& sum_pack(const native_sum& how) {
    for (rail_pack& sums : sums_) {
      if (sums.how() == how) return sums;
    }
    return sums_.emplace_back(how);
  }

  void count_scratch(const bound_call& c) {
    const auto take = [this](std::size_t bytes) { scratch_bytes_ += padded(bytes); };
    if (&c == &bound_.front()) {
      if (gathers_.used()) take(gathers_.scratch_bytes(nodes()));
      for (const rail_pack& sums : sums_) take(sums.scratch_bytes(nodes()));
    }
    if (c.rail_rows == rows_of::call) take(c.longest_row() * c.rows_of_all_pieces());
    if (c.planned->widened()) {
      take(c.call().blocks.total() * c.width());
      take(output_elements(c) * c.width());
    }
    if (c.by_messages) take(forms::staged_all_reduce(c).message_bytes());
    if (c.call().what == operation::barrier) take(1);
  }

  // Windows take the shard only out of registered memory, where its slot is.
  static bool copies_into_slot(const bound_call& c) noexcept {
    return by_windows(c.node_in) && c.call().what == operation::all_gather && c.input != slot_of(c);
  }
  static std::byte* slot_of(const bound_call& c) noexcept { return c.output + c.offset(c.shape->rank); }
  void into_slot(bound_call& c) {
    std::byte* const slot = slot_of(c);
    check(cudaMemcpyAsync(slot, c.input, c.bytes(0), cudaMemcpyDeviceToDevice, stream_), "cudaMemcpyAsync",
          [this] { return where(); });
    c.input = slot;
  }

  /// One stage of one call, or of a piece of it.
  void issue(const bound_call& c, int step) const {
    if (!c.hierarchical()) return issue_flat(c);
    switch (c.call().what) {
      case operation::all_gather:
        if (step == 0 && c.rail_rows != rows_of::pack) forms::rail_all_gather(c, wire(stage::rail));
        if (step == 1) forms::node_all_gather(c, by_windows(c.node_in) ? wire(c.node_in) : node_wire());
        break;
      case operation::reduce_scatter:
        if (step == 0) forms::node_reduce_scatter(c, node_wire());
        if (step == 1 && c.rail_rows != rows_of::pack) forms::rail_reduce_scatter(c, wire(stage::rail));
        break;
      case operation::all_reduce: {
        const forms::staged_all_reduce staged(c);
        if (step == 0) staged.node_reduce_scatter(node_wire());
        if (step == 1) staged.rail_all_reduce(wire(stage::rail));
        if (step == 2) staged.node_all_gather(node_wire());
        break;
      }
      case operation::broadcast:
        if (step == 0) forms::rail_broadcast(c, wire(stage::rail));
        if (step == 1) forms::node_broadcast(c, node_wire());
        break;
      case operation::barrier:
        break;
    }
  }

  void issue_flat(const bound_call& c) const {
    const nccl::wire whole = wire(c.node_in);
    switch (c.call().what) {
      case operation::all_gather:
        return forms::flat_all_gather(c, whole);
      case operation::reduce_scatter:
        return forms::flat_reduce_scatter(c, whole);
      case operation::all_reduce:
        return whole.all_reduce(c.input, c.output, c.call().blocks.total(), c.first);
      case operation::broadcast:
        return forms::flat_broadcast(c, whole);
      case operation::barrier:  // whatever lies in the scratch memory: nobody reads the result
        return whole.all_reduce(c.output, c.output, 1, {ncclUint8, ncclMax});
    }
  }

  member* group_;
  cudaStream_t stream_;
  bool captured_;
  std::vector<bound_call> bound_{};
  rail_pack gathers_{};
  std::vector<rail_pack> sums_{};
  std::size_t scratch_bytes_ = 0;
  bool overlaps_ = false;
  recording* record_ = nullptr;
};

inline member& group_of(const launch& l) noexcept { return l.group(); }

}  // namespace mics::nccl
