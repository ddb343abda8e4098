#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <mics/detail/agreement.hpp>
#include <mics/detail/patience.hpp>
#include <mics/detail/require_shape.hpp>
#include <mics/detail/widen.hpp>
#include <mics/detail/words_of.hpp>
#include <mics/error.hpp>
#include <mics/plan/program_cache.hpp>
#include <mics/schedule/execution.hpp>
#include <mics/schedule/launch.hpp>
#include <mics/transport/thread/port.hpp>

namespace mics::thread {

/// One rank's membership in a group: what a communicator is a handle to. Launches run one after the other, in the
/// order of their tickets, whichever threads they run in.
class member {
 public:
  member(std::shared_ptr<group_state> group, int rank, std::string name)
      : port_(group, rank), shape_(shape_of(*group, rank)), name_(std::move(name)), group_(std::move(group)) {}

  [[nodiscard]] const group_shape& shape() const noexcept { return shape_; }
  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] const std::shared_ptr<group_state>& group() const noexcept { return group_; }
  [[nodiscard]] cluster_state& cluster() const noexcept { return *group_->cluster(); }
  [[nodiscard]] int world_rank() const noexcept { return group_->world_rank(shape_.rank); }
  [[nodiscard]] program_cache& programs() noexcept { return programs_; }

  void set_shape(group_shape shape) {
    detail::require_shape(shape, shape_, tickets_ > 0, {.rank = world_rank(), .group = name_});
    shape_ = std::move(shape);
    programs_ = {};
  }

  /// The owner is gone: what is under way may end, nothing new may begin.
  void close() noexcept { closed_.store(true, std::memory_order_release); }
  [[nodiscard]] bool usable() const noexcept { return !closed(); }
  [[nodiscard]] bool closed() const noexcept { return closed_.load(std::memory_order_acquire); }

  /// A launch that its stream could not run, for earlier work failed: nobody else can finish it, and all learn why.
  void abandon(std::uint64_t ticket, const std::exception_ptr& why) {
    group_->fail(ticket, "rank " + std::to_string(world_rank()) + " failed: " + detail::words_of(why));
  }

  /// The place of a launch in the order of this communicator; taken when the caller calls.
  std::uint64_t take_ticket() noexcept { return ++tickets_; }
  std::uint64_t next_split() noexcept { return ++splits_; }

  /// Runs a launch in this thread, when its turn has come. Throws what a wait throws.
  void run(schedule::launch& order, std::uint64_t ticket) {
    await_turn(order, ticket);
    const struct turn_keeper {
      member& self;
      std::uint64_t ticket;
      ~turn_keeper() { self.turn_.store(ticket, std::memory_order_release); }
    } keeper{*this, ticket};
    if (order.compared) agree(order, ticket);
    guarded(order, ticket, [&] {
      port_.begin(order.internal ? std::nullopt : std::optional(order.what));
      execute_bound(order, ticket);
    });
  }

 private:
  [[nodiscard]] error_context context(const schedule::launch& order, std::uint64_t ticket,
                                      std::string stage = {}) const {
    const std::string_view what = order.internal ? "split" : name_of(order.what);
    return {world_rank(), name_, std::string(what), ticket, std::move(stage), {}};
  }

  void await_turn(const schedule::launch& order, std::uint64_t ticket) {
    detail::patience wait(cluster().crowded(), order.timeout);
    std::uint64_t seen = 0;
    try {
      for (std::uint64_t turn; (turn = turn_.load(std::memory_order_acquire)) + 1 != ticket;) {
        if (std::exchange(seen, turn) != turn) wait.progress();
        pause(wait, order, ticket, [] { return std::string("waiting for the operation before it"); });
      }
    } catch (const std::exception& failure) {
      group_->fail(ticket, failure.what());  // this launch has lost its turn, so no later one can come
      throw;
    }
  }

  /// Do all ranks mean the same operation? If not, all of them throw the same, and the group stays usable.
  void agree(const schedule::launch& order, std::uint64_t ticket) {
    std::vector<schedule::signature> all;
    guarded(order, ticket, [&] {
      port_.begin(std::nullopt);
      all = detail::gather_values(*order.compared->gather, shape_, order.compared->own,
                                  [&](std::span<const schedule::part> parts) { execute(parts, order, ticket); });
    });
    const auto world_rank = [this](int peer) { return port_.world_rank(peer); };
    detail::require_agreement(all, shape_.rank, world_rank, context(order, ticket));
  }

  /// Runs what uses peers' memory. If that fails, it fails for the whole group, and nobody leaves before everybody has
  /// stopped reading: the exception may free the very buffers.
  template <class Work> void guarded(const schedule::launch& order, std::uint64_t ticket, Work work) {
    group_->enter(shape_.rank);
    try {
      throw_if_ended(order, ticket, {});
      work();
    } catch (...) {
      group_->fail(ticket, detail::words_of(std::current_exception()));
      group_->leave(shape_.rank);
      group_->await_empty();
      throw;
    }
    group_->leave(shape_.rank);
  }

