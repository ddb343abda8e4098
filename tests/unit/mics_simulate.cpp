#include <cmath>
#include <vector>

#include <doctest/doctest.h>

#include "../../bench/mics_simulate/nelder_mead.hpp"

using doctest::Approx;

TEST_CASE("mics_simulate: the fit finds the least of a bowl in three dimensions") {
  const auto bowl = [](const std::vector<double>& x) {
    return std::pow(x[0] - 1, 2) + 4 * std::pow(x[1] + 2, 2) + std::pow(x[2] - x[0], 2);
  };
  const auto found = simulate::nelder_mead({0, 0, 0}, 0.1, bowl);
  CHECK(found[0] == Approx(1).epsilon(1e-3));
  CHECK(found[1] == Approx(-2).epsilon(1e-3));
  CHECK(found[2] == Approx(1).epsilon(1e-3));
}

TEST_CASE("mics_simulate: the fit follows a curved valley, and stays where it is when that is best") {
  const auto valley = [](const std::vector<double>& x) {
    return 100 * std::pow(x[1] - x[0] * x[0], 2) + std::pow(1 - x[0], 2);
  };
  const auto found = simulate::nelder_mead({-1.2, 1}, 0.1, valley);
  CHECK(found[0] == Approx(1).epsilon(1e-2));
  CHECK(found[1] == Approx(1).epsilon(1e-2));
  const auto stayed = simulate::nelder_mead({1, 1}, 0.1, valley);
  CHECK(valley(stayed) <= 1e-6);
}

TEST_CASE("mics_simulate: points that are refused, by a huge cost, are avoided") {
  const auto fenced = [](const std::vector<double>& x) { return x[0] > 1 ? 1e9 : std::pow(x[0] - 2, 2); };
  CHECK(simulate::nelder_mead({0}, 0.1, fenced)[0] == Approx(1).epsilon(1e-2));
}
