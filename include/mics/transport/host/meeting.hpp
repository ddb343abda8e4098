#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <mics/detail/fold.hpp>
#include <mics/detail/patience.hpp>
#include <mics/detail/this_core.hpp>
#include <mics/error.hpp>
#include <mics/schedule/part.hpp>
#include <mics/transport/host/board.hpp>
#include <mics/types.hpp>

namespace mics::host {

/// One rank's part in the small collectives of a node: everybody shows what it has on its board, once it is ready(),
/// and takes what it needs from all others' once it is complete(). No message is addressed, and the root of a broadcast
/// waits for nobody but who has not begun what came before. Used by one thread at a time.
class meeting {
 public:
  /// What the ranks of a group can show at once.
  static constexpr std::size_t most_bytes = board::sheet::most;

  /// The boards of all members, in their order; `rank` is this one's.
  meeting(std::vector<board*> boards, int rank)
      : boards_(std::move(boards)), shown_(boards_.size()), sources_(boards_.size()), rank_(rank) {}

  /// Can these parts be done this way? The same on all ranks.
  static bool serves(std::span<const schedule::part> parts) noexcept {
    std::size_t bytes = 0;
    for (const schedule::part& p : parts) {
      if (!p.steps->at_once || bytes > most_bytes) return false;
      bytes += room_of(p);
    }
    return bytes <= most_bytes;
  }

  /// May this rank show the next thing? Not before everybody has shown what belongs to the last launch, for that was
  /// the word that they are done with the sheet before it. Mostly known already: only broadcasts do not wait for all.
  bool ready() noexcept {
    if (settled_) return true;
    while (seen_ < end_ && boards_[seen_]->shown(time_) != nullptr) ++seen_;
    return settled_ = seen_ == end_;
  }

  /// Once ready: shows what the parts of a launch take in, which from here on may change.
  void show(std::span<const schedule::part> parts, std::uint64_t launch) noexcept {
    ++time_;
    look_at_all();
    const int root = only_root(parts);
    if (root >= 0) end_ = (seen_ = index(root)) + 1;
    settled_ = root < 0;
    launch_ = launch;
    board& own = *boards_[index(rank_)];
    board::sheet& sheet = own.blank(time_);
    std::byte* at = sheet.content.data();
    for (const schedule::part& p : parts) {
      const std::size_t bytes = input_of(p, rank_).length * size_of(p.type);
      if (bytes > 0) std::memcpy(at, p.input, bytes);
      at += room_of(p);
    }
    sheet.launch = launch;
    sheet.core.store(mics::detail::this_core(), std::memory_order_relaxed);
    sheet.bytes = shown_by(rank_, parts);
    own.show(time_);
  }

  /// Have all shown theirs who have anything to show? `unlike(rank, sheet, expected)` is called when one has shown
  /// another number of bytes than expected, or for another launch, and throws.
  template <class Unlike> bool complete(std::span<const schedule::part> parts, Unlike unlike) {
    for (; seen_ < end_; ++seen_) {
      const board::sheet* const sheet = boards_[seen_]->shown(time_);
      if (sheet == nullptr) return false;
      const std::uint64_t expected = shown_by(seen(), parts);
      if (sheet->bytes != expected || sheet->launch != launch_) unlike(seen(), *sheet, expected);
      shown_[seen_] = sheet->content.data();
    }
    if (!settled_) look_at_all();
    return true;
  }
  /// The rank that is waited for, by ready() or complete().
  [[nodiscard]] int seen() const noexcept { return static_cast<int>(seen_); }

  /// Where are the ranks that are waited for, if there are more ranks than cores?
  [[nodiscard]] mics::detail::cores where() const noexcept {
    const std::uint64_t core = mics::detail::this_core();
    for (std::size_t r = seen_; r < end_; ++r) {
      if (boards_[r]->shown(time_) == nullptr && boards_[r]->core_before(time_) == core) {
        return mics::detail::cores::crowded;
      }
    }
    return mics::detail::cores::elsewhere;
  }

  /// The sheet of a rank that shows something for a launch that this rank does otherwise, and that rank; null if none.
  /// They will wait for each other for ever.
  [[nodiscard]] std::pair<const board::sheet*, int> shown_for(std::uint64_t launch) const noexcept {
    for (std::size_t r = 0; r < boards_.size(); ++r) {
      const board::sheet* const sheet = boards_[r]->shown(time_ + 1);
      if (sheet != nullptr && sheet->launch == launch) return {sheet, static_cast<int>(r)};
    }
    return {};
  }

  /// Once complete: the results.
  void take(std::span<const schedule::part> parts) {
    std::size_t at = 0;
    for (const schedule::part& p : parts) {
      if (*p.steps->at_once == operation::all_gather) {
        gather(p, at);
      } else if (*p.steps->at_once == operation::broadcast) {
        receive(p, at);
      } else if (*p.steps->at_once != operation::barrier) {
        fold(p, at);
      }
      at += room_of(p);
    }
  }

