#include <unistd.h>

#include <mics/bootstrap.hpp>
#include <mics/error.hpp>

#include "../whole_run.hpp"
#include "launcher.hpp"

namespace perf {
namespace {

/// What one rank does; rank 0 prints and writes. Returns the program's exit code.
int measure(mics::bootstrap::session& job, const options& chosen, context facts) {
  fabric_launcher here(job, chosen);
  facts.emplace_back("memory", chosen.memory == memory_kind::registered ? "registered" : "plain");
  if (!here.provider().empty()) facts.emplace_back("provider", here.provider());
  if (chosen.speaks) print_context(chosen, facts);
  report result(chosen, here.name());
  run(here, chosen, result);
  const int code = chosen.speaks ? conclude(chosen, facts, result) : fine;
  job.barrier();
  return code;
}

/// All ranks in processes forked from this one.
int spawn(const options& chosen, const context& facts) {
  const auto shared = mics::bootstrap::detail::make_pipe();  // brings rank 0's exit code back
  mics::bootstrap::local::spawn(chosen.spawn,
                                [&](mics::bootstrap::session& job) {
                                  options own = chosen;
                                  own.speaks = job.rank() == 0;
                                  const auto code = static_cast<char>(measure(job, own, facts));
                                  if (own.speaks && ::write(shared.second.get(), &code, 1) != 1)
                                    throw mics::transport_error("a pipe is closed");
                                },
                                {.nodes = chosen.nodes, .node_size = chosen.node_size});
  char code = 0;
  return ::read(shared.first.get(), &code, 1) == 1 ? int{code} : int{failed};
}

}  // namespace

int over_libfabric(const options& chosen, const context& facts) {
  static_assert(launcher<fabric_launcher>);
  if (chosen.spawn > 0) return spawn(chosen, facts);
  auto job = mics::bootstrap::rendezvous({.timeout = chosen.timeout, .join_timeout = chosen.timeout});
  return measure(job, chosen, facts);
}

}  // namespace perf