  void throw_if_ended(const schedule::launch& order, std::uint64_t ticket, const std::string& stage) const {
    if (cluster().aborted()) throw aborted_error(cluster().abort_reason(), context(order, ticket, stage));
    if (group_->failed(ticket)) {
      throw aborted_error("an operation of this group failed: " + group_->failure(), context(order, ticket, stage));
    }
  }

  void execute_bound(schedule::launch& order, std::uint64_t ticket) {
    const std::span<schedule::part> parts(order.parts);
    if (!order.widened.empty()) wide_ = detail::widen_inputs(order.widened, parts);
    std::size_t bytes = 0;
    for (const schedule::part& p : parts) bytes += padded(p.scratch_bytes());
    if (scratch_.size() < bytes) scratch_ = std::vector<std::byte>(bytes);
    std::byte* next = scratch_.data();
    for (schedule::part& p : parts) p.scratch = std::exchange(next, next + padded(p.scratch_bytes()));
    execute(parts, order, ticket);
    detail::narrow_outputs(order.widened, parts);
    wide_.clear();
  }

  void execute(std::span<const schedule::part> parts, const schedule::launch& order, std::uint64_t ticket) {
    mics::host::meeting* const meets = port_.meets();
    if (meets != nullptr && mics::host::meeting::serves(parts)) return meet(*meets, parts, order, ticket);
    send(parts, order, ticket);
  }

  /// Without messages.
  void meet(mics::host::meeting& all, std::span<const schedule::part> parts, const schedule::launch& order,
            std::uint64_t ticket) {
    const auto wrong_size = [this](int peer, std::size_t expected, std::size_t shown) {
      port_.refuse(peer, expected, shown);
    };
    wait_for(all, order, ticket, [&] { return all.ready(); });
    all.show(parts, order.compared ? 0 : ticket);
    wait_for(all, order, ticket, [&] { return all.complete(parts, wrong_size); });
    all.take(parts);
    for (const schedule::part& p : parts) port_.count(all, p);
  }

  template <class Holds>
  void wait_for(const mics::host::meeting& all, const schedule::launch& order, std::uint64_t ticket, Holds holds) {
    if (holds()) return;
    detail::patience wait(cluster().crowded() ? all.where() : detail::cores::enough, order.timeout);
    for (int seen = all.seen(); !holds();) {
      if (std::exchange(seen, all.seen()) != all.seen()) wait.progress();
      pause(wait, order, ticket,
            [&] { return "waiting for the data of rank " + std::to_string(port_.world_rank(all.seen())); });
    }
  }

  void send(std::span<const schedule::part> parts, const schedule::launch& order, std::uint64_t ticket) {
    schedule::execution<port> running(port_, parts, sources_);
    detail::patience wait(cluster().crowded(), order.timeout);
    while (!running.done()) {
      if (running.advance()) {
        wait.progress();
      } else {
        if (++waits_ % waits_a_comparison == 0) refuse_unlike(order, ticket);
        pause(wait, order, ticket, [&] { return running.waiting_for(); });
      }
    }
  }

  /// Does a peer do this launch without messages? Then neither of us would ever come to an end.
  void refuse_unlike(const schedule::launch& order, std::uint64_t ticket) {
    if (port_.meets() == nullptr || order.compared) return;
    const auto [sheet, peer] = port_.meets()->shown_for(ticket);
    if (sheet != nullptr) mics::host::refuse_shown(port_.world_rank(peer), sheet->bytes, context(order, ticket));
  }

  template <class Describe>
  void pause(detail::patience& wait, const schedule::launch& order, std::uint64_t ticket, Describe describe) const {
    const bool in_time = wait.pause();
    if (cluster().aborted() || group_->failed(ticket)) throw_if_ended(order, ticket, describe());
    if (!in_time) {
      throw timeout_error("no progress for " + std::to_string(order.timeout.count()) + " ms",
                          context(order, ticket, describe()));
    }
  }

  static constexpr unsigned waits_a_comparison = 256;
  static constexpr std::size_t padded(std::size_t bytes) noexcept { return (bytes + 63) / 64 * 64; }

  port port_;
  group_shape shape_;
  std::string name_;
  std::shared_ptr<group_state> group_;
  program_cache programs_{};
  std::uint64_t tickets_ = 0;  ///< of the calling thread
  std::uint64_t splits_ = 0;
  std::atomic<std::uint64_t> turn_{0};  ///< the last ticket that has run; hands the fields below from thread to thread
  std::atomic<bool> closed_{false};
  // Peers may read both until the operation has ended everywhere, also when it fails here.
  std::vector<std::byte> scratch_{};
  std::vector<std::vector<std::byte>> wide_{};
  std::array<schedule::execution<port>::sources, schedule::lanes> sources_{};
  unsigned waits_ = 0;  ///< for messages
};

}  // namespace mics::thread
