#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numeric>
#include <random>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <mics/training/shard_copy.hpp>
#include <mics/training/shard_layout.hpp>

namespace {

using sizes = std::vector<std::size_t>;
using mics::flat_range;
using mics::shard_layout;
using mics::tensor_piece;

constexpr std::size_t largest = std::numeric_limits<std::size_t>::max();
constexpr std::size_t most = static_cast<std::size_t>(std::numeric_limits<std::ptrdiff_t>::max()) / 8;

const std::vector<sizes> lists = {{},
                                  {0},
                                  {1},
                                  {0, 0, 0},
                                  {7},
                                  {3, 5, 7},
                                  {0, 3, 0, 0, 5, 0},
                                  {64},
                                  {1, 1, 1, 1, 1, 1, 1, 1, 1},
                                  {101, 1, 0, 997, 2, 13},
                                  {1, 250, 1}};
const std::vector<int> shard_counts = {1, 2, 3, 4, 5, 8, 16, 300};
const std::vector<std::size_t> alignments = {1, 2, 3, 8, 64};

template <class F> void for_every_layout(F&& f) {
  for (const sizes& list : lists) {
    for (const int shards : shard_counts) {
      for (const std::size_t alignment : alignments) {
        const shard_layout layout(list, shards, alignment);
        CAPTURE(layout.describe());
        CAPTURE(alignment);
        f(layout, list);
      }
    }
  }
}

/// What lies at every offset of the flat buffer, found the slow way: -1 is padding, else the element's running number.
std::vector<long> owners(const shard_layout& layout, const sizes& list) {
  std::vector<long> flat(layout.flat_elements(), -1);
  long number = 0;
  for (std::size_t tensor = 0; tensor < list.size(); ++tensor) {
    for (std::size_t element = 0; element < list[tensor]; ++element) {
      long& owner = flat.at(layout.offset_of(tensor) + element);
      REQUIRE(owner == -1);
      owner = number++;
    }
  }
  return flat;
}

std::vector<std::vector<float>> numbered(const sizes& list) {
  std::vector<std::vector<float>> tensors;
  float number = 1;
  for (const std::size_t size : list) {
    auto& tensor = tensors.emplace_back(size);
    for (float& x : tensor) x = number++;
  }
  return tensors;
}

std::string message_of(auto&& f) {
  try {
    f();
  } catch (const mics::usage_error& e) {
    return e.what();
  }
  return "nothing was thrown";
}

void expect(const std::string& message, const std::vector<std::string>& words) {
  for (const std::string& word : words) {
    CAPTURE(message);
    CAPTURE(word);
    CHECK(message.find(word) != std::string::npos);
  }
}

}  // namespace

TEST_CASE("three tensors in four shards, by hand") {
  const shard_layout layout({3, 5, 7}, 4);
  CHECK(layout.tensors() == 3);
  CHECK(layout.shards() == 4);
  CHECK(layout.elements() == 15);
  CHECK(layout.shard_elements() == 4);
  CHECK(layout.flat_elements() == 16);
  CHECK(layout.padding() == 1);
  CHECK(layout.offset_of(0) == 0);
  CHECK(layout.offset_of(1) == 3);
  CHECK(layout.offset_of(2) == 8);
  CHECK(layout.elements_of(2) == 7);
  CHECK(layout.tensor_range(1) == flat_range{3, 5});
  CHECK(layout.shard_range(2) == flat_range{8, 4});
  CHECK(layout.pieces(0) == std::vector<tensor_piece>{{0, 0, 0, 3}, {1, 0, 3, 1}});
  CHECK(layout.pieces(1) == std::vector<tensor_piece>{{1, 1, 0, 4}});
  CHECK(layout.pieces(2) == std::vector<tensor_piece>{{2, 0, 0, 4}});
  CHECK(layout.pieces(3) == std::vector<tensor_piece>{{2, 4, 0, 3}});
  CHECK(layout.describe() == "3 tensors, 15 elements + 1 of padding, in 4 shards of 4");
}

TEST_CASE("alignment moves tensors and shards to its multiples") {
  const shard_layout layout({3, 5, 7}, 2, 4);
  CHECK(layout.alignment() == 4);
  CHECK(layout.offset_of(1) == 4);
  CHECK(layout.offset_of(2) == 12);
  CHECK(layout.shard_elements() == 12);
  CHECK(layout.padding() == 9);
  CHECK(layout.pieces(0) == std::vector<tensor_piece>{{0, 0, 0, 3}, {1, 0, 4, 5}});
  CHECK(layout.pieces(1) == std::vector<tensor_piece>{{2, 0, 0, 7}});
}

