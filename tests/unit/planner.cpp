// Memory, bytes and time of partition sizes against the formulas; the recommendation and its refusals.

#include <algorithm>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <mics/model/machines.hpp>
#include <mics/model/planner.hpp>
#include <mics/model/simulator.hpp>

namespace model = mics::model;

namespace {

/// 10 billion parameters in 40 layers on 16 p4d, two micro-steps of 8192 tokens.
model::training_plan ten_billion() {
  return {.on = model::machine_named("p4d"),
          .layers = model::equal_layers(10e9, 40, 8192),
          .world_size = 128,
          .micro_steps = 2,
          .activation_bytes = 4e9};
}

template <class F> std::string message_of(F f) {
  try {
    f();
  } catch (const mics::error& e) {
    return e.what();
  }
  return "nothing was thrown";
}

std::string refusal(const model::training_plan& of, int p = 8) {
  return message_of([&] { static_cast<void>(model::cost_of_partition(of, p)); });
}

bool begins(const std::string& text, const std::string& with) { return text.rfind(with, 0) == 0; }

}  // namespace

TEST_CASE("model states are 16 bytes * parameters / p") {
  for (const int p : {1, 2, 8, 16, 128}) {
    CHECK(model::cost_of_partition(ten_billion(), p).state_bytes == doctest::Approx(160e9 / p));
  }
}

TEST_CASE("memory: states, three whole layers and one layer's gradients, activations, what is reserved") {
  auto plan = ten_billion();
  plan.reserved_bytes = 3e9;
  const auto c = model::cost_of_partition(plan, 8);
  CHECK(c.layer_bytes == doctest::Approx(4 * 2 * 250e6));
  CHECK(c.memory_bytes == doctest::Approx(20e9 + 2e9 + 4e9 + 3e9));
  CHECK(c.fits);
  CHECK(model::cost_of_partition(plan, 1).layer_bytes == 0);
  CHECK_FALSE(model::cost_of_partition(plan, 4).fits);
}

TEST_CASE("slow bytes: 3 s (p-k)/p M into a node in hop 1, k shards' all-reduce in hop 2") {
  const double m = 20e9, s = 2, k = 8;
  for (const int p : {8, 16, 32, 64, 128}) {
    const double r = 128.0 / p;
    const double wanted = s * 3 * (p - k) / p * m + k * 2 * (r - 1) / r * m / p;
    CHECK(model::cost_of_partition(ten_billion(), p).slow_bytes == doctest::Approx(wanted));
  }
}

TEST_CASE("p = 1 is plain data parallelism, p = N has no second hop") {
  const auto whole = model::cost_of_partition(ten_billion(), 1);
  CHECK(whole.hop_1_s == 0);
  CHECK(whole.hop_2_s > 0);
  // hierarchical all-reduce of all gradients: 2(n-1)/n of them into each node
  CHECK(whole.slow_bytes == doctest::Approx(2 * 15.0 / 16 * 20e9));
  const auto sharded = model::cost_of_partition(ten_billion(), 128);
  CHECK(sharded.hop_1_s > 0);
  CHECK(sharded.hop_2_s == 0);
}

TEST_CASE("closed forms and the event simulator agree: the same slow bytes, step times within 10 %") {
  for (const int world : {128, 512}) {
    for (const int p : {64, 128, 512}) {
      if (p > world) continue;
      model::training_plan plan{.on = model::machine_named("p4de"),
                                .layers = model::layers_of({79, 10240, 51200, 2048, 4}),
                                .world_size = world,
                                .micro_steps = 4};
      const model::job same{.on = plan.on,
                            .layers = plan.layers,
                            .world_size = world,
                            .micro_steps = plan.micro_steps,
                            .how = model::mics_strategy(p)};
      const auto planned = model::cost_of_partition(plan, p);
      const auto simulated = model::simulate(same);
      CHECK(planned.slow_bytes == doctest::Approx(simulated.slow_bytes).epsilon(1e-9));
      CHECK(planned.step_s == doctest::Approx(simulated.step_s).epsilon(0.1));
    }
  }
}

TEST_CASE("a step is never shorter than its compute or its wire, nor longer than everything in a row") {
  for (const bool overlaps : {false, true}) {
    for (const auto* name : {"p4d", "p3dn", "ethernet_100g"}) {
      auto plan = ten_billion();
      plan.on = model::machine_named(name);
      plan.overlaps = overlaps;
      for (const int p : model::partition_sizes(128, plan.on.node_size)) {
        const auto c = model::cost_of_partition(plan, p);
        const double sum = c.compute_s + c.hop_1_s + c.hop_2_s + c.optimizer_s;
        CHECK(c.step_s >= c.compute_s + c.optimizer_s + c.hop_2_s);
        CHECK(c.step_s >= c.hop_1_s + c.hop_2_s);
        CHECK(c.step_s <= sum * (1 + 1e-12));
        if (!overlaps) CHECK(c.step_s == doctest::Approx(sum));
        CHECK(c.communication_share() >= 0);
        CHECK(c.communication_share() < 1);
      }
    }
  }
}

