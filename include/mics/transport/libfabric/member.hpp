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
#include <thread>
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
#include <mics/transport/libfabric/group.hpp>
#include <mics/transport/libfabric/port.hpp>

namespace mics::libfabric {

/// One rank's membership in a group: what a communicator is a handle to. Launches run one after the other, in the
/// order of their tickets, whichever threads they run in.
class member {
 public:
  member(group of, std::string name)
      : group_(std::move(of)), port_(group_, failure_), shape_(group_.shape()), name_(std::move(name)) {}

  [[nodiscard]] const group_shape& shape() const noexcept { return shape_; }
  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] const group& ranks() const noexcept { return group_; }
  [[nodiscard]] host& at() const noexcept { return *group_.at; }
  [[nodiscard]] int world_rank() const noexcept { return at().rank; }
  [[nodiscard]] program_cache& programs() noexcept { return programs_; }

  /// Where the neighbours find this rank, and how it finds them: both before the first launch.
  [[nodiscard]] const region_name& box() const noexcept { return port_.box(); }
  void connect(const std::vector<region_name>& boxes) { port_.connect(boxes); }

  void set_shape(group_shape shape) {
    mics::detail::require_shape(shape, shape_, tickets_ > 0, {.rank = world_rank(), .group = name_});
    shape_ = std::move(shape);
    programs_ = {};
  }

  /// The owner is gone: what is under way may end, nothing new may begin.
  void close() noexcept { closed_.store(true, std::memory_order_release); }
  [[nodiscard]] bool usable() const noexcept { return !closed(); }
  [[nodiscard]] bool closed() const noexcept { return closed_.load(std::memory_order_acquire); }

  /// A launch that its stream could not run, for earlier work failed: nobody else can finish it, and all learn why.
  void abandon(std::uint64_t ticket, const std::exception_ptr& why) {
    fail(ticket, "rank " + std::to_string(world_rank()) + " failed: " + mics::detail::words_of(why));
  }

  /// The place of a launch in the order of this communicator; taken when the caller calls.
  std::uint64_t take_ticket() noexcept { return ++tickets_; }

  /// Runs a launch in this thread, when its turn has come. Throws what a wait throws.
  void run(schedule::launch& order, std::uint64_t ticket) {
    await_turn(order, ticket);
    const struct turn_keeper {
      member& self;
      std::uint64_t ticket;
      ~turn_keeper() { self.turn_.store(ticket, std::memory_order_release); }
    } keeper{*this, ticket};
    if (order.compared) agree(order, ticket);
    guarded(order, ticket, [&] { execute_bound(order, ticket); });
  }

 private:
  [[nodiscard]] error_context context(const schedule::launch& order, std::uint64_t ticket,
                                      std::string stage = {}) const {
    const std::string_view what = order.internal ? "split" : name_of(order.what);
    return {world_rank(), name_, std::string(what), ticket, std::move(stage), {}};
  }

  void await_turn(const schedule::launch& order, std::uint64_t ticket) {
    mics::detail::patience wait(at().crowded, order.timeout);
    std::uint64_t seen = 0;
    try {
      for (std::uint64_t turn; (turn = turn_.load(std::memory_order_acquire)) + 1 != ticket;) {
        if (std::exchange(seen, turn) != turn) wait.progress();
        pause(wait, {}, order, ticket, [] { return std::string("waiting for the operation before it"); });
      }
    } catch (const std::exception& failure) {
      fail(ticket, failure.what());  // this launch has lost its turn, so no later one can come
      throw;
    }
  }

  /// Do all ranks mean the same operation? If not, all of them throw the same, and the group stays usable.
  void agree(const schedule::launch& order, std::uint64_t ticket) {
    std::vector<schedule::signature> all;
    guarded(order, ticket, [&] {
      all = mics::detail::gather_values(*order.compared->gather, shape_, order.compared->own,
                                        [&](std::span<const schedule::part> parts) { execute(parts, order, ticket); });
    });
    const auto world_rank = [this](int peer) { return port_.world_rank(peer); };
    mics::detail::require_agreement(all, shape_.rank, world_rank, context(order, ticket));
  }

  /// Runs what uses the network and the neighbours. If that fails, it fails for the whole group.
  template <class Work> void guarded(const schedule::launch& order, std::uint64_t ticket, Work work) {
    try {
      throw_if_ended(order, ticket, {});
      work();
    } catch (const transport_error& failure) {
      await_culprit();  // a peer's death shows here first; its name comes a little later
      fail(ticket, failure.what());
      port_.abandon();
      if (at().failure.holds()) throw aborted_error(at().failure.reason(), context(order, ticket));
      throw;
    } catch (...) {
      fail(ticket, mics::detail::words_of(std::current_exception()));
      port_.abandon();
      throw;
    }
  }

  void await_culprit() const {
    for (int waited = 0; waited < 1000 && !at().failure.holds(); ++waited) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }

  void fail(std::uint64_t ticket, const std::string& reason) {
    const bool known = failure_.holds(ticket);
    failure_.set(reason, ticket);
    if (!known && !at().failure.holds()) port_.tell_failure(ticket, reason);
  }