TEST_CASE("every layout: equal shards, no overlap, no more padding than the alignment asks for") {
  for_every_layout([](const shard_layout& layout, const sizes& list) {
    const auto shards = static_cast<std::size_t>(layout.shards());
    const std::size_t step = layout.alignment();
    REQUIRE(layout.flat_elements() == shards * layout.shard_elements());
    REQUIRE(layout.elements() == std::accumulate(list.begin(), list.end(), std::size_t{0}));
    REQUIRE(layout.shard_elements() % step == 0);
    for (std::size_t tensor = 0; tensor < list.size(); ++tensor) REQUIRE(layout.offset_of(tensor) % step == 0);
    const auto flat = owners(layout, list);
    REQUIRE(layout.padding() == static_cast<std::size_t>(std::count(flat.begin(), flat.end(), -1)));
    REQUIRE(layout.padding() <= list.size() * (step - 1) + shards * step - 1);
  });
}

TEST_CASE("every layout: at() finds the tensor of every element, and nothing in the padding") {
  for_every_layout([](const shard_layout& layout, const sizes& list) {
    const auto flat = owners(layout, list);
    for (std::size_t offset = 0; offset < flat.size(); ++offset) {
      const auto found = layout.at(offset);
      REQUIRE(found.has_value() == (flat[offset] >= 0));
      if (!found) continue;
      const auto before =
          std::accumulate(list.begin(), list.begin() + static_cast<long>(found->tensor), std::size_t{0});
      REQUIRE(found->element < list[found->tensor]);
      REQUIRE(static_cast<long>(before + found->element) == flat[offset]);
    }
  });
}

TEST_CASE("every layout: the pieces of all shards are all elements, once, in flat order") {
  for_every_layout([](const shard_layout& layout, const sizes& list) {
    auto left = owners(layout, list);
    for (int shard = 0; shard < layout.shards(); ++shard) {
      std::size_t end = 0;
      for (const tensor_piece& piece : layout.pieces(shard)) {
        REQUIRE(piece.elements > 0);
        REQUIRE(piece.shard_offset >= end);
        end = piece.shard_offset + piece.elements;
        REQUIRE(end <= layout.shard_elements());
        const std::size_t flat = layout.shard_range(shard).first + piece.shard_offset;
        REQUIRE(flat == layout.offset_of(piece.tensor) + piece.tensor_offset);
        for (std::size_t i = 0; i < piece.elements; ++i) {
          REQUIRE(left.at(flat + i) >= 0);
          left[flat + i] = -1;
        }
      }
    }
    REQUIRE(std::count(left.begin(), left.end(), -1) == static_cast<long>(left.size()));
  });
}

TEST_CASE("every layout: pack and unpack, whole and by shard, agree with the owners of the offsets") {
  for_every_layout([](const shard_layout& layout, const sizes& list) {
    const auto tensors = numbered(list);
    const auto flat_owners = owners(layout, list);
    std::vector<float> flat(layout.flat_elements(), -7);
    mics::pack(layout, tensors, flat);
    for (std::size_t i = 0; i < flat.size(); ++i) REQUIRE(flat[i] == static_cast<float>(flat_owners[i] + 1));

    auto back = tensors;
    for (auto& tensor : back) std::fill(tensor.begin(), tensor.end(), -7.0f);
    auto back_by_shard = back;
    mics::unpack(layout, flat, back);
    REQUIRE(back == tensors);

    for (int index = 0; index < layout.shards(); ++index) {
      std::vector<float> shard(layout.shard_elements(), -7);
      mics::pack_shard(layout, index, tensors, shard);
      const auto range = layout.shard_range(index);
      REQUIRE(std::equal(shard.begin(), shard.end(), flat.begin() + static_cast<long>(range.first)));
      mics::unpack_shard(layout, index, std::as_const(shard), back_by_shard);
    }
    REQUIRE(back_by_shard == tensors);
  });
}

