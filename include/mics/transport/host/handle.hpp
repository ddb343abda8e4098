#pragma once

#include <cstdint>
#include <exception>
#include <memory>
#include <utility>

#include <mics/detail/member_handle.hpp>
#include <mics/schedule/launch.hpp>
#include <mics/transport/thread/stream.hpp>

namespace mics::host {

/// What the communicator_refs of transports on the host share: launches run in the caller's thread, or in a stream's.
template <class Member> class handle : public mics::detail::member_handle<Member> {
 public:
  using stream_type = thread::stream_ref;
  using event_type = thread::event;

  handle() = default;

  /// Marks the end of the work so far in a stream, and lets another stream wait for it.
  [[nodiscard]] static event_type record(stream_type stream) { return stream.record(); }
  static void wait(stream_type stream, event_type e) { stream.wait(std::move(e)); }

  /// Runs a launch and returns when this rank has its results and its buffers are its own again.
  void run(schedule::launch order) const {
    Member& m = this->alive();
    m.run(order, m.take_ticket());
  }

  /// Runs a launch in the order of a stream. If it fails there, or earlier work of the stream has, the operation fails
  /// for the whole group: the others end with an aborted_error.
  void enqueue(schedule::launch order, stream_type stream) const {
    const std::uint64_t ticket = this->alive().take_ticket();
    stream.enqueue([m = this->state(), order = std::move(order), ticket]() mutable { m->run(order, ticket); },
                   [m = this->state(), ticket](const std::exception_ptr& before) { m->abandon(ticket, before); });
  }

 protected:
  explicit handle(std::shared_ptr<Member> state) : mics::detail::member_handle<Member>(std::move(state)) {}
};

}  // namespace mics::host