  /// What a rank takes from each of the others, in elements; what it takes of an all-gather or a broadcast depends on
  /// `from`.
  [[nodiscard]] schedule::extent taken(const schedule::part& p, int from) const noexcept {
    return *p.steps->at_once == operation::reduce_scatter ? p.layout.piece(rank_, 1, 0, 1) : input_of(p, from);
  }

 private:
  static constexpr std::size_t index(int rank) noexcept { return static_cast<std::size_t>(rank); }

  void look_at_all() noexcept {
    seen_ = 0;
    end_ = boards_.size();
  }

  /// The root of all parts; -1: they have not one, or are not all broadcasts.
  static int only_root(std::span<const schedule::part> parts) noexcept {
    int root = -1;
    for (const schedule::part& p : parts) {
      if (*p.steps->at_once != operation::broadcast || (root >= 0 && root != p.steps->root)) return -1;
      root = p.steps->root;
    }
    return root;
  }

  /// What a rank contributes, in elements.
  static schedule::extent input_of(const schedule::part& p, int rank) noexcept {
    if (*p.steps->at_once == operation::all_gather) return p.layout.piece(rank, 1, 0, 1);
    if (*p.steps->at_once == operation::broadcast && rank != p.steps->root) return {};
    return {0, p.layout.total()};
  }

  static std::uint64_t shown_by(int rank, std::span<const schedule::part> parts) noexcept {
    std::uint64_t bytes = 0;
    for (const schedule::part& p : parts) bytes += input_of(p, rank).length * size_of(p.type);
    return bytes;
  }

  /// What it takes on a sheet, the same on all ranks.
  static std::size_t room_of(const schedule::part& p) noexcept {
    const bool one_block = *p.steps->at_once == operation::all_gather;
    const std::size_t bytes = (one_block ? p.layout.longest() : p.layout.total()) * size_of(p.type);
    return (bytes + alignof(std::uint64_t) - 1) / alignof(std::uint64_t) * alignof(std::uint64_t);
  }

  void gather(const schedule::part& p, std::size_t at) const noexcept {
    for (int r = 0; r < static_cast<int>(boards_.size()); ++r) {
      const schedule::extent block = input_of(p, r);
      std::byte* const into = p.output + block.offset * size_of(p.type);
      if (block.length == 0 || (r == rank_ && into == p.input)) continue;
      std::memcpy(into, shown_[index(r)] + at, block.length * size_of(p.type));
    }
  }

  void receive(const schedule::part& p, std::size_t at) const noexcept {
    const std::size_t bytes = p.layout.total() * size_of(p.type);
    if (rank_ != p.steps->root && bytes > 0) std::memcpy(p.output, shown_[index(p.steps->root)] + at, bytes);
  }

  /// In rank order, so that all ranks get the same bits.
  void fold(const schedule::part& p, std::size_t at) {
    const schedule::extent mine = taken(p, rank_);
    for (std::size_t r = 0; r < sources_.size(); ++r) sources_[r] = shown_[r] + at + mine.offset * size_of(p.type);
    mics::detail::fold(p.type, p.reduce, p.output, sources_, mine.length, p.scale);
  }

  std::vector<board*> boards_;
  std::vector<const std::byte*> shown_;
  std::vector<const std::byte*> sources_;
  int rank_;
  std::uint64_t time_ = 0;
  std::uint64_t launch_ = 0;  ///< what this rank shows belongs to it
  std::size_t seen_ = 0;
  std::size_t end_ = 0;  ///< behind the last rank that is waited for
  bool settled_ = true;  ///< all have shown what belongs to `time_`, as far as is known
};

/// What ranks hear whose calls do not match, though they move as many bytes. (Launch 0: one that is compared.)
[[noreturn]] inline void refuse_other_launch(int world_rank, std::uint64_t launch, error_context where) {
  throw usage_error("rank " + std::to_string(world_rank) +
                        (launch == 0 ? std::string(" is comparing its call with the others'")
                                     : " is at operation #" + std::to_string(launch) + " of this group, unchecked") +
                        ", and this rank is not: their operations, or checked modes, differ",
                    std::move(where));
}

/// What unchecked ranks hear that would wait for each other for ever.
[[noreturn]] inline void refuse_shown(int world_rank, std::size_t bytes, error_context where) {
  throw usage_error("rank " + std::to_string(world_rank) + " shows " + std::to_string(bytes) +
                        " bytes, all that it has, where this rank sends messages, because it has more than " +
                        std::to_string(meeting::most_bytes) +
                        " bytes or another algorithm: their counts, types or operations differ",
                    std::move(where));
}

}  // namespace mics::host
