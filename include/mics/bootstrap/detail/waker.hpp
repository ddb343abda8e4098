#pragma once

#include <unistd.h>

#include <mics/bootstrap/detail/descriptor.hpp>

namespace mics::bootstrap::detail {

/// Ends the poll() of another thread.
class waker {
 public:
  waker() : ends_(make_pipe()) {}

  /// What that poll() should look for.
  [[nodiscard]] int native() const noexcept { return ends_.first.get(); }

  void wake() const noexcept {
    const char any = 0;
    [[maybe_unused]] const ssize_t put = ::write(ends_.second.get(), &any, 1);  // full: it wakes up anyway
  }

  /// Forgets all calls so far.
  void rest() const noexcept {
    char some[64];
    while (::read(ends_.first.get(), some, sizeof some) > 0) {
    }
  }

 private:
  std::pair<descriptor, descriptor> ends_;
};

}  // namespace mics::bootstrap::detail
