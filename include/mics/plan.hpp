#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>

#include <mics/communicator.hpp>
#include <mics/plan/choice.hpp>
#include <mics/plan/program_cache.hpp>
#include <mics/plan/volume.hpp>

namespace mics {

/// How one collective of one size will run in one group: algorithm, stages, chunks, temporary memory, bytes over slow
/// and fast links, and why. Cheap to make and to copy; valid as long as its communicator.
class plan {
 public:
  plan(plan_request request, plan_choice choice, const group_shape& shape, const schedule::program& steps)
      : request_(request), choice_(choice), shape_(&shape), steps_(&steps) {}

  [[nodiscard]] operation what() const noexcept { return request_.what; }
  [[nodiscard]] algorithm how() const noexcept { return choice_.how; }
  /// What the rail stage of a hierarchical plan does: direct or ring.
  [[nodiscard]] algorithm on_rail() const noexcept { return choice_.on_rail; }
  [[nodiscard]] std::string_view why() const noexcept { return choice_.why; }
  [[nodiscard]] const schedule::program& steps() const noexcept { return *steps_; }
  [[nodiscard]] schedule::recipe recipe() const noexcept {
    return {request_.what, choice_.how, choice_.on_rail, request_.root};
  }

  /// Pieces in which each block moves; the stages overlap chunk by chunk.
  [[nodiscard]] int chunks() const noexcept {
    if (steps_->block_ranges || whole_blocks()) return 1;
    const std::size_t pieces = (request_.block_bytes + choice_.chunk_bytes - 1) / choice_.chunk_bytes;
    return static_cast<int>(std::clamp<std::size_t>(pieces, 1, most_chunks));
  }

  /// Memory that a rank needs beside the caller's buffers while the collective runs.
  [[nodiscard]] std::size_t temporary_bytes() const noexcept {
    return static_cast<std::size_t>(steps_->scratch_slots) * request_.block_bytes;
  }

  /// Bytes into this rank's node over its network. Where the geometry is flat across nodes the plan does not know
  /// them and counts the group as one node.
  [[nodiscard]] node_volume volume_into_node() const {
    const int blocks = schedule::single_block(recipe()) ? 1 : shape_->size;
    return count_volume(recipe(), *shape_, schedule::block_layout::split(blocks, request_.bytes), 1);
  }

  /// The whole plan in words, a line a subject.
  [[nodiscard]] std::string describe() const;

 private:
  static constexpr std::size_t most_chunks = 1024;

  /// One step to everyone gains nothing from chunks.
  [[nodiscard]] bool whole_blocks() const noexcept {
    return choice_.how == algorithm::direct && request_.what != operation::all_reduce;
  }

  plan_request request_;
  plan_choice choice_;
  const group_shape* shape_;
  const schedule::program* steps_;
};

namespace detail {

template <communicator C> plan make_plan(const C& comm, const plan_request& request) {
  const plan_choice choice = choose(request, comm.shape(), C::traits);
  const schedule::recipe recipe{request.what, choice.how, choice.on_rail, request.root};
  return {request, choice, comm.shape(), comm.programs().find(recipe, comm.shape())};
}

}  // namespace detail

/// How `what` would run in `comm` for M = `bytes`: the size of the gathered result, of the input of a reduce-scatter,
/// or of the buffer of the other operations. Throws usage_error when `how` cannot serve.
template <communicator C>
plan plan_for(const C& comm, operation what, std::size_t bytes, algorithm how = algorithm::automatic,
              std::size_t chunk_bytes = 0) {
  const auto size = static_cast<std::size_t>(comm.size());
  plan_request request{what, bytes, (bytes + size - 1) / size, 0, how, chunk_bytes};
  plan made = detail::make_plan(comm, request);
  if (!schedule::single_block(made.recipe())) return made;
  request.block_bytes = bytes;
  return detail::make_plan(comm, request);
}

inline std::string plan::describe() const {
  const auto text = [](auto number) { return std::to_string(number); };
  const std::string p = text(shape_->size), n = text(shape_->nodes), k = text(shape_->node_size);
  const node_volume volume = volume_into_node();
  std::string out = std::string(name_of(what())) + " of " + text(request_.bytes) + " bytes over " + p + " ranks, " + n +
                    (shape_->nodes == 1 ? " node" : " nodes") + " x " + k + "\n";
  out += "  algorithm:   " + std::string(name_of(how())) + " (" + std::string(why()) + ")\n";
  if (how() == algorithm::hierarchical) {
    const std::string rail = "rail groups of " + n + " (" + std::string(name_of(on_rail())) + ")";
    const std::string node = "node groups of " + k;
    switch (what()) {
      case operation::all_gather:
        out += "  stages:      " + rail + " gather into the final slots; " + node + " share each row as it arrives\n";
        break;
      case operation::reduce_scatter:
        out += "  stages:      " + node + " reduce row by row; " + rail + " reduce the sums\n";
        break;
      case operation::all_reduce:
        out += "  stages:      " + node + " reduce-scatter; " + rail + " all-reduce; " + node + " gather\n";
        break;
      default:
        out += "  stages:      " + rail + " carry; " + node + " share\n";
        break;
    }
  } else if (!shape_->flat_reason.empty()) {
    out += "  flat:        " + shape_->flat_reason + "\n";
  }
  out += "  chunks:      " + text(chunks()) + " of each block of " + text(request_.block_bytes) + " bytes\n";
  out += "  temporaries: " + text(temporary_bytes()) + " bytes a rank\n";
  out += "  into a node: " + text(volume.slow) + " bytes over slow links, " + text(volume.fast) + " over fast ones\n";
  return out;
}

}  // namespace mics
