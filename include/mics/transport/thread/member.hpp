#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <mics/detail/patience.hpp>
#include <mics/detail/words_of.hpp>
#include <mics/error.hpp>
#include <mics/schedule/launch.hpp>
#include <mics/transport/host/member.hpp>
#include <mics/transport/thread/port.hpp>

namespace mics::thread {

/// One rank's membership in a group of threads.
class member : public mics::host::member<member, port> {
 public:
  member(std::shared_ptr<group_state> group, int rank, std::string name)
      : mics::host::member<member, port>(shape_of(*group, rank), std::move(name)),
        port_(group, rank),
        group_(std::move(group)) {}

  [[nodiscard]] const std::shared_ptr<group_state>& group() const noexcept { return group_; }
  [[nodiscard]] cluster_state& cluster() const noexcept { return *group_->cluster(); }
  [[nodiscard]] int world_rank() const noexcept { return group_->world_rank(port_.rank()); }
  std::uint64_t next_split() noexcept { return ++splits_; }

 private:
  friend mics::host::member<member, port>;

  [[nodiscard]] bool crowded() const noexcept { return cluster().crowded(); }
  [[nodiscard]] port& own_port() noexcept { return port_; }
  void begin(std::optional<operation> what) noexcept { port_.begin(what); }
  void took(const mics::host::meeting& meeting, std::span<const schedule::part> parts) noexcept {
    for (const schedule::part& p : parts) port_.count(meeting, p);
  }

  /// If it fails, nobody leaves before everybody has stopped reading: the exception may free the very buffers.
  template <class Work> void guarded(const schedule::launch& order, std::uint64_t ticket, Work work) {
    group_->enter(port_.rank());
    try {
      throw_if_ended(order, ticket, {});
      work();
    } catch (...) {
      fail(ticket, detail::words_of(std::current_exception()));
      group_->leave(port_.rank());
      group_->await_empty();
      throw;
    }
    group_->leave(port_.rank());
  }

  void fail(std::uint64_t ticket, const std::string& reason) { group_->fail(ticket, reason); }

  void throw_if_ended(const schedule::launch& order, std::uint64_t ticket, const std::string& stage) const {
    if (cluster().aborted()) throw aborted_error(cluster().abort_reason(), context(order, ticket, stage));
    if (group_->failed(ticket)) {
      throw aborted_error("an operation of this group failed: " + group_->failure(), context(order, ticket, stage));
    }
  }

  template <class Describe>
  void pause(detail::patience& wait, std::optional<std::uint32_t>, const schedule::launch& order, std::uint64_t ticket,
             Describe describe) const {
    const bool in_time = wait.pause();
    if (cluster().aborted() || group_->failed(ticket)) throw_if_ended(order, ticket, describe());
    if (!in_time) {
      throw timeout_error("no progress for " + std::to_string(order.timeout.count()) + " ms",
                          context(order, ticket, describe()));
    }
  }

  [[nodiscard]] std::byte* scratch(std::size_t bytes) {
    if (scratch_.size() < bytes) scratch_ = std::vector<std::byte>(bytes);
    return scratch_.data();
  }

  port port_;
  std::shared_ptr<group_state> group_;
  std::uint64_t splits_ = 0;
  std::vector<std::byte> scratch_{};  ///< peers may read it until the operation has ended everywhere, or failed
};

}  // namespace mics::thread
