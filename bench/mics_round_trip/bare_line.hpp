#pragma once

#include <atomic>
#include <cstdint>
#include <new>
#include <stdexcept>

#include <sys/mman.h>

/// Two words in memory that two forked processes share, each in a cache line of its own: what any exchange between them
/// takes at the least.
class bare_line {
 public:
  bare_line() {
    void* const at = ::mmap(nullptr, sizeof(words), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED) throw std::runtime_error("no shared memory for the bare cache lines");
    words_ = new (at) words;
  }
  ~bare_line() { ::munmap(words_, sizeof(words)); }
  bare_line(const bare_line&) = delete;
  bare_line& operator=(const bare_line&) = delete;

  /// Each rank says `turn` and waits until the other one has.
  void exchange(int rank, std::uint64_t turn) noexcept {
    words_->of[rank].value.store(turn, std::memory_order_release);
    while (words_->of[1 - rank].value.load(std::memory_order_acquire) < turn) {
    }
  }

 private:
  struct words {
    struct alignas(4096) word {
      std::atomic<std::uint64_t> value{0};
    } of[2];
  };

  words* words_ = nullptr;
};
