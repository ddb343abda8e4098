#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <vector>

#include <mics/schedule/part.hpp>

#include "random.hpp"
#include "recipes.hpp"

namespace mics::test {

/// The memory of one collective on all ranks, filled and ready to run, and what must be in it afterwards.
/// Elements are bytes that wrap around, so no contribution can be lost or come twice unnoticed, or floats.
class rehearsal {
 public:
  struct choices {
    data_type type = data_type::uint8;
    int chunks = 1;
    bool in_place = false;
    std::uint64_t seed = 0;
  };

  rehearsal(const rehearsed& what, const choices& chosen)
      : what_(&what), chosen_(chosen), layout_(choose_layout()), ranks_(static_cast<std::size_t>(what.size())) {
    for (int rank = 0; rank < what.size(); ++rank) fill(rank);
  }

  /// `rank`'s part of a launch.
  [[nodiscard]] schedule::part part_of(int rank) {
    memory& m = ranks_[static_cast<std::size_t>(rank)];
    schedule::part p;
    p.steps = &what_->programs[static_cast<std::size_t>(rank)];
    p.layout = layout_;
    p.chunks = p.steps->block_ranges ? 1 : chosen_.chunks;
    p.type = chosen_.type;
    m.scratch.assign(p.scratch_bytes(), std::byte{0xa5});
    p.scratch = m.scratch.data();
    p.input = m.input.data();
    p.output = m.output.data();
    if (is(operation::all_gather)) p.input_origin = layout_.offset(rank);
    if (is(operation::reduce_scatter)) p.output_origin = layout_.offset(rank);
    if (chosen_.in_place) {
      const std::size_t own = p.layout.offset(is(operation::all_reduce) ? 0 : rank) * width();
      if (is(operation::all_gather)) p.input = m.output.data() + own;
      if (is(operation::reduce_scatter)) p.output = m.input.data() + own;
      if (is(operation::all_reduce)) p.output = m.input.data();
    }
    if (is(operation::broadcast)) p.input = m.output.data();
    return p;
  }

  /// What `rank` has got.
  [[nodiscard]] std::span<const std::byte> result(int rank) const {
    const memory& m = ranks_[static_cast<std::size_t>(rank)];
    if (!chosen_.in_place || is(operation::all_gather) || is(operation::broadcast)) return m.output;
    return is(operation::all_reduce) ? std::span(m.input) : block(m.input, rank);
  }

  /// The first thing that is not as it should be, in words; empty if all is well. For bytes only.
  [[nodiscard]] std::string wrong() const {
    const std::vector<std::byte> all = expected();
    for (int rank = 0; rank < what_->size(); ++rank) {
      if (is(operation::barrier)) continue;
      const auto wanted = is(operation::reduce_scatter) ? block(all, rank) : std::span<const std::byte>(all);
      const auto got = result(rank);
      if (!same(wanted, got)) {
        const auto differs = std::mismatch(wanted.begin(), wanted.end(), got.begin(), got.end()).first;
        return "rank " + std::to_string(rank) + ", element " + std::to_string(differs - wanted.begin()) + " of " +
               std::to_string(wanted.size());
      }
      if (!input_kept(rank)) return "rank " + std::to_string(rank) + ": its input was changed";
    }
    return {};
  }

  /// Did these placements bring all of `rank`'s result but its own part, each byte once? For moves, not reductions.
  [[nodiscard]] bool covers(std::span<const std::span<std::byte>> placements, int rank) const {
    const memory& m = ranks_[static_cast<std::size_t>(rank)];
    std::vector<int> times(m.output.size());
    for (const auto piece : placements) {
      if (piece.data() < m.output.data() || piece.data() + piece.size() > m.output.data() + m.output.size()) {
        return false;
      }
      for (auto& t : std::span(times).subspan(static_cast<std::size_t>(piece.data() - m.output.data()), piece.size())) {
        ++t;
      }
    }
    const bool root = is(operation::broadcast) && rank == what_->recipe.root;
    const std::size_t own = is(operation::all_gather) ? layout_.offset(rank) * width() : 0;
    const std::size_t own_bytes = is(operation::all_gather) ? layout_.length(rank) * width()
                                  : root                    ? m.output.size()
                                                            : 0;
    for (auto& t : std::span(times).subspan(own, own_bytes)) ++t;
    return std::all_of(times.begin(), times.end(), [](int t) { return t == 1; });
  }

  [[nodiscard]] std::string describe() const {
    return what_->describe() + ", " + std::to_string(layout_.total()) + " x " + std::string(name_of(chosen_.type)) +
           " in " + std::to_string(chosen_.chunks) + " chunks" + (chosen_.in_place ? ", in place" : "") + ", seed " +
           std::to_string(chosen_.seed);
  }

