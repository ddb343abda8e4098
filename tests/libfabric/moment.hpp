#pragma once

#include <atomic>
#include <chrono>
#include <new>
#include <stdexcept>

#include <sys/mman.h>

namespace mics::test {

/// A point of time that one process sets and those see that are forked from the same one: steady_clock is the
/// machine's.
class shared_moment {
 public:
  using clock = std::chrono::steady_clock;

  shared_moment()
      : page_(::mmap(nullptr, sizeof(std::atomic<clock::rep>), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
                     0)) {
    if (page_ == MAP_FAILED) throw std::runtime_error("no shared page");
    ticks_ = new (page_) std::atomic<clock::rep>(0);
  }
  ~shared_moment() { ::munmap(page_, sizeof(std::atomic<clock::rep>)); }
  shared_moment(const shared_moment&) = delete;
  shared_moment& operator=(const shared_moment&) = delete;

  void is_now() const noexcept { ticks_->store(clock::now().time_since_epoch().count()); }
  /// How long ago.
  [[nodiscard]] clock::duration past() const noexcept {
    return clock::now().time_since_epoch() - clock::duration(ticks_->load());
  }

 private:
  void* page_;
  std::atomic<clock::rep>* ticks_ = nullptr;
};

}  // namespace mics::test
