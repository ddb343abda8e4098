// One rank of a job whose network is cut in the midst of an operation: ends well if it is told so, in time and in full.
//   unplugged OPERATION FILE        one of tests/libfabric/operations.hpp; FILE: made by rank 0 when it is under way

#include <chrono>
#include <cstdio>
#include <fstream>
#include <functional>
#include <string>
#include <string_view>

#include <unistd.h>

#include <mics/bootstrap.hpp>
#include <mics/mics.hpp>
#include <mics/transport/libfabric.hpp>

#include "../libfabric/operations.hpp"

namespace {

using namespace std::chrono_literals;
using clock_type = std::chrono::steady_clock;

constexpr auto deadline = 3s;

/// Whose error may name which operation and group: a batch is named by its first call, a training step is made of
/// several operations in groups of its own.
bool names(const mics::error_context& where, std::string_view what) {
  if (what == "gradient_sync") return !where.operation.empty() && !where.group.empty();
  return where.operation == (what == "batch" ? "all_gather" : what) && where.group == "world";
}

/// What is wrong with an error, in words; empty if nothing.
std::string fault_of(const mics::error& e, int rank, std::string_view what, clock_type::duration waited) {
  const mics::error_context& where = e.context();
  if (where.rank != rank || where.sequence < 2) return "rank and number are not told";
  if (!names(where, what)) return "group and operation are not told";
  // The last progress was before the link was cut; all learn it by their own deadlines, and who is cut off tries for
  // another second to tell the others.
  if (waited > deadline + 10s) return "it took too long";
  return {};
}

int run(std::string_view what, const char* file) {
  mics::bootstrap::session job = mics::bootstrap::rendezvous();
  const auto world = mics::libfabric::make_world(job, {.timeout = deadline, .checked = false});
  const std::function<void()> call = mics::test::operation_of(what, world, 500'000);
  auto last = clock_type::now();
  try {
    for (int i = 0;; ++i) {
      call();
      last = clock_type::now();
      if (i == 2 && world.rank() == 0) std::ofstream(file) << "under way\n";
    }
  } catch (const mics::error& e) {
    const std::string fault = fault_of(e, world.rank(), what, clock_type::now() - last);
    std::printf("rank %d %s: %s\n", world.rank(), fault.empty() ? "was told" : fault.c_str(), e.what());
    std::fflush(stdout);
    ::_exit(fault.empty() ? 0 : 1);  // nobody can be said goodbye to
  }
}

}  // namespace

int main(int count, char** words) try {
  return count == 3 ? run(words[1], words[2]) : 2;
} catch (const std::exception& e) {
  std::fprintf(stderr, "%s\n", e.what());
  return 1;
}
