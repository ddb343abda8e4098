#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "../../examples/train_lm/alone.hpp"
#include "../../examples/train_lm/report.hpp"
#include "../../examples/train_lm/training_run.hpp"

namespace {

using namespace train_lm;

std::vector<std::uint8_t> some_text() {
  std::vector<std::uint8_t> text;
  for (std::uint64_t i = 0; i < 300; ++i) text.push_back(static_cast<std::uint8_t>(mix(i / 3) % 64));
  return text;
}

// Width 8 divides evenly among the ranks, width 5 leaves padding at the end of every layer.
constexpr std::size_t widths[] = {8, 5};

settings tiny(int nodes, int node_size, int partition, std::size_t width) {
  settings s;
  s.nodes = nodes;
  s.node_size = node_size;
  s.partition = partition;
  s.micro_steps = 3;
  s.steps = 5;
  s.shape = {.context = 3, .width = width, .blocks = 2, .batch = 2, .embedding = 2};
  return s;
}

std::vector<double> losses_alone(const settings& s, const std::vector<std::uint8_t>& text) {
  alone trainer(s, text);
  std::vector<double> losses;
  for (int step = 0; step < s.steps; ++step) {
    losses.push_back(trainer.step(static_cast<std::uint64_t>(step)));
  }
  return losses;
}

training_result run(const settings& s, const strategy& how) {
  return train(s, how, some_text(), [](const training_result&, int) {});
}

void check_agreement(const settings& s, double tolerance) {
  const auto expected = losses_alone(s, some_text());
  for (const auto& how : strategies(s)) {
    CAPTURE(how.name);
    CAPTURE(how.partition_size);
    const auto result = run(s, how);
    REQUIRE(result.losses.size() == expected.size());
    CHECK(difference(expected, result.losses) < tolerance);
  }
}

// Bytes of the whole model when each layer is padded for `shards`.
std::uint64_t model_bytes(const settings& s, int shards) {
  const language_model model(s.shape);
  std::uint64_t bytes = 0;
  for (std::size_t layer = 0; layer < model.layers(); ++layer) {
    bytes += sizeof(float) * mics::shard_layout(model.tensors(layer), shards).flat_elements();
  }
  return bytes;
}

std::uint64_t count(int number) { return static_cast<std::uint64_t>(number); }

// Passes over the model inside a partition group: two gathers and a reduce-scatter every micro-step.
std::uint64_t collectives(const settings& s) { return count(s.steps) * count(s.micro_steps) * 3; }

void check_every_node(const training_result& result, std::uint64_t bytes) {
  for (const std::uint64_t moved : result.moved.into_node) CHECK(moved == bytes);
  CHECK(result.moved.slow == result.moved.into_node.size() * bytes);
}

}  // namespace

TEST_CASE("train_lm: every strategy learns as one rank alone does") {
  struct geometry {
    int nodes, node_size, partition;
    std::size_t width;
  };
  // p = 3 on nodes of 2 has no hierarchy; p < k has replicas in a node.
  for (const auto& g : {geometry{2, 2, 2, 8},
                        {2, 2, 4, 5},
                        {1, 3, 3, 5},
                        {2, 3, 3, 5},
                        {3, 2, 3, 5},
                        {2, 4, 2, 5},
                        {1, 1, 1, 5},
                        {3, 1, 3, 5}}) {
    CAPTURE(g.nodes);
    CAPTURE(g.node_size);
    settings s = tiny(g.nodes, g.node_size, g.partition, g.width);
    s.checked = true;
    // AdamW forgives gradients that are all too large by one factor, unless epsilon is as large as they are.
    s.optimizer.epsilon = 1e-2F;
    check_agreement(s, 1e-6);
    s.optimizer.epsilon = adamw_options{}.epsilon;
    check_agreement(s, 1e-5);
  }
}

TEST_CASE("train_lm: another seed, another micro-step or another rank gives another loss") {
  const settings s = tiny(2, 2, 2, 5);
  const auto how = strategies(s).front();
  const double loss = run(s, how).losses.back();
  settings other = s;
  other.seed = 2;
  CHECK(run(other, how).losses.back() != doctest::Approx(loss).epsilon(1e-4));
  other = s;
  other.micro_steps = 2;
  CHECK(run(other, how).losses.back() != doctest::Approx(loss).epsilon(1e-4));
  other = s;
  other.nodes = 3;
  CHECK(run(other, how).losses.back() != doctest::Approx(loss).epsilon(1e-4));
}

