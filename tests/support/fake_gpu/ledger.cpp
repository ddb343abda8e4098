#include "ledger.hpp"

#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace fake_gpu {

namespace {

struct book {
  std::mutex mutex;
  inventory now;
  std::vector<std::string> complaints;
  int copy_engine_collectives = 0;
  int window_reductions = 0;
};

book& ledger() {
  static book* const all = new book;  // outlives the threads of streams
  return *all;
}

}  // namespace

std::string inventory::describe() const {
  const auto part = [](int number, const char* of) { return std::to_string(number) + " " + of; };
  return part(communicators, "communicators, ") + part(reductions, "reductions, ") + part(windows, "windows, ") +
         part(streams, "streams, ") + part(events, "events, ") + part(graphs, "graphs, ") +
         part(allocations, "allocations, ") + std::to_string(bytes) + " bytes";
}

inventory alive() {
  const std::lock_guard lock(ledger().mutex);
  return ledger().now;
}

std::vector<std::string> take_complaints() {
  const std::lock_guard lock(ledger().mutex);
  return std::exchange(ledger().complaints, {});
}

int copy_engine_collectives() {
  const std::lock_guard lock(ledger().mutex);
  return ledger().copy_engine_collectives;
}

int window_reductions() {
  const std::lock_guard lock(ledger().mutex);
  return ledger().window_reductions;
}

void complain(const std::string& what) {
  const std::lock_guard lock(ledger().mutex);
  ledger().complaints.push_back(what);
}

void count(int inventory::*what, int by) {
  const std::lock_guard lock(ledger().mutex);
  ledger().now.*what += by;
}

void count_bytes(std::ptrdiff_t by) {
  const std::lock_guard lock(ledger().mutex);
  ledger().now.bytes += static_cast<std::size_t>(by);
}

void count_copy_engine_collective() {
  const std::lock_guard lock(ledger().mutex);
  ++ledger().copy_engine_collectives;
}

void count_window_reduction() {
  const std::lock_guard lock(ledger().mutex);
  ++ledger().window_reductions;
}

}  // namespace fake_gpu
