#include <algorithm>
#include <cstddef>
#include <initializer_list>
#include <vector>

#include <doctest/doctest.h>

#include <mics/schedule/layout.hpp>

namespace {

using mics::schedule::block_layout;

/// The layout as a list of lengths, and nothing cleverer.
void check(const block_layout& layout, const std::vector<std::size_t>& lengths) {
  REQUIRE(layout.blocks() == static_cast<int>(lengths.size()));
  std::size_t offset = 0, longest = 0;
  for (int b = 0; b < layout.blocks(); ++b) {
    CAPTURE(b);
    const std::size_t length = lengths[static_cast<std::size_t>(b)];
    CHECK(layout.offset(b) == offset);
    CHECK(layout.length(b) == length);
    offset += length;
    longest = std::max(longest, length);
  }
  CHECK(layout.total() == offset);
  CHECK(layout.longest() == longest);
}

/// The chunks of a run of blocks follow each other and are all of it.
void check_chunks(const block_layout& layout, int first, int count, int chunks) {
  CAPTURE(first);
  CAPTURE(count);
  CAPTURE(chunks);
  std::size_t at = layout.offset(first);
  const std::size_t end = layout.offset(first + count);
  for (int chunk = 0; chunk < chunks; ++chunk) {
    const auto piece = layout.piece(first, count, chunk, chunks);
    CHECK(piece.offset == at);
    at += piece.length;
    if (at != end) CHECK(piece.length % 64 == 0);
  }
  CHECK(at == end);
}

}  // namespace

TEST_CASE("blocks lie one behind the other") {
  check(block_layout::uniform(3, 7), {7, 7, 7});
  check(block_layout::uniform(1, 0), {0});
  check(block_layout::uniform(4, 0), {0, 0, 0, 0});
  check(block_layout::split(4, 11), {3, 3, 3, 2});
  check(block_layout::split(4, 12), {3, 3, 3, 3});
  check(block_layout::split(4, 3), {1, 1, 1, 0});
  check(block_layout::split(4, 0), {0, 0, 0, 0});
  const std::vector<std::size_t> counts{5, 0, 1, 9, 0};
  check(block_layout::by_counts(counts), counts);
  check(block_layout::by_counts(std::vector<std::size_t>{0, 0}), {0, 0});
}

TEST_CASE("chunks cut a run of blocks without gap or overlap, at multiples of 64 elements") {
  for (const std::size_t length : std::vector<std::size_t>{0, 1, 63, 64, 65, 640, 1021}) {
    const auto uniform = block_layout::uniform(3, length);
    const auto uneven = block_layout::by_counts(std::vector<std::size_t>{length, 0, 2 * length + 1});
    for (const int chunks : {1, 2, 3, 8, 100}) {
      for (int first = 0; first < 3; ++first) {
        for (int count = 1; first + count <= 3; ++count) {
          check_chunks(uniform, first, count, chunks);
          check_chunks(uneven, first, count, chunks);
        }
      }
    }
  }
}

TEST_CASE("chunks are about equal: all but the last that holds something have the same length") {
  const auto layout = block_layout::uniform(1, 1000);
  CHECK(layout.piece(0, 1, 0, 4).length == 256);
  CHECK(layout.piece(0, 1, 2, 4).length == 256);
  CHECK(layout.piece(0, 1, 3, 4).length == 232);
  CHECK(layout.piece(0, 1, 0, 3).length == 384);
  CHECK(layout.piece(0, 1, 2, 3).length == 232);
}

TEST_CASE("a layout of 2^24 blocks needs no list") {
  const auto layout = block_layout::uniform(1 << 24, std::size_t{1} << 32);
  CHECK(layout.offset(1 << 23) == std::size_t{1} << 55);
  CHECK(layout.total() == std::size_t{1} << 56);
}