TEST_CASE("unpack_shard leaves alone what lies in other shards") {
  const shard_layout layout({3, 5}, 2);
  std::vector<std::vector<double>> tensors = {{1, 2, 3}, {4, 5, 6, 7, 8}};
  mics::unpack_shard(layout, 1, std::vector<double>{50, 60, 70, 80}, tensors);
  CHECK(tensors == std::vector<std::vector<double>>{{1, 2, 3}, {4, 50, 60, 70, 80}});
}

TEST_CASE("tensors that are views of the flat buffer pack in place, and only the padding changes") {
  const shard_layout layout({3, 5}, 2, 4);
  std::vector<int> flat(layout.flat_elements(), 9);
  const std::vector<std::span<int>> views = {layout.tensor_in(std::span(flat), 0),
                                             layout.tensor_in(std::span(flat), 1)};
  std::fill(views[0].begin(), views[0].end(), 1);
  std::fill(views[1].begin(), views[1].end(), 2);
  mics::pack(layout, views, flat);
  CHECK(flat == std::vector<int>{1, 1, 1, 0, 2, 2, 2, 2, 2, 0, 0, 0, 0, 0, 0, 0});
  mics::unpack(layout, flat, views);
  CHECK(views[1].size() == 5);
  CHECK(views[1].data() == flat.data() + 4);
}

TEST_CASE("arrays and spans of const tensors are fine too") {
  const shard_layout layout({2, 1}, 3);
  const std::array<float, 2> a = {1, 2};
  const std::array<float, 1> b = {3};
  const std::array<std::span<const float>, 2> tensors = {std::span<const float>(a), std::span<const float>(b)};
  std::array<float, 3> flat{};
  mics::pack(layout, tensors, flat);
  CHECK(flat == std::array<float, 3>{1, 2, 3});
}

TEST_CASE("large models: searches and pieces need no data") {
  std::mt19937_64 random(5);
  sizes list;
  for (int i = 0; i < 20000; ++i) list.push_back(random() % 7 == 0 ? 0 : random() % 100'000'000);
  const shard_layout layout(list, 1024, 8);
  std::size_t covered = 0;
  for (int shard = 0; shard < layout.shards(); ++shard) {
    layout.for_each_piece(shard, [&](const tensor_piece& piece) { covered += piece.elements; });
  }
  CHECK(covered == layout.elements());
  for (int i = 0; i < 1000; ++i) {
    const std::size_t tensor = random() % list.size();
    if (list[tensor] == 0) continue;
    const std::size_t element = random() % list[tensor];
    CHECK(layout.at(layout.offset_of(tensor) + element) == mics::tensor_position{tensor, element});
  }
}

TEST_CASE("fingerprints are equal for equal layouts and differ for every single change") {
  const shard_layout layout({3, 5, 7}, 4, 2);
  CHECK(layout.fingerprint() == shard_layout({3, 5, 7}, 4, 2).fingerprint());
  CHECK(layout == shard_layout({3, 5, 7}, 4, 2));
  std::set<std::uint64_t> seen = {layout.fingerprint()};
  const std::vector<shard_layout> others = {
      shard_layout({3, 5, 7}, 4, 1), shard_layout({3, 5, 7}, 2, 4),    shard_layout({3, 5, 7}, 8, 2),
      shard_layout({5, 3, 7}, 4, 2), shard_layout({3, 7, 5}, 4, 2),    shard_layout({3, 5, 8}, 4, 2),
      shard_layout({15}, 4, 2),      shard_layout({3, 5, 7, 0}, 4, 2), shard_layout({0, 3, 5, 7}, 4, 2),
      shard_layout({}, 4, 2),        shard_layout({0}, 4, 2)};
  for (const shard_layout& other : others) {
    CAPTURE(other.describe());
    CHECK_FALSE(other == layout);
    CHECK(seen.insert(other.fingerprint()).second);
  }
}

TEST_CASE("fingerprints do not depend on the machine") {
  CHECK(shard_layout({3, 5, 7}, 4, 2).fingerprint() == 18108410891257965744u);
  CHECK(shard_layout({}, 1).fingerprint() == 3359451047826857052u);
}

TEST_CASE("fingerprints of many near layouts do not collide") {
  std::set<std::uint64_t> seen;
  for (std::size_t a = 0; a < 60; ++a) {
    for (std::size_t b = 0; b < 60; ++b) {
      for (const int shards : {1, 2, 3}) CHECK(seen.insert(shard_layout({a, b}, shards).fingerprint()).second);
    }
  }
}

