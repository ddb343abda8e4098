#include <string>

#include <mics/transport/nccl.hpp>
#include <mics/transport/nccl/tuning_file.hpp>

#include "../../common/gpu_facts.hpp"
#include "../../common/gpu_rank.hpp"
#include "../whole_run.hpp"
#include "fastest.hpp"
#include "launcher.hpp"

namespace perf {
namespace {

context with_gpu(context facts, const options& chosen, gpu_rank& here) {
  for (auto& fact : gpu_facts(here)) facts.push_back(std::move(fact));
  facts.emplace_back("memory", chosen.memory == memory_kind::registered ? "registered" : "plain");
  return facts;
}

void require_stages(const mics::group_shape& shape) {
  if (shape.hierarchical() && shape.node_size > 1) return;
  throw mics::usage_error("there is nothing to tune: the partition group lies on " + std::to_string(shape.nodes) +
                          " nodes of " + std::to_string(shape.node_size) +
                          " ranks; allowed: 2 nodes and more, of 2 ranks and more");
}

/// The table of what was fastest, merged into the file.
void write_fastest(const options& chosen, const gpu_rank& here, const report& result) {
  const mics::nccl::tuned_table table{mics::nccl::machine_name(here.device()),
                                      fastest(result.rows(), chosen.chunk_bytes)};
  mics::nccl::write_tuned_table(chosen.tune, table);
  std::printf("#\n# %zu ranges in '%s':\n", table.ranges.size(), chosen.tune.c_str());
  for (const mics::nccl::tuned_range& range : table.ranges) {
    std::printf("# %-14s up to %11zu B: %s\n", std::string(mics::name_of(range.what)).c_str(), range.up_to_bytes,
                std::string(variant_of(range)).c_str());
  }
}

}  // namespace

int over_nccl(const options& chosen, const context& facts) {
  static_assert(launcher<gpu_launcher>);
  gpu_rank here(chosen.node_size, chosen.timeout);
  if (!chosen.tuned.empty()) here.world().use(mics::nccl::read_tuned_table(chosen.tuned));
  const context all_facts = with_gpu(facts, chosen, here);
  if (chosen.speaks) print_context(chosen, all_facts);
  gpu_launcher gpu(here, chosen);
  if (!chosen.tune.empty()) {
    // Before anything is measured: a file that cannot be added to is refused at its end, too.
    if (chosen.speaks) mics::nccl::write_tuned_table(chosen.tune, {mics::nccl::machine_name(here.device()), {}});
    gpu.run([](const gpu_station& rank) { require_stages(rank.group().shape()); });
  }
  report result(chosen, gpu.name());
  run(gpu, chosen, result);
  if (!chosen.speaks) return fine;
  if (!chosen.tune.empty()) write_fastest(chosen, here, result);
  return conclude(chosen, all_facts, result);
}

}  // namespace perf
