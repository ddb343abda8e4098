#include <functional>
#include <string>

#include <doctest/doctest.h>

#include <mics/model/machines.hpp>
#include <mics/model/simulator.hpp>

namespace model = mics::model;

namespace {

model::job good() {
  return {.on = model::machine_named("p4d"),
          .layers = model::layers_of({.layers = 2, .hidden = 512, .vocabulary = 1000, .sequence = 128, .sequences = 1}),
          .world_size = 16,
          .how = model::mics_strategy(8)};
}

/// The message that refuses the job, or "" when it is accepted.
std::string refusal(const std::function<void(model::job&)>& spoil) {
  model::job job = good();
  spoil(job);
  try {
    static_cast<void>(model::simulate(job));
  } catch (const mics::error& problem) {
    return problem.what();
  }
  return "";
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("a good job is accepted") {
  CHECK(refusal([](model::job&) {}).empty());
}

TEST_CASE("zero and negative sizes and speeds are refused by name and value") {
  std::string text = refusal([](model::job& job) { job.on.slow_bytes_per_s.value = -3; });
  CHECK(has(text, "machine p4d: slow_bytes_per_s is -3"));
  text = refusal([](model::job& job) { job.on.peak_flops.value = 0; });
  CHECK(has(text, "peak_flops is 0"));
  CHECK(has(text, "above 0"));
  CHECK(has(refusal([](model::job& job) { job.on.slow_latency_s.value = -1; }), "slow_latency_s is -1"));
  CHECK(has(refusal([](model::job& job) { job.on.compute_share.value = 1.5; }), "compute_share is 1.5"));
  CHECK(has(refusal([](model::job& job) { job.world_size = 0; }), "world_size is 0"));
  CHECK(has(refusal([](model::job& job) { job.micro_steps = -1; }), "micro_steps is -1"));
  CHECK(has(refusal([](model::job& job) { job.how.prefetch = -1; }), "prefetch is -1"));
  CHECK(has(refusal([](model::job& job) { job.spread.straggler = 0.5; }), "straggler is 0.5"));
  CHECK(has(refusal([](model::job& job) { job.layers.clear(); }), "layers"));
  CHECK(has(refusal([](model::job& job) { job.layers[1].parameters = 0; }), "layers[1].parameters is 0"));
}

TEST_CASE("p that does not divide N is refused with both numbers") {
  const std::string text = refusal([](model::job& job) { job.how.partition_size = 6; });
  CHECK(has(text, "partition_size is 6"));
  CHECK(has(text, "16"));
  CHECK_THROWS_AS(static_cast<void>(model::simulate([] {
                    auto job = good();
                    job.how.partition_size = 32;
                    return job;
                  }())),
                  mics::topology_error);
}

TEST_CASE("a layer larger than a GPU is refused with both sizes") {
  const std::string text = refusal([](model::job& job) { job.layers[0].parameters = 30e9; });
  CHECK(has(text, "layers[0]"));
  CHECK(has(text, "60000000000"));
  CHECK(has(text, "40000000000"));
}

TEST_CASE("unknown names are refused with the list of known ones") {
  CHECK_THROWS_WITH_AS(static_cast<void>(model::machine_named("p9")),
                       doctest::Contains("'p9' is not known; known are p3dn, p4d, p4de"), mics::usage_error);
  CHECK_THROWS_WITH_AS(static_cast<void>(model::strategy_named("zero9", 8)),
                       doctest::Contains("'zero9' is not known; known are mics"), mics::usage_error);
}

TEST_CASE("every known machine is whole, and every constant has a source") {
  for (const model::machine& each : model::machines()) {
    CHECK_NOTHROW(model::check(each));
    model::for_each_constant(each, [](const std::string& name, const model::constant& number) {
      CAPTURE(name);
      CHECK(!number.source.empty());
    });
  }
  CHECK(model::machines().size() >= 9);
}
