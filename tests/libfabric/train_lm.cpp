// The example's trainer between processes: what it learns is what it learns between threads.

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "../../examples/train_lm/libfabric/fabric_rank.hpp"
#include "../../examples/train_lm/report.hpp"
#include "../../examples/train_lm/training_run.hpp"
#include "ranks.hpp"

namespace {

using namespace mics::test;

std::vector<std::uint8_t> some_text() {
  std::vector<std::uint8_t> text;
  for (std::uint64_t i = 0; i < 300; ++i) text.push_back(static_cast<std::uint8_t>(train_lm::mix(i / 3) % 64));
  return text;
}

train_lm::settings small(const geometry& on, int partition) {
  train_lm::settings s;
  s.nodes = on.nodes;
  s.node_size = on.node_size;
  s.partition = partition;
  s.micro_steps = 2;
  s.steps = 4;
  s.shape = {.context = 3, .width = 5, .blocks = 2, .batch = 2, .embedding = 2};
  s.optimizer.epsilon = 1e-2F;  // else AdamW forgives gradients that are all too large by one factor
  return s;
}

}  // namespace

TEST_CASE("train_lm: ranks that are processes learn as threads do, in every way") {
  if (!has_fabric()) return;
  const auto text = some_text();
  for (const geometry on : {geometry{2, 2}, geometry{1, 3}}) {
    const train_lm::settings s = small(on, on.ranks() == 3 ? 3 : 4);
    std::map<std::string, std::vector<double>> expected;
    for (const auto& how : strategies(s)) {
      expected[how.name] = train(s, how, text, [](const train_lm::training_result&, int) {}).losses;
    }
    run_ranks(on, [&](mics::libfabric::communicator& world, mics::bootstrap::session&) {
      train_lm::fabric_rank here(world);
      for (const auto& how : strategies(s)) {
        std::size_t reported = 0;
        const auto count = [&](const train_lm::training_result& part, int) { reported += part.losses.size(); };
        const auto learned = train_lm::detail::train_rank(here, s, how, text, count);
        const auto& losses = expected.at(how.name);
        expect(learned.losses.size() == losses.size(), how.name + ": every step has a loss");
        const double apart = train_lm::difference(losses, learned.losses);
        expect(apart < 1e-6, how.name + ": losses are off by " + std::to_string(apart));
        expect(reported == (world.rank() == 0 ? losses.size() : 0), how.name + ": rank 0 reports, nobody else");
      }
    });
  }
}
