// What must hold for every job, on random ones. Partial-overlap models that break the first rule look like perfect
// fits.
#include <cstdint>
#include <functional>

#include <doctest/doctest.h>

#include <mics/model/simulator.hpp>

#include "support/random_job.hpp"

namespace model = mics::model;
using mics::test::dice;
using mics::test::random_job;

namespace {

constexpr int cases = 3000;
constexpr double rounding = 1e-9;

/// Checks that no change of that kind makes a step slower.
void never_slower(const std::function<bool(model::job&, dice&)>& change) {
  int changed = 0;
  for (int i = 0; i < cases; ++i) {
    dice of(static_cast<std::uint64_t>(i));
    model::job job = random_job(of);
    const double before = model::simulate(job).step_s;
    if (!change(job, of)) continue;
    ++changed;
    const double after = model::simulate(job).step_s;
    INFO("case " << i << ", strategy " << job.how.name << ", N " << job.world_size << ", p " << job.partition_size());
    REQUIRE(after <= before * (1 + rounding));
  }
  CHECK(changed > cases / 3);
}

}  // namespace

TEST_CASE("a step is never shorter than its time on a link or its compute, and never longer than everything in turn") {
  for (int i = 0; i < cases; ++i) {
    dice of(static_cast<std::uint64_t>(i));
    const model::job job = random_job(of);
    const auto step = model::simulate(job);
    INFO("case " << i << ", strategy " << job.how.name << ", N " << job.world_size << ", p " << job.partition_size());
    REQUIRE(step.step_s * (1 + rounding) >= step.slow_busy_s);
    REQUIRE(step.step_s * (1 + rounding) >= step.fast_busy_s);
    REQUIRE(step.step_s * (1 + rounding) >= step.compute_s + step.optimizer_s);
    REQUIRE(step.step_s <= step.sum_s() * (1 + rounding));
    REQUIRE(step.slow_busy_s + step.fast_busy_s + rounding >= step.gather_s + step.reduce_s + step.hop2_s);
  }
}

TEST_CASE("without overlap a step is exactly everything in turn") {
  for (int i = 0; i < cases; ++i) {
    dice of(static_cast<std::uint64_t>(i));
    model::job job = random_job(of);
    job.how.overlaps = false;
    job.how.prefetch = 0;
    const auto step = model::simulate(job);
    REQUIRE(step.step_s == doctest::Approx(step.sum_s()).epsilon(1e-9));
  }
}

TEST_CASE("more bandwidth never makes a step slower") {
  never_slower([](model::job& job, dice& of) {
    const double factor = mics::test::magnitude(of, 1.001, 10);
    auto& link = of.one_in(2) ? job.on.slow_bytes_per_s : job.on.fast_bytes_per_s;
    link.value *= factor;
    return true;
  });
}

TEST_CASE("less latency never makes a step slower") {
  never_slower([](model::job& job, dice& of) {
    auto& latency = of.one_in(2) ? job.on.slow_latency_s : job.on.fast_latency_s;
    latency.value /= mics::test::magnitude(of, 1.001, 100);
    return true;
  });
}

TEST_CASE("faster compute, memory and steadier ranks never make a step slower") {
  never_slower([](model::job& job, dice& of) {
    job.on.peak_flops.value *= mics::test::magnitude(of, 1, 10);
    job.on.memory_bytes_per_s.value *= mics::test::magnitude(of, 1, 10);
    job.spread.jitter /= mics::test::magnitude(of, 1, 10);
    return true;
  });
}

TEST_CASE("deeper prefetch never makes a step slower while hop 2 runs at the boundary") {
  never_slower([](model::job& job, dice& of) {
    if (job.how.hop2 == model::second_hop::every_micro_step) return false;
    job.how.prefetch += of.between(1, 4);
    return true;
  });
}

TEST_CASE("one seed gives one result, another seed another") {
  int different = 0;
  for (int i = 0; i < 200; ++i) {
    dice of(static_cast<std::uint64_t>(i));
    model::job job = random_job(of);
    job.spread = {0.2, 1, 7};
    const double first = model::simulate(job).step_s;
    REQUIRE(model::simulate(job).step_s == first);
    job.spread.seed = 8;
    different += model::simulate(job).step_s != first ? 1 : 0;
  }
  CHECK(different > 190);
}
