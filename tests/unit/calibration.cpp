// Fits that must find what the samples were made from, and say how far they are off where they cannot.

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <mics/model/calibration.hpp>

namespace model = mics::model;
using mics::algorithm;
using mics::operation;

namespace {

constexpr model::link_classes truth{.fast = {3e-6, 50e9},
                                    .slow = {15e-6, 4e9},
                                    .copy = {0, 200e9},
                                    .reduce_bytes_per_s = 20e9,
                                    .message_s = 1e-6,
                                    .call_s = 8e-6};

std::vector<model::sample> samples_of(const model::link_classes& on) {
  std::vector<model::sample> all;
  for (const mics::hierarchy g : {mics::hierarchy{2, 4}, mics::hierarchy{4, 2}, mics::hierarchy{1, 8}}) {
    for (const operation what : {operation::all_gather, operation::reduce_scatter, operation::all_reduce}) {
      for (const algorithm how : {algorithm::direct, algorithm::ring, algorithm::hierarchical}) {
        if (how == algorithm::hierarchical && !g.hierarchical()) continue;
        for (const bool in_place : {false, true}) {
          for (double bytes = 1024; bytes < 1e9; bytes *= 2) {
            model::collective c{what, how, g, bytes};
            c.in_place = in_place;
            all.push_back({c, model::cost_of(c, on).total(), 1});
          }
        }
      }
    }
  }
  return all;
}

template <class F> std::string message_of(F f) {
  try {
    f();
  } catch (const mics::usage_error& e) {
    return e.what();
  }
  return "nothing was thrown";
}

}  // namespace

TEST_CASE("the links that made the samples are found again") {
  const auto samples = samples_of(truth);
  const auto found = model::fit_links(samples);
  CHECK(found.slow.bytes_per_s == doctest::Approx(truth.slow.bytes_per_s).epsilon(0.02));
  CHECK(found.slow.latency_s == doctest::Approx(truth.slow.latency_s).epsilon(0.1));
  CHECK(found.reduce_bytes_per_s == doctest::Approx(truth.reduce_bytes_per_s).epsilon(0.05));
  const auto residuals = model::calibration::fit(samples).link_residuals(samples);
  CHECK(model::median_error(residuals) < 0.01);
}

TEST_CASE("a profile follows a rate that falls in steps, and predicts sizes that it never saw") {
  std::vector<model::sample> samples;
  for (double bytes = 1024; bytes <= 1 << 26; bytes *= 2) {
    const double rate = bytes < 1 << 18 ? 20e9 : bytes < 1 << 22 ? 10e9 : 4e9;
    const model::collective c{operation::all_gather, algorithm::direct, {2, 4}, bytes};
    samples.push_back({c, 20e-6 + bytes / rate, 1});
  }
  const auto fitted = model::calibration::fit(samples);
  CHECK(model::median_error(fitted.residuals(samples)) < 0.05);
  CHECK(model::median_error(model::held_out(samples)) < 0.1);
  CHECK(fitted.profile_of(samples[0].call)->call_s() == doctest::Approx(20e-6).epsilon(0.05));
  CHECK(fitted.profile_of(samples[0].call)->largest_rate() == doctest::Approx(4e9).epsilon(0.1));
  // One set of links cannot do that, and says so.
  CHECK(model::median_error(fitted.link_residuals(samples)) > 0.05);
}

TEST_CASE("a profile follows a library that changes its protocol") {
  std::vector<model::sample> samples;
  const auto seconds = [](double bytes) { return 50e-6 + (bytes > 1 << 15 ? 80e-6 : 0) + bytes / 1e9; };
  for (double bytes = 4096; bytes <= 1 << 25; bytes *= 2) {
    const model::collective c{operation::all_gather, algorithm::ring, {2, 2}, bytes};
    samples.push_back({c, seconds(bytes), 1});
  }
  const auto fitted = model::calibration::fit(samples);
  for (const auto& r : fitted.residuals(samples)) CHECK(std::abs(r.relative()) < 0.02);
  const model::collective before{operation::all_gather, algorithm::ring, {2, 2}, 24000};
  const model::collective behind{operation::all_gather, algorithm::ring, {2, 2}, 48000};
  CHECK(fitted.seconds(before) == doctest::Approx(seconds(24000)).epsilon(0.02));
  CHECK(fitted.seconds(behind) == doctest::Approx(seconds(48000)).epsilon(0.02));
}

TEST_CASE("what was not measured is predicted from the links") {
  const auto samples = samples_of(truth);
  const auto fitted = model::calibration::fit(samples);
  const model::collective unseen{operation::all_gather, algorithm::hierarchical, {8, 8}, 1e8};
  CHECK(fitted.profile_of(unseen) == nullptr);
  CHECK(fitted.seconds(unseen) == doctest::Approx(model::cost_of(unseen, truth).total()).epsilon(0.02));
}

TEST_CASE("noise of 5 % leaves a median error of that order") {
  auto samples = samples_of(truth);
  for (std::size_t i = 0; i < samples.size(); ++i) samples[i].seconds *= i % 2 == 0 ? 1.05 : 0.95;
  const auto residuals = model::calibration::fit(samples).residuals(samples);
  CHECK(model::median_error(residuals) < 0.07);
  CHECK(model::median_error(residuals) > 0.03);
}

TEST_CASE("a single size, a single sample: no fit is lost for lack of knots") {
  const model::collective c{operation::all_gather, algorithm::ring, {2, 2}, 4096};
  const std::vector<model::sample> one{{c, 1e-5, 1}};
  CHECK(model::calibration::fit(one).seconds(c) == doctest::Approx(1e-5).epsilon(0.01));
}

TEST_CASE("the median of residuals") {
  const auto off = [](double by) { return model::residual{{{}, 1.0, 1}, 1 + by}; };
  const std::vector<model::residual> odd{off(0.5), off(-0.1), off(0.2)};
  const std::vector<model::residual> even{off(0.5), off(-0.1), off(0.2), off(0.4)};
  CHECK(model::median_error(odd) == doctest::Approx(0.2));
  CHECK(model::median_error(even) == doctest::Approx(0.3));
  CHECK(model::median_error({}) == 0);
}

TEST_CASE("samples that cannot be are refused by name") {
  const model::collective c{operation::all_gather, algorithm::ring, {2, 2}, 4096};
  const auto fit = [](std::vector<model::sample> s) { return [s] { static_cast<void>(model::calibration::fit(s)); }; };
  CHECK(message_of(fit({})) == "samples are none; allowed: one or more");
  CHECK(message_of(fit({{c, 1e-5, 1}, {c, -1, 1}})).find("samples[1].seconds is -1; allowed") == 0);
  CHECK(message_of(fit({{c, std::numeric_limits<double>::quiet_NaN(), 1}})).find("samples[0].seconds is") == 0);
  CHECK(message_of(fit({{c, 1, 0}})).find("samples[0].chunks is 0") == 0);
  model::collective nothing = c;
  nothing.bytes = 0;
  CHECK(message_of(fit({{nothing, 1, 1}})).find("samples[0].call.bytes is 0") == 0);
}