  void throw_if_ended(const schedule::launch& order, std::uint64_t ticket, const std::string& stage) {
    if (at().failure.holds()) throw aborted_error(at().failure.reason(), context(order, ticket, stage));
    if (const auto told = port_.neighbours_failure()) failure_.set(told->second, told->first);
    if (failure_.holds(ticket)) {
      throw aborted_error("an operation of this group failed: " + failure_.reason(), context(order, ticket, stage));
    }
  }

  void execute_bound(schedule::launch& order, std::uint64_t ticket) {
    const std::span<schedule::part> parts(order.parts);
    if (!order.widened.empty()) wide_ = mics::detail::widen_inputs(order.widened, parts);
    std::size_t bytes = 0;
    for (const schedule::part& p : parts) bytes += padded(p.scratch_bytes());
    if (scratch_bytes_ < bytes) {
      scratch_ = shared_block(group_.at, bytes);
      scratch_bytes_ = bytes;
    }
    std::byte* next = scratch_.data();
    for (schedule::part& p : parts) p.scratch = std::exchange(next, next + padded(p.scratch_bytes()));
    execute(parts, order, ticket);
    mics::detail::narrow_outputs(order.widened, parts);
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
  }

  template <class Holds>
  void wait_for(const mics::host::meeting& all, const schedule::launch& order, std::uint64_t ticket, Holds holds) {
    if (holds()) return;
    mics::detail::patience wait(at().crowded ? all.where() : mics::detail::cores::enough, order.timeout);
    for (int seen = all.seen(); !holds();) {
      if (std::exchange(seen, all.seen()) != all.seen()) wait.progress();
      pause(wait, {}, order, ticket,
            [&] { return "waiting for the data of rank " + std::to_string(port_.world_rank(all.seen())); });
    }
  }

  void send(std::span<const schedule::part> parts, const schedule::launch& order, std::uint64_t ticket) {
    port_.begin(parts);
    schedule::execution<port> running(port_, parts, sources_);
    mics::detail::patience wait(at().crowded, order.timeout);
    while (!running.done()) {
      const std::uint32_t rung = port_.rings();
      const bool advanced = running.advance();
      if (port_.pump() || advanced) {
        wait.progress();
      } else if (!running.done()) {
        if (++waits_ % waits_a_comparison == 0) refuse_unlike(order, ticket);
        pause(wait, rung, order, ticket, [&] { return running.waiting_for(); });
      }
    }
    port_.end();
  }

  /// Does a peer do this launch without messages? Then neither of us would ever come to an end.
  void refuse_unlike(const schedule::launch& order, std::uint64_t ticket) {
    if (port_.meets() == nullptr || order.compared) return;
    const auto [sheet, peer] = port_.meets()->shown_for(ticket);
    if (sheet != nullptr) mics::host::refuse_shown(port_.world_rank(peer), sheet->bytes, context(order, ticket));
  }

  /// Serves the network, for whatever group; when that has nothing, gives way to others. A launch without messages to
  /// other nodes serves it now and then only, for looking costs a call of the system, and may sleep until a neighbour
  /// rings, in which it serves it when nobody does: `rung` are the rings that were known when it looked for news.
  template <class Describe>
  void pause(mics::detail::patience& wait, std::optional<std::uint32_t> rung, const schedule::launch& order,
             std::uint64_t ticket, Describe describe) {
    const bool serve = at().rail && (port_.on_rail() || ++unserved_ % unserved_a_look == 0);
    if (serve && at().rail->progress() && ++served_ % served_a_look != 0) return;
    doorbell* const bell = rung ? port_.bell() : nullptr;
    const bool in_time = bell ? wait.pause([&] { sleep(*bell, *rung); }) : wait.pause_among_processes();
    if (at().failure.holds() || failure_.holds(ticket) || port_.neighbours_failure()) {
      throw_if_ended(order, ticket, describe());
    }
    if (!in_time) {
      throw timeout_error("no progress for " + std::to_string(order.timeout.count()) + " ms",
                          context(order, ticket, describe()));
    }
  }

  /// Only ranks of groups that span nodes have a bell, and so a rail.
  void sleep(doorbell& bell, std::uint32_t rung) {
    if (!bell.sleep(rung)) at().rail->progress();
  }

  static constexpr std::size_t padded(std::size_t bytes) noexcept { return (bytes + 63) / 64 * 64; }
  static constexpr unsigned served_a_look = 64;
  static constexpr unsigned waits_a_comparison = 256;
  static constexpr unsigned unserved_a_look = 16;

  group group_;
  failure_state failure_{};
  port port_;
  group_shape shape_;
  std::string name_;
  program_cache programs_{};
  std::uint64_t tickets_ = 0;           ///< of the calling thread
  std::atomic<std::uint64_t> turn_{0};  ///< the last ticket that has run; hands the fields below from thread to thread
  std::atomic<bool> closed_{false};
  unsigned served_ = 0;
  unsigned unserved_ = 0;
  shared_block scratch_{};
  std::size_t scratch_bytes_ = 0;
  std::vector<std::vector<std::byte>> wide_{};
  std::array<schedule::execution<port>::sources, schedule::lanes> sources_{};
  unsigned waits_ = 0;  ///< for messages
};

}  // namespace mics::libfabric
