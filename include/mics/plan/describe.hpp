#pragma once

#include <cstddef>
#include <string>

#include <mics/model/volume.hpp>
#include <mics/plan/plan.hpp>

namespace mics {

namespace detail {

/// A number of bytes as people write it, exact: "16 MiB", "768 KiB", "1000001 bytes".
inline std::string in_words(std::size_t bytes) {
  constexpr const char* units[] = {" bytes", " KiB", " MiB", " GiB", " TiB"};
  std::size_t unit = 0;
  for (; bytes != 0 && bytes % 1024 == 0 && unit < 4; ++unit) bytes /= 1024;
  return std::to_string(bytes) + units[unit];
}

inline std::string stages_in_words(const plan& p) {
  if (p.how() == algorithm::leader) {
    return "the first rank of each node speaks for its " + std::to_string(p.shape().node_size) + "; leaders " +
           (p.on_rail() == algorithm::exchange ? "exchange everything" : "exchange rows") + " in one message a pair";
  }
  const std::string rail =
      "rail groups of " + std::to_string(p.shape().nodes) + " (" + std::string(name_of(p.on_rail())) + ")";
  const std::string node = "node groups of " + std::to_string(p.shape().node_size);
  switch (p.what()) {
    case operation::all_gather:
      return rail + " gather into the final slots; " + node + " share each row" +
             (p.chunks() > 1 ? " as it arrives" : "");
    case operation::reduce_scatter:
      return node + " reduce row by row; " + rail + " reduce the sums";
    case operation::all_reduce:
      return node + " reduce-scatter; " + rail + " all-reduce; " + node + " gather";
    case operation::broadcast:
      return "a tree over the root's rail; " + node + " share what arrived";
    case operation::barrier:
      break;
  }
  return "one";
}

}  // namespace detail

inline std::string plan::describe() const {
  const std::string p = std::to_string(shape_->size), n = std::to_string(shape_->nodes);
  const node_volume volume = volume_into_node();
  std::string out = std::string(name_of(what())) + " of " + detail::in_words(bytes()) + " over " + p + " ranks on " +
                    n + (shape_->nodes == 1 ? " node" : " nodes");
  out += "\n  algorithm    " + std::string(name_of(how())) + ": " + std::string(why());
  if (!shape_->flat_reason.empty()) out += "\n  flat because " + shape_->flat_reason;
  const bool staged = how() == algorithm::hierarchical || how() == algorithm::leader;
  if (staged) out += "\n  stages       " + detail::stages_in_words(*this);
  out += "\n  chunks       " + std::to_string(chunks()) + " of each block of " + detail::in_words(block_bytes());
  out += "\n  temporaries  " + detail::in_words(temporary_bytes()) + " a rank";
  if (!shape_->flat_reason.empty()) {
    return out + "\n  links        " + detail::in_words(volume.fast) + " between ranks, by slow links and fast ones";
  }
  out += "\n  slow links   " + detail::in_words(volume.slow) + " into a node";
  if (staged && (what() == operation::all_gather || what() == operation::reduce_scatter)) {
    const hierarchy geometry{shape_->nodes, shape_->node_size};
    out += " (a flat ring brings " + detail::in_words(model::flat_ring_bytes_into_node(geometry, block_bytes())) + ")";
  }
  return out + "\n  fast links   " + detail::in_words(volume.fast) + " inside it";
}

}  // namespace mics