TEST_CASE("train_lm: MiCS, p = k: replicas exchange the whole model once a step, shard by shard") {
  for (const std::size_t width : widths) {
    const settings s = tiny(2, 2, 2, width);
    check_every_node(run(s, strategies(s)[0]), count(s.steps) * model_bytes(s, 2));
  }
}

TEST_CASE("train_lm: MiCS, p = N: (p-k)/p * M a collective") {
  for (const std::size_t width : widths) {
    const settings s = tiny(2, 2, 4, width);
    check_every_node(run(s, strategies(s)[0]), collectives(s) * model_bytes(s, 4) * 2 / 4);
  }
}

TEST_CASE("train_lm: MiCS, k < p < N: both hops cross the slow links, each as its formula says") {
  for (const std::size_t width : widths) {
    const settings s = tiny(4, 2, 4, width);
    const auto model = model_bytes(s, 4);
    check_every_node(run(s, strategies(s)[0]), collectives(s) * model * 2 / 4 + count(s.steps) * model * 2 / 4);
  }
}

TEST_CASE("train_lm: ZeRO-3: (p-1)/p * M a collective") {
  for (const std::size_t width : widths) {
    const settings s = tiny(2, 2, 2, width);
    check_every_node(run(s, strategies(s)[2]), collectives(s) * model_bytes(s, 4) * 3 / 4);
  }
}

TEST_CASE("train_lm: plain data parallelism moves 2(N-1)/N * G into a node, once a step") {
  const settings s = tiny(2, 2, 0, 8);
  REQUIRE(model_bytes(s, 1) == model_bytes(s, 4));
  const auto result = run(s, strategies(s).back());
  check_every_node(result, count(s.steps) * model_bytes(s, 1) * 2 * 3 / 4);
}

TEST_CASE("train_lm: a rank keeps 1/p of the model states") {
  const settings s = tiny(2, 2, 2, 8);
  const auto ways = strategies(s);
  CHECK(run(s, ways[0]).state_bytes == 4 * model_bytes(s, 2) / 2);
  CHECK(run(s, ways[2]).state_bytes == 4 * model_bytes(s, 4) / 4);
  CHECK(run(s, ways[3]).state_bytes == 4 * model_bytes(s, 1));
}

TEST_CASE("train_lm: one node has no slow links") {
  const settings s = tiny(1, 4, 2, 5);
  const auto result = run(s, strategies(s).front());
  CHECK(result.moved.slow == 0);
  CHECK(result.moved.fast > 0);
}

TEST_CASE("train_lm: an unknown transport is refused with the allowed ones") {
  settings s = tiny(1, 2, 2, 5);
  s.transport = "pigeon";
  std::string message;
  try {
    run(s, strategies(s).front());
  } catch (const std::invalid_argument& e) {
    message = e.what();
  }
  CHECK(message.find("'pigeon'") != std::string::npos);
  CHECK(message.find("thread") != std::string::npos);
}

TEST_CASE("train_lm: what a step is planned to move is what is counted") {
  // p = k, p over two nodes, p < k, and one node.
  for (const settings& s : {tiny(2, 2, 2, 8), tiny(4, 2, 4, 8), tiny(2, 4, 2, 8), tiny(1, 4, 4, 8)}) {
    for (const auto& how : strategies(s)) {
      CAPTURE(s.nodes);
      CAPTURE(how.name);
      link_bytes planned;
      run_threads(s, [&](thread_rank& here) {
        auto groups = mics::groups(here.world(), {.node_size = s.node_size, .partition_size = how.partition_size});
        const auto text = some_text();
        sharded_trainer trainer(groups, how, s, text, here);
        const link_bytes its = trainer.planned_step().times(count(s.steps));
        if (here.world().rank() == 0) planned = its;
      });
      CHECK(planned.into_node == run(s, how).moved.into_node);
      CHECK(planned.slow == run(s, how).moved.slow);
    }
  }
}
