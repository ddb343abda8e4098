#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <mics/detail/patience.hpp>
#include <mics/detail/words_of.hpp>
#include <mics/error.hpp>
#include <mics/schedule/launch.hpp>
#include <mics/transport/host/member.hpp>
#include <mics/transport/libfabric/group.hpp>
#include <mics/transport/libfabric/port.hpp>

namespace mics::libfabric {

/// One rank's membership in a group of processes.
class member : public mics::host::member<member, port> {
 public:
  member(group of, std::string name)
      : mics::host::member<member, port>(of.shape(), std::move(name)), group_(std::move(of)), port_(group_, failure_) {}

  [[nodiscard]] const group& ranks() const noexcept { return group_; }
  [[nodiscard]] host& at() const noexcept { return *group_.at; }
  [[nodiscard]] int world_rank() const noexcept { return at().rank; }

  /// Where the neighbours find this rank, and how it finds them: both before the first launch.
  [[nodiscard]] const region_name& box() const noexcept { return port_.box(); }
  void connect(const std::vector<region_name>& boxes) { port_.connect(boxes); }

 private:
  friend mics::host::member<member, port>;

  [[nodiscard]] bool crowded() const noexcept { return at().crowded; }
  [[nodiscard]] port& own_port() noexcept { return port_; }

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
    for (int waited = 0; waited < 2000 && !at().failure.holds(); ++waited) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }

  /// From the thread of any launch, also of one whose turn has not come.
  void fail(std::uint64_t ticket, const std::string& reason) {
    const std::lock_guard one_at_a_time(failing_);
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

  void begin_messages(std::span<const schedule::part> parts) { port_.begin(parts); }
  void end_messages() { port_.end(); }
  [[nodiscard]] std::optional<std::uint32_t> rung() const noexcept { return port_.rings(); }
  bool advance(schedule::execution<port>& running) {
    const bool advanced = running.advance();
    return port_.pump() || advanced;
  }

  /// Serves the network, for whatever group; when that has nothing, gives way to others. A launch without messages to
  /// other nodes serves it now and then only, for looking costs a call of the system, and may sleep until a neighbour
  /// rings, in which it serves it when nobody does: `rung` are the rings that were known when it looked for news.
  template <class Describe>
  void pause(mics::detail::patience& wait, std::optional<std::uint32_t> rung, const schedule::launch& order,
             std::uint64_t ticket, Describe describe) {
    const bool serve = at().rail && (port_.on_rail() || count(unserved_) % unserved_a_look == 0);
    if (serve && at().rail->progress() && count(served_) % served_a_look != 0) return;
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

  [[nodiscard]] std::byte* scratch(std::size_t bytes) {
    if (scratch_bytes_ < bytes) {
      scratch_ = shared_block(group_.at, bytes);
      scratch_bytes_ = bytes;
    }
    return scratch_.data();
  }

  /// Launches that wait for their turn count too, in threads of their own; which one counts what does not matter.
  static unsigned count(std::atomic<unsigned>& pauses) noexcept {
    return pauses.fetch_add(1, std::memory_order_relaxed) + 1;
  }

  static constexpr unsigned served_a_look = 64;
  static constexpr unsigned unserved_a_look = 16;

  group group_;
  failure_state failure_{};
  std::mutex failing_{};
  port port_;
  std::atomic<unsigned> served_{0};
  std::atomic<unsigned> unserved_{0};
  shared_block scratch_{};
  std::size_t scratch_bytes_ = 0;
};

}  // namespace mics::libfabric
