#include <vector>

#include <doctest/doctest.h>

#include <mics/plan/program_cache.hpp>

TEST_CASE("a program is compiled once, and its address stays valid") {
  const mics::group_shape shape{1, 4, 2, 2, {}};
  mics::program_cache cache;
  std::vector<mics::recipe> recipes;
  for (const auto rail : {mics::algorithm::direct, mics::algorithm::ring}) {
    recipes.push_back({mics::operation::all_gather, mics::algorithm::hierarchical, rail, 0});
    recipes.push_back({mics::operation::all_reduce, mics::algorithm::hierarchical, rail, 0});
  }
  for (int root = 0; root < 4; ++root) {
    recipes.push_back({mics::operation::broadcast, mics::algorithm::tree, mics::algorithm::direct, root});
  }
  std::vector<const mics::schedule::program*> found;
  for (const auto& recipe : recipes) found.push_back(&cache.find(recipe, shape));
  for (std::size_t i = 0; i < recipes.size(); ++i) {
    CHECK(&cache.find(recipes[i], shape) == found[i]);
    for (std::size_t j = 0; j < i; ++j) CHECK(found[i] != found[j]);
  }
}
