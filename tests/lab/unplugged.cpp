// One rank of a job whose network is cut in the midst of an operation: ends well if it is told so, in time and in full.
//   unplugged all_gather|reduce_scatter|all_reduce FILE        FILE: made by rank 0 when the operations are under way

#include <chrono>
#include <cstddef>
#include <cstdio>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include <unistd.h>

#include <mics/bootstrap.hpp>
#include <mics/mics.hpp>
#include <mics/transport/libfabric.hpp>

namespace {

using namespace std::chrono_literals;
using clock_type = std::chrono::steady_clock;

constexpr auto deadline = 2s;

void call(const mics::libfabric::communicator& world, std::string_view what) {
  constexpr std::size_t block = 500'000;
  std::vector<int> part(block), all(block * static_cast<std::size_t>(world.size()));
  if (what == "all_gather") mics::all_gather(world, part, all);
  if (what == "reduce_scatter") mics::reduce_scatter(world, all, part, mics::reduction::sum);
  if (what == "all_reduce") mics::all_reduce(world, all, all, mics::reduction::sum);
}

/// What is wrong with an error, in words; empty if nothing.
std::string fault_of(const mics::error& e, int rank, std::string_view what, clock_type::duration waited) {
  const mics::error_context& where = e.context();
  if (where.rank != rank || where.group != "world") return "rank and group are not told";
  if (where.operation != what || where.sequence < 2) return "operation and number are not told";
  // The last progress was before the link was cut; all learn it by their own deadlines, and who is cut off tries for
  // another second to tell the others.
  if (waited > deadline + 10s) return "it took too long";
  return {};
}

int run(std::string_view what, const char* file) {
  mics::bootstrap::session job = mics::bootstrap::rendezvous();
  const auto world = mics::libfabric::make_world(job, {.timeout = deadline, .checked = false});
  auto last = clock_type::now();
  try {
    for (int i = 0;; ++i) {
      call(world, what);
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
