#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include <mics/types/operation.hpp>

namespace mics::schedule {

/// Messages between two ranks keep their order inside a lane; the two lanes of a rank run independently, which is
/// what lets the rail stage and the node stage overlap. Flat algorithms use the rail lane.
enum class lane : std::uint8_t { rail, node };
inline constexpr std::size_t lanes = 2;
constexpr std::size_t index_of(lane l) noexcept { return static_cast<std::size_t>(l); }

enum class buffer : std::uint8_t { none, input, output, scratch };

/// A run of blocks in one of the three buffers of a collective.
/// In scratch, block `origin` lies at slot `slot`, and the blocks that follow it are packed behind.
struct place {
  buffer in = buffer::none;
  int first = 0;
  int count = 1;
  int slot = 0;
  int origin = 0;

  [[nodiscard]] bool exists() const noexcept { return in != buffer::none; }
  bool operator==(const place&) const = default;
};

constexpr place input(int block, int count = 1) { return {buffer::input, block, count, 0, 0}; }
constexpr place output(int block, int count = 1) { return {buffer::output, block, count, 0, 0}; }
constexpr place scratch(int slot, int block, int count = 1) { return {buffer::scratch, block, count, slot, block}; }

/// One thing a rank does to one chunk: a *send* offers the bytes at `at` to `peers`; a *fold* combines its own
/// contribution (if any) with one message from each of `peers` into `at`. A fold with one peer and nothing of its
/// own is a receive; a fold without peers is a copy.
struct step {
  place at{};
  place own{};
  std::uint32_t first_peer = 0;  ///< in program::peers
  std::uint32_t peer_count = 0;
  std::uint32_t own_position = 0;  ///< how many peers are folded before the own contribution
  std::uint32_t round = 0;         ///< the same at both ends of a message; chunk c of round s runs at time c + s
  std::array<std::uint32_t, lanes> after{};  ///< so many folds of each lane must be done for the same chunk
  bool last = false;                         ///< the final scale belongs here
  bool forwarded = false;                    ///< what it writes is sent on, so it should stay in the cache
};

/// The steps of one kind in one lane, in order of their rounds.
struct sequence {
  std::vector<step> steps{};
  std::vector<std::uint32_t> round_begin{0};  ///< first step of each round, and the end

  [[nodiscard]] std::uint32_t rounds() const noexcept { return static_cast<std::uint32_t>(round_begin.size() - 1); }
};

/// What one rank does in one collective, for one chunk of every block. It depends on the group's geometry and the
/// algorithm only: not on sizes, types or addresses.
struct program {
  std::array<sequence, lanes> sends{};
  std::array<sequence, lanes> folds{};
  std::vector<step> closing{};  ///< copies that wait for the end of the launch, when nobody reads its buffers any more
  std::vector<int> peers{};
  int scratch_slots = 0;      ///< temporary memory, in slots of the longest block
  bool block_ranges = false;  ///< some step moves several blocks at once: not to be chunked
  /// Set where ranks that share memory can do without messages: each shows all others the same, once, and takes what it
  /// needs of theirs.
  std::optional<operation> at_once{};
  int root = 0;  ///< of a broadcast: who alone has anything to show

  [[nodiscard]] std::span<const int> peers_of(const step& s) const noexcept {
    return std::span(peers).subspan(s.first_peer, s.peer_count);
  }
};

}  // namespace mics::schedule
