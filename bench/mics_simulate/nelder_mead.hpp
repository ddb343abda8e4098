#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

namespace simulate {

/// The point near `start` where `cost` is least; a simplex of first edge `step`. Deterministic.
template <class Cost>
std::vector<double> nelder_mead(const std::vector<double>& start, double step, Cost cost, int rounds = 400) {
  using point = std::vector<double>;
  const std::size_t size = start.size();
  std::vector<std::pair<double, point>> simplex{{cost(start), start}};
  for (std::size_t i = 0; i < size; ++i) {
    point corner = start;
    corner[i] += step;
    simplex.emplace_back(cost(corner), corner);
  }
  const auto cheaper = [](const auto& a, const auto& b) { return a.first < b.first; };
  for (int round = 0; round < rounds; ++round) {
    std::sort(simplex.begin(), simplex.end(), cheaper);
    auto& worst = simplex.back();
    if (worst.first - simplex.front().first < 1e-12) break;
    point centre(size, 0.0);
    for (std::size_t i = 0; i < size; ++i) {
      for (std::size_t j = 0; j < size; ++j) centre[j] += simplex[i].second[j] / static_cast<double>(size);
    }
    const auto along = [&](double factor) {
      point at(size);
      for (std::size_t j = 0; j < size; ++j) at[j] = centre[j] + factor * (worst.second[j] - centre[j]);
      return std::pair<double, point>(cost(at), at);
    };
    auto best = along(-1.0);
    if (best.first < simplex.front().first) best = std::min(best, along(-2.0), cheaper);
    if (best.first >= simplex[size - 1].first) best = std::min(along(0.5), along(-0.5), cheaper);
    if (best.first < worst.first) {
      worst = best;
      continue;
    }
    for (std::size_t i = 1; i <= size; ++i) {
      for (std::size_t j = 0; j < size; ++j) {
        simplex[i].second[j] = 0.5 * (simplex[i].second[j] + simplex.front().second[j]);
      }
      simplex[i].first = cost(simplex[i].second);
    }
  }
  return std::min_element(simplex.begin(), simplex.end(), cheaper)->second;
}

}  // namespace simulate
