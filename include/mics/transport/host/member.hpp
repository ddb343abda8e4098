#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
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
#include <mics/shape.hpp>
#include <mics/transport/host/meeting.hpp>
#include <mics/types.hpp>

namespace mics::host {

/// One rank's membership in a group whose ranks are processes or threads of hosts: what a communicator of such a
/// transport is a handle to. Launches run one after the other, in the order of their tickets, whichever threads they
/// run in.
///
/// `Self` derives from it and says what is its transport's own:
/// - world_rank(); crowded(): are there more ranks than cores; own_port(): the rank's end of its group's queues;
/// - guarded(order, ticket, work): runs what uses peers' memory or the network, and when that fails, fails the group;
/// - fail(ticket, reason): the group is of no use from this launch on;
/// - pause(wait, rung, order, ticket, describe): waits a little, and throws when that is of no use any more;
/// - scratch(bytes): temporary memory;
/// and may say what else is to be done, where the defaults below do nothing.
template <class Self, class Port> class member {
 public:
  [[nodiscard]] const group_shape& shape() const noexcept { return shape_; }
  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] program_cache& programs() noexcept { return programs_; }

  void set_shape(group_shape shape) {
    mics::detail::require_shape(shape, shape_, tickets_ > 0, {.rank = self().world_rank(), .group = name_});
    shape_ = std::move(shape);
    programs_ = {};
  }

  /// The owner is gone: what is under way may end, nothing new may begin.
  void close() noexcept { closed_.store(true, std::memory_order_release); }
  [[nodiscard]] bool usable() const noexcept { return !closed(); }
  [[nodiscard]] bool closed() const noexcept { return closed_.load(std::memory_order_acquire); }

  /// A launch that its stream could not run, for earlier work failed: nobody else can finish it, and all learn why.
  void abandon(std::uint64_t ticket, const std::exception_ptr& why) {
    self().fail(ticket, "rank " + std::to_string(self().world_rank()) + " failed: " + mics::detail::words_of(why));
  }

  /// The place of a launch in the order of this communicator; taken when the caller calls.
  std::uint64_t take_ticket() noexcept { return ++tickets_; }

  /// Runs a launch in this thread, when its turn has come. Throws what a wait throws.
  void run(schedule::launch& order, std::uint64_t ticket) {
    await_turn(order, ticket);
    const struct turn_keeper {
      member& its;
      std::uint64_t ticket;
      ~turn_keeper() { its.turn_.store(ticket, std::memory_order_release); }
    } keeper{*this, ticket};
    if (order.compared) agree(order, ticket);
    self().guarded(order, ticket, [&] {
      self().begin(order.internal ? std::nullopt : std::optional(order.what));
      execute_bound(order, ticket);
    });
  }

 protected:
  member(group_shape shape, std::string name) : shape_(std::move(shape)), name_(std::move(name)) {}
  ~member() = default;
  member(const member&) = delete;
  member& operator=(const member&) = delete;

  [[nodiscard]] error_context context(const schedule::launch& order, std::uint64_t ticket,
                                      std::string stage = {}) const {
    const std::string_view what = order.internal ? "split" : name_of(order.what);
    return {self().world_rank(), name_, std::string(what), ticket, std::move(stage), {}};
  }

  // ---- what a transport may do besides

  /// What follows is this operation's; none: the library's own.
  void begin(std::optional<operation>) noexcept {}
  /// Before and after a launch that sends messages.
  void begin_messages(std::span<const schedule::part>) noexcept {}
  void end_messages() noexcept {}
  /// How often neighbours have rung, asked before advance(): see pause().
  [[nodiscard]] std::optional<std::uint32_t> rung() const noexcept { return {}; }
  /// Moves what can be moved; false if nothing could.
  bool advance(schedule::execution<Port>& running) { return running.advance(); }
  /// Has taken what others showed.
  void took(const meeting&, std::span<const schedule::part>) noexcept {}

 private:
  [[nodiscard]] Self& self() noexcept { return static_cast<Self&>(*this); }
  [[nodiscard]] const Self& self() const noexcept { return static_cast<const Self&>(*this); }

  void await_turn(const schedule::launch& order, std::uint64_t ticket) {
    mics::detail::patience wait(self().crowded(), order.timeout);
    std::uint64_t seen = 0;
    try {
      for (std::uint64_t turn; (turn = turn_.load(std::memory_order_acquire)) + 1 != ticket;) {
        const std::uint64_t moved = turn + moves_.load(std::memory_order_relaxed);
        if (std::exchange(seen, moved) != moved) wait.progress();
        self().pause(wait, {}, order, ticket, [] { return std::string("waiting for the operation before it"); });
      }
    } catch (const std::exception& failure) {
      self().fail(ticket, failure.what());  // this launch has lost its turn, so no later one can come
      throw;
    }
  }

