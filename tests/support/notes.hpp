#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string_view>

namespace mics::test {

/// Where one thread stands. All accesses are relaxed, so that a note orders nothing: a test that takes notes must not
/// hide a missing synchronization from the thread sanitizer. A report may therefore see a note half written.
struct note_slot {
  std::atomic<bool> taken{false};
  std::atomic<int> rank{-1};
  std::atomic<std::int64_t> since{0};
  std::array<std::atomic<char>, 120> text{};
};

namespace detail {
inline std::array<note_slot, 512> note_slots;

inline std::int64_t seconds_now() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

class slot_owner {
 public:
  slot_owner() {
    for (note_slot& slot : note_slots) {
      if (slot.taken.exchange(true, std::memory_order_relaxed)) continue;
      slot_ = &slot;
      return;
    }
  }
  ~slot_owner() {
    if (slot_ == nullptr) return;
    slot_->since.store(0, std::memory_order_relaxed);
    slot_->taken.store(false, std::memory_order_relaxed);
  }
  slot_owner(const slot_owner&) = delete;
  slot_owner& operator=(const slot_owner&) = delete;

  [[nodiscard]] note_slot* get() const { return slot_; }

 private:
  note_slot* slot_ = nullptr;
};
}  // namespace detail

/// Notes where this thread stands; the watchdog prints the last note of every living thread. Cut at 119 characters.
inline void note(int rank, std::string_view status) {
  thread_local const detail::slot_owner owner;
  note_slot* slot = owner.get();
  if (slot == nullptr) return;
  const std::size_t length = std::min(status.size(), slot->text.size() - 1);
  for (std::size_t i = 0; i < length; ++i) slot->text[i].store(status[i], std::memory_order_relaxed);
  slot->text[length].store('\0', std::memory_order_relaxed);
  slot->rank.store(rank, std::memory_order_relaxed);
  slot->since.store(detail::seconds_now(), std::memory_order_relaxed);
}

/// Prints the last note of every thread that took one and still runs.
inline void print_notes(std::FILE* to) {
  int printed = 0;
  for (const note_slot& slot : detail::note_slots) {
    const std::int64_t since = slot.since.load(std::memory_order_relaxed);
    if (!slot.taken.load(std::memory_order_relaxed) || since == 0) continue;
    std::array<char, 120> text{};
    for (std::size_t i = 0; i + 1 < text.size(); ++i) text[i] = slot.text[i].load(std::memory_order_relaxed);
    std::fprintf(to, "  rank %d: %s (for %lld s)\n", slot.rank.load(std::memory_order_relaxed), text.data(),
                 static_cast<long long>(detail::seconds_now() - since));
    ++printed;
  }
  if (printed == 0) std::fprintf(to, "  no rank took a note\n");
}

}  // namespace mics::test