TEST_CASE("equal layers: 8 * parameters * tokens of FLOPs") {
  CHECK(model::flops_of(model::equal_layers(3e9, 7, 1000)) == doctest::Approx(8.0 * 3e9 * 1000));
  CHECK(model::parameters_of(model::equal_layers(3e9, 7, 1000)) == doctest::Approx(3e9));
}

TEST_CASE("the sizes that are tried divide N and lie evenly on nodes") {
  CHECK(model::partition_sizes(64, 8) == std::vector<int>{1, 2, 4, 8, 16, 32, 64});
  CHECK(model::partition_sizes(24, 8) == std::vector<int>{1, 2, 4, 8, 24});
  CHECK(model::partition_sizes(6, 8) == std::vector<int>{1, 2, 3, 6});
}

TEST_CASE("the fastest that fits is recommended, with a sentence") {
  auto plan = ten_billion();
  plan.micro_steps = 16;
  const auto choice = model::plan_partition(plan);
  CHECK(choice.candidates.size() == 8);
  CHECK(choice.best().partition_size == 8);  // one node: nothing crosses the network but hop 2
  CHECK(choice.best().fits);
  for (const auto& each : choice.candidates) {
    if (each.fits) CHECK(choice.best().step_s <= each.step_s * 1.05);
  }
  CHECK(begins(choice.why, "p = 8 takes "));
  CHECK(choice.why.find("p = 4 would need 46 GB of the 40 GB of a GPU") != std::string::npos);
  CHECK(choice.why.find("the fastest other that fits, p = ") != std::string::npos);
  CHECK(choice.why.back() == '.');
}

TEST_CASE("a model that fits on one GPU is not sharded over slow links") {
  auto plan = ten_billion();
  plan.layers = model::equal_layers(100e6, 12, 8192);
  plan.on = model::machine_named("ethernet_100g");
  plan.micro_steps = 16;
  CHECK(model::plan_partition(plan).best().partition_size <= plan.on.node_size);
}

TEST_CASE("nothing fits: the error says by how much") {
  auto plan = ten_billion();
  plan.activation_bytes = 40e9;
  const std::string text = message_of([&] { static_cast<void>(model::plan_partition(plan)); });
  CHECK(begins(text,
               "no partition size fits into the 40 GB of a GPU: p = 128 needs the least, 43.25 GB, 3.25 GB too "
               "much (model states 1.25 GB, whole layers 2 GB, activations 40 GB, reserved 0 GB)"));
}

TEST_CASE("bad input is refused by field, value and what is allowed") {
  auto plan = ten_billion();
  CHECK(begins(refusal(plan, 7), "partition size 7 does not divide world size 128; allowed: 1, 2, 4"));
  plan.world_size = 120;
  CHECK(begins(refusal(plan, 12), "node size 8 does not divide partition size 12"));
  CHECK(begins(refusal(plan, 0), "partition size 0 is not possible"));
  plan.world_size = 0;
  CHECK(begins(refusal(plan), "world_size is 0; allowed"));
  plan.world_size = 12;
  CHECK(begins(refusal(plan), "world_size is 12; allowed: up to the node size 8, or a multiple of it"));
  plan = ten_billion();
  plan.micro_steps = -1;
  CHECK(begins(refusal(plan), "micro_steps is -1; allowed"));
  plan = ten_billion();
  plan.layers[3].parameters = 21e9;
  CHECK(begins(refusal(plan),
               "layers[3].parameters in bytes is 42000000000; allowed: at most the memory of a GPU, "
               "40000000000"));
  plan.layers[3].parameters = 0;
  CHECK(begins(refusal(plan), "layers[3].parameters is 0; allowed"));
  plan.layers.clear();
  CHECK(begins(refusal(plan), "layers are none"));
  plan = ten_billion();
  plan.on.slow_bytes_per_s.value = -4;
  CHECK(refusal(plan).find("slow_bytes_per_s is -4; allowed") != std::string::npos);
  plan = ten_billion();
  plan.activation_bytes = -1;
  CHECK(begins(refusal(plan), "activation_bytes is -1"));
  CHECK(begins(message_of([] { static_cast<void>(model::plan_partition(ten_billion(), {})); }),
               "partition sizes are none"));
}