  /// Do all ranks mean the same operation? If not, all of them throw the same, and the group stays usable.
  void agree(const schedule::launch& order, std::uint64_t ticket) {
    std::vector<schedule::signature> all;
    self().guarded(order, ticket, [&] {
      self().begin(std::nullopt);
      all = mics::detail::gather_values(*order.compared->gather, shape_, order.compared->own,
                                        [&](std::span<const schedule::part> parts) { execute(parts, order, ticket); });
    });
    const auto world_rank = [this](int peer) { return self().own_port().world_rank(peer); };
    mics::detail::require_agreement(all, shape_.rank, world_rank, context(order, ticket));
  }

  void execute_bound(schedule::launch& order, std::uint64_t ticket) {
    const std::span<schedule::part> parts(order.parts);
    if (!order.widened.empty()) wide_ = mics::detail::widen_inputs(order.widened, parts);
    std::size_t bytes = 0;
    for (const schedule::part& p : parts) bytes += padded(p.scratch_bytes());
    std::byte* next = self().scratch(bytes);
    for (schedule::part& p : parts) p.scratch = std::exchange(next, next + padded(p.scratch_bytes()));
    execute(parts, order, ticket);
    mics::detail::narrow_outputs(order.widened, parts);
    wide_.clear();
  }

  void execute(std::span<const schedule::part> parts, const schedule::launch& order, std::uint64_t ticket) {
    meeting* const meets = self().own_port().meets();
    if (meets != nullptr && meeting::serves(parts)) return meet(*meets, parts, order, ticket);
    send(parts, order, ticket);
  }

  /// Without messages.
  void meet(meeting& all, std::span<const schedule::part> parts, const schedule::launch& order, std::uint64_t ticket) {
    const auto unlike = [&](int peer, const board::sheet& shown, std::size_t expected) {
      if (shown.bytes != expected) self().own_port().refuse(peer, expected, shown.bytes);
      refuse_other_launch(self().own_port().world_rank(peer), shown.launch, context(order, ticket));
    };
    wait_for(all, order, ticket, [&] { return all.ready(); });
    all.show(parts, order.compared ? 0 : ticket);
    wait_for(all, order, ticket, [&] { return all.complete(parts, unlike); });
    all.take(parts);
    self().took(all, parts);
  }

  template <class Holds>
  void wait_for(const meeting& all, const schedule::launch& order, std::uint64_t ticket, Holds holds) {
    if (holds()) return;
    mics::detail::patience wait(self().crowded() ? all.where() : mics::detail::cores::enough, order.timeout);
    for (int seen = all.seen(); !holds();) {
      if (std::exchange(seen, all.seen()) != all.seen()) has_moved(wait);
      self().pause(wait, {}, order, ticket, [&] {
        return "waiting for the data of rank " + std::to_string(self().own_port().world_rank(all.seen()));
      });
    }
  }

  void send(std::span<const schedule::part> parts, const schedule::launch& order, std::uint64_t ticket) {
    self().begin_messages(parts);
    schedule::execution<Port> running(self().own_port(), parts, sources_);
    mics::detail::patience wait(self().crowded(), order.timeout);
    while (!running.done()) {
      const std::optional<std::uint32_t> rung = self().rung();
      if (self().advance(running)) {
        has_moved(wait);
      } else if (!running.done()) {
        if (++waits_ % waits_a_comparison == 0) refuse_unlike(order, ticket);
        self().pause(wait, rung, order, ticket, [&] { return running.waiting_for(); });
      }
    }
    self().end_messages();
  }

  /// The launch whose turn it is has come further, and so have those that wait for it.
  void has_moved(mics::detail::patience& wait) noexcept {
    wait.progress();
    moves_.store(moves_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }

  /// Does a peer do this launch without messages? Then neither of us would ever come to an end.
  void refuse_unlike(const schedule::launch& order, std::uint64_t ticket) {
    Port& port = self().own_port();
    if (port.meets() == nullptr || order.compared) return;
    const auto [sheet, peer] = port.meets()->shown_for(ticket);
    if (sheet != nullptr) refuse_shown(port.world_rank(peer), sheet->bytes, context(order, ticket));
  }

  static constexpr std::size_t padded(std::size_t bytes) noexcept { return (bytes + 63) / 64 * 64; }
  static constexpr unsigned waits_a_comparison = 256;

  group_shape shape_;
  std::string name_;
  program_cache programs_{};
  std::uint64_t tickets_ = 0;            ///< of the calling thread
  std::atomic<std::uint64_t> turn_{0};   ///< the last ticket that has run; hands what follows from thread to thread
  std::atomic<std::uint64_t> moves_{0};  ///< of all launches so far; written by the one whose turn it is
  std::atomic<bool> closed_{false};
  std::vector<std::vector<std::byte>> wide_{};  ///< peers may read it until the operation has ended everywhere
  std::array<typename schedule::execution<Port>::sources, schedule::lanes> sources_{};
  unsigned waits_ = 0;  ///< for messages
};

}  // namespace mics::host
