// Trains a small language model on a pretended cluster, in four ways, and compares what crosses the slow links.
// Read sharded_trainer.hpp first: it holds all communication of the training.

#include <cstdio>
#include <exception>
#include <numeric>
#include <string>
#include <vector>

#include <mics/topology.hpp>

#include "alone.hpp"
#include "command_line.hpp"
#include "default_text.hpp"
#include "over_libfabric.hpp"
#include "over_nccl.hpp"
#include "report.hpp"
#include "step_times.hpp"
#include "strategy.hpp"
#include "training_run.hpp"

namespace {

using namespace train_lm;

void print_introduction(const settings& s, const text_source& text) {
  const language_model model(s.shape);
  std::size_t parameters = 0;
  for (std::size_t layer = 0; layer < model.layers(); ++layer) {
    const auto tensors = model.tensors(layer);
    parameters = std::accumulate(tensors.begin(), tensors.end(), parameters);
  }
  std::printf("text:     %s, %zu bytes\n", text.name.c_str(), text.bytes.size());
  std::printf("model:    guesses the next byte from %zu; %zu parameters in %zu layers\n", s.shape.context, parameters,
              model.layers());
  std::printf("cluster:  %d%s nodes x %d ranks; transport %s\n", s.nodes, s.pretends_nodes() ? " pretended" : "",
              s.node_size, s.transport.c_str());
  std::printf("step:     %d ranks x %d micro-steps x %zu samples\n", s.world_size(), s.micro_steps, s.shape.batch);
}

std::vector<double> train_alone(const settings& s, const text_source& text) {
  std::vector<double> losses;
  alone trainer(s, text.bytes);
  for (int step = 0; step < s.steps; ++step) {
    losses.push_back(trainer.step(static_cast<std::uint64_t>(step)));
  }
  return losses;
}

// Why mics cannot use a hierarchy, should that be so.
void print_flat_reason(const settings& s, const strategy& how) {
  const auto topology = mics::topology::uniform(s.world_size(), s.node_size, how.partition_size);
  for (int rank = 0; rank < s.world_size(); rank += how.partition_size) {
    const std::string reason = topology.flat_reason(rank);
    if (!reason.empty()) return void(std::printf("  flat: %s\n", reason.c_str()));
  }
}

void compare(const settings& s, const text_source& text, const training& train_by) {
  if (!s.json.empty()) return measure_steps(s, train_by);
  if (!s.speaks) {
    for (const auto& how : strategies(s)) train_by(how, {});
    return;
  }
  print_introduction(s, text);
  std::vector<table_row> rows;
  for (const auto& how : strategies(s)) {
    std::printf("\n%s, p = %d: %s\n", how.name.c_str(), how.partition_size, how.what.c_str());
    print_flat_reason(s, how);
    const auto show = [&s](const training_result& part, int steps_done) { print_progress(s, part, steps_done); };
    rows.push_back({how, train_by(how, show)});
  }
  print_table(s, rows);
  if (s.alone) {
    std::printf("\nOne rank alone: loss curve off by %.0e\n", difference(rows[0].result.losses, train_alone(s, text)));
  }
}

void compare(const settings& s, const text_source& text) {
  if (s.transport == "nccl") return compare(s, text, over_nccl(s, text.bytes));
  if (s.transport == "libfabric") {
    return over_libfabric(s, text.bytes,
                          [&](const settings& mine, const training& train_by) { compare(mine, text, train_by); });
  }
  compare(s, text, [&](const strategy& how, const progress& report) { return train(s, how, text.bytes, report); });
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Trains a small language model with MiCS, ZeRO-3 and plain data parallelism on a pretended cluster.");
  settings s;
  try {
    parse(app, s, argc, argv);
    const auto text = read_text(s.text);
    check_length(text, s.shape.context);
    compare(s, text);
  } catch (const CLI::ParseError& e) {
    return app.exit(e);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return 1;
  }
}