TEST_CASE("impossible layouts are refused with the numbers") {
  expect(message_of([] { shard_layout({1}, 0); }), {"0 shards", "1 or more"});
  expect(message_of([] { shard_layout({1}, -3); }), {"-3 shards"});
  expect(message_of([] { shard_layout({1}, 1, 0); }), {"alignment of 0", "allowed: 1 to"});
  expect(message_of([] { shard_layout({1}, 1, static_cast<std::size_t>(-8)); }), {"alignment of -8"});
  expect(message_of([] { shard_layout({4, static_cast<std::size_t>(-5)}, 2); }), {"tensor 1", "-5 elements"});
  expect(message_of([] { shard_layout({largest}, 2); }), {"tensor 0"});
}

TEST_CASE("overflow is refused wherever it happens, and the largest layout is not") {
  CHECK(shard_layout({most}, 1).flat_elements() == most);
  CHECK(shard_layout({most - 1, 1}, 1).flat_elements() == most);
  expect(message_of([] { shard_layout({most + 1}, 1); }), {"tensor 0", std::to_string(most)});
  expect(message_of([] { shard_layout({most, 1}, 1); }), {std::to_string(most)});
  expect(message_of([] { shard_layout({most, most, most}, 1); }), {std::to_string(most)});
  expect(message_of([] { shard_layout({most}, 1, 64); }), {std::to_string(most)});
  expect(message_of([] { shard_layout({most}, 2); }), {std::to_string(most)});
  expect(message_of([] { shard_layout({1}, std::numeric_limits<int>::max(), std::size_t{1} << 40); }),
         {std::to_string(most)});
  expect(message_of([] { shard_layout({1, 1}, 1, most); }), {std::to_string(most)});
}

TEST_CASE("questions about what does not exist are refused") {
  const shard_layout layout({3, 5}, 2);
  expect(message_of([&] { (void)layout.offset_of(2); }), {"tensor 2", "0 to 1"});
  expect(message_of([&] { (void)layout.elements_of(7); }), {"tensor 7"});
  expect(message_of([&] { (void)layout.shard_range(2); }), {"shard 2", "0 to 1"});
  expect(message_of([&] { (void)layout.shard_range(-1); }), {"shard -1"});
  expect(message_of([&] { (void)layout.pieces(2); }), {"shard 2"});
  expect(message_of([&] { (void)layout.at(8); }), {"flat offset 8", "0 to 7"});
  expect(message_of([] { (void)shard_layout({}, 1).at(0); }), {"flat offset 0", "none"});
}

TEST_CASE("copies of the wrong shape are refused before anything moves") {
  const shard_layout layout({3, 5}, 2);
  const std::vector<std::vector<float>> tensors = {{1, 2, 3}, {4, 5, 6, 7, 8}};
  const std::vector<std::vector<float>> short_one = {{1, 2, 3}, {4, 5, 6, 7}};
  const std::vector<std::vector<float>> one_less = {{1, 2, 3}};
  std::vector<float> flat(8, -1);
  std::vector<float> wrong(9, -1);
  expect(message_of([&] { mics::pack(layout, tensors, wrong); }), {"flat buffer has 9", "exactly 8"});
  expect(message_of([&] { mics::pack(layout, short_one, flat); }), {"tensor 1 has 4", "exactly 5"});
  expect(message_of([&] { mics::pack(layout, one_less, flat); }), {"1 tensors", "exactly the layout's 2"});
  expect(message_of([&] { mics::pack_shard(layout, 0, tensors, flat); }), {"shard has 8", "exactly 4"});
  expect(message_of([&] { mics::pack(layout, tensors, std::span<float>(static_cast<float*>(nullptr), 8)); }),
         {"flat buffer is a null pointer", "8 elements"});
  const std::vector<std::span<const float>> null_tensor = {tensors[0], {static_cast<const float*>(nullptr), 5}};
  expect(message_of([&] { mics::pack(layout, null_tensor, flat); }), {"tensor 1 is a null pointer"});
  expect(message_of([&] { (void)layout.tensor_in(std::span(wrong), 0); }), {"flat buffer has 9"});
  CHECK(flat == std::vector<float>(8, -1));
  CHECK(wrong == std::vector<float>(9, -1));

  auto target = short_one;
  expect(message_of([&] { mics::unpack(layout, flat, target); }), {"tensor 1 has 4"});
  CHECK(target == short_one);
}
