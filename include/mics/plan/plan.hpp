#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

#include <mics/plan/choice.hpp>
#include <mics/plan/node_volume.hpp>

namespace mics {

namespace detail {

/// The program of a choice. What the library below does by itself is counted as what it is known to do at best: a ring,
/// for a broadcast a tree.
inline mics::recipe recipe_of(operation what, const plan_choice& choice, int root) noexcept {
  const auto counted_as = [](algorithm how, algorithm stands_for) {
    return how == algorithm::native ? stands_for : how;
  };
  const algorithm flat = what == operation::broadcast ? algorithm::tree
                         : what == operation::barrier ? algorithm::direct
                                                      : algorithm::ring;
  return {what, counted_as(choice.how, flat), counted_as(choice.on_rail, algorithm::ring), root};
}

}  // namespace detail

/// How one collective of one size will run in one group: algorithm, stages, chunks, temporary memory, bytes over slow
/// and fast links, and why. Cheap to make and to copy; valid as long as its communicator.
class plan {
 public:
  plan(plan_request request, plan_choice choice, const group_shape& shape, const schedule::program& steps)
      : request_(request), choice_(choice), shape_(&shape), steps_(&steps) {}

  [[nodiscard]] operation what() const noexcept { return request_.what; }
  [[nodiscard]] algorithm how() const noexcept { return choice_.how; }
  /// What the rail stage of a hierarchical plan does: direct, ring, or native; that of leaders: direct or exchange.
  [[nodiscard]] algorithm on_rail() const noexcept { return choice_.on_rail; }
  [[nodiscard]] std::string_view why() const noexcept { return choice_.why; }
  [[nodiscard]] const schedule::program& steps() const noexcept { return *steps_; }
  [[nodiscard]] mics::recipe recipe() const noexcept {
    return detail::recipe_of(request_.what, choice_, request_.root);
  }

  /// Pieces in which each block moves; the stages overlap chunk by chunk.
  [[nodiscard]] int chunks() const noexcept {
    if (steps_->block_ranges || whole_blocks()) return 1;
    const std::size_t pieces = (request_.block_bytes + choice_.chunk_bytes - 1) / choice_.chunk_bytes;
    constexpr std::size_t unit = schedule::block_layout::chunk_unit;
    const std::size_t units = (request_.block_bytes / request_.element_bytes + unit - 1) / unit;
    return static_cast<int>(std::clamp<std::size_t>(std::min(pieces, units), 1, most_chunks));
  }

  /// What it was asked for.
  [[nodiscard]] const plan_request& asked() const noexcept { return request_; }

  /// Memory that a rank needs beside the caller's buffers while the collective runs.
  [[nodiscard]] std::size_t temporary_bytes() const noexcept {
    const bool by_program =
        choice_.how != algorithm::native && choice_.on_rail != algorithm::native && choice_.scratch_blocks == 0;
    const std::size_t scratch = by_program ? static_cast<std::size_t>(steps_->scratch_slots) * request_.block_bytes
                                           : choice_.scratch_blocks * native_scratch_unit();
    return scratch + request_.widening_bytes;
  }

  /// Bytes into this rank's node over its network, for blocks of even lengths (a v-form's may differ). Where the
  /// geometry is flat across nodes the plan does not know them and counts the group as one node.
  [[nodiscard]] node_volume volume_into_node() const {
    const int blocks = single_block(recipe()) ? 1 : shape_->size;
    const auto layout = schedule::block_layout::split(blocks, request_.bytes / request_.element_bytes);
    return count_volume(recipe(), *shape_, layout, request_.element_bytes);
  }

  /// The bytes the plan was made for: M as plan_for counts them.
  [[nodiscard]] std::size_t bytes() const noexcept { return request_.bytes; }
  [[nodiscard]] std::size_t block_bytes() const noexcept { return request_.block_bytes; }
  [[nodiscard]] const group_shape& shape() const noexcept { return *shape_; }

  /// The whole plan in words, a line a subject: algorithm, stages, chunks, temporary memory, bytes over slow and fast
  /// links, and why.
  [[nodiscard]] std::string describe() const;

 private:
  static constexpr std::size_t most_chunks = 1024;

  /// A transport's own collectives keep whole blocks, or of blocks in chunks the two that are under way.
  [[nodiscard]] std::size_t native_scratch_unit() const noexcept {
    if (chunks() == 1) return request_.block_bytes;
    const std::size_t elements = request_.block_bytes / request_.element_bytes;
    return 2 * schedule::block_layout::longest_piece(elements, chunks()) * request_.element_bytes;
  }

  /// One step to everyone gains nothing from chunks.
  [[nodiscard]] bool whole_blocks() const noexcept {
    return choice_.how == algorithm::direct && request_.what != operation::all_reduce;
  }

  plan_request request_;
  plan_choice choice_;
  const group_shape* shape_;
  const schedule::program* steps_;
};

}  // namespace mics
