#include "../over_libfabric.hpp"

#include <mics/bootstrap.hpp>

#include "fabric_rank.hpp"

namespace train_lm {

namespace {

void on_rank(mics::bootstrap::session& job, settings mine, std::span<const std::uint8_t> text, const rank_task& task) {
  mine.speaks = job.rank() == 0;
  auto world = fabric_world(job, mine);
  fabric_rank here(world);
  task(mine, [&](const strategy& how, const progress& report) {
    auto result = detail::train_rank(here, mine, how, text, report);
    job.barrier();  // nobody leaves while others still finish
    return result;
  });
}

}  // namespace

void over_libfabric(const settings& s, std::span<const std::uint8_t> text, const rank_task& task) {
  if (s.spawn == 0) {
    auto job = mics::bootstrap::rendezvous();
    return on_rank(job, s, text, task);
  }
  mics::bootstrap::local::spawn(s.spawn, [&](mics::bootstrap::session& job) { on_rank(job, s, text, task); },
                                {.nodes = s.nodes, .node_size = s.node_size, .timeout = std::chrono::minutes(5)});
}

}  // namespace train_lm