 private:
  struct memory {
    std::vector<std::byte> brought{}, input{}, output{}, scratch{};
  };

  [[nodiscard]] bool is(operation what) const noexcept { return what_->recipe.what == what; }
  [[nodiscard]] std::size_t width() const noexcept { return size_of(chosen_.type); }

  /// Blocks that are empty, equal, uneven, or long enough for several chunks (which end on multiples of 64 elements).
  [[nodiscard]] schedule::block_layout choose_layout() const {
    dice random(chosen_.seed);
    const std::size_t most = static_cast<std::size_t>(chosen_.chunks) * 80;
    if (is(operation::barrier)) return schedule::block_layout::uniform(1, 1);
    if (mics::single_block(what_->recipe)) return schedule::block_layout::uniform(1, random.roll(most));
    if (is(operation::all_reduce)) {
      return schedule::block_layout::split(what_->size(), random.roll(most * static_cast<std::size_t>(what_->size())));
    }
    if (random.one_in(2)) return schedule::block_layout::uniform(what_->size(), random.roll(most));
    std::vector<std::size_t> counts(static_cast<std::size_t>(what_->size()));
    for (auto& count : counts) count = random.one_in(4) ? 0 : random.roll(most);
    return schedule::block_layout::by_counts(counts);
  }

  [[nodiscard]] std::span<const std::byte> block(const std::vector<std::byte>& all, int rank) const {
    return std::span(all).subspan(layout_.offset(rank) * width(), layout_.length(rank) * width());
  }

  /// What `rank` brings to all blocks: random bytes, or floats that no sum adds up exactly.
  [[nodiscard]] std::vector<std::byte> make(int rank) const {
    std::vector<std::byte> bytes(layout_.total() * width());
    dice random(chosen_.seed ^ spread(static_cast<std::uint64_t>(rank)));
    const auto put = [&bytes](std::size_t at, const auto& value) {
      std::memcpy(bytes.data() + at, &value, std::min(sizeof(value), bytes.size() - at));
    };
    const bool floats = chosen_.type == data_type::float32;
    for (std::size_t at = 0; at < bytes.size(); at += floats ? sizeof(float) : sizeof(std::size_t)) {
      if (floats) {
        put(at, static_cast<float>(random.between(-10'000, 10'000)) / 7.0f);
      } else {
        put(at, random.roll(~std::size_t{0}));
      }
    }
    return bytes;
  }

  [[nodiscard]] const std::vector<std::byte>& brought(int rank) const {
    return ranks_[static_cast<std::size_t>(rank)].brought;
  }

  void fill(int rank) {
    memory& m = ranks_[static_cast<std::size_t>(rank)];
    const std::size_t all = layout_.total() * width();
    m.brought = make(rank);
    m.input = m.brought;
    m.output.assign(all, std::byte{0xee});
    if (is(operation::all_gather)) {
      const auto own = block(m.input, rank);
      m.input = std::vector(own.begin(), own.end());
      if (chosen_.in_place) std::ranges::copy(m.input, at(m.output, rank));
    }
    if (is(operation::reduce_scatter)) m.output.resize(layout_.length(rank) * width());
    if (is(operation::broadcast)) {
      if (rank == what_->recipe.root) m.output = m.input;
    }
  }

  [[nodiscard]] std::byte* at(std::vector<std::byte>& all, int rank) const {
    return all.data() + layout_.offset(rank) * width();
  }

  /// The whole result, in all ranks' blocks.
  [[nodiscard]] std::vector<std::byte> expected() const {
    if (is(operation::broadcast)) return brought(what_->recipe.root);
    std::vector<std::byte> all(layout_.total());
    for (int rank = 0; rank < what_->size(); ++rank) {
      const auto& bytes = brought(rank);
      if (is(operation::all_gather)) {
        std::ranges::copy(block(bytes, rank), at(all, rank));
        continue;
      }
      for (std::size_t i = 0; i < all.size(); ++i) {
        all[i] = static_cast<std::byte>(std::to_integer<unsigned>(all[i]) + std::to_integer<unsigned>(bytes[i]));
      }
    }
    return all;
  }

  static bool same(std::span<const std::byte> a, std::span<const std::byte> b) {
    return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size()) == 0);
  }

  [[nodiscard]] bool input_kept(int rank) const {
    const memory& m = ranks_[static_cast<std::size_t>(rank)];
    if (is(operation::broadcast) || (chosen_.in_place && !is(operation::all_gather))) return true;
    const auto& whole = brought(rank);
    const auto wanted = is(operation::all_gather) ? block(whole, rank) : std::span<const std::byte>(whole);
    return same(wanted, m.input);
  }

  const rehearsed* what_;
  choices chosen_;
  schedule::block_layout layout_;
  std::vector<memory> ranks_;
};

}  // namespace mics::test
