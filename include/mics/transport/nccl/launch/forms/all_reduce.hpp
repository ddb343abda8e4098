#pragma once

#include <mics/transport/nccl/launch/forms/bound_call.hpp>

namespace mics::nccl::forms {

/// MiCS all-reduce in three stages, each in the output itself: the node reduces and cuts the buffer into one part a
/// local rank, the rails reduce the parts between the nodes, the node gathers them. The last local rank's part takes
/// the elements that are left over.
class staged_all_reduce {
 public:
  explicit staged_all_reduce(const bound_call& c)
      : c_(&c),
        last_(c.shape->node_size - 1),
        part_(c.total() / static_cast<std::size_t>(c.shape->node_size)),
        rest_(c.total() % static_cast<std::size_t>(c.shape->node_size)) {}

  void node_reduce_scatter(const wire& node) const {
    node.reduce_scatter(c_->input, at(own()), part_, c_->first);
    node.reduce(c_->input + rest_offset(), c_->output + rest_offset(), rest_, c_->first, last_);
  }
  void rail_all_reduce(const wire& rail) const {
    rail.all_reduce(at(own()), at(own()), part_ + (own() == last_ ? rest_ : 0), c_->later);
  }
  void node_all_gather(const wire& node) const {
    node.all_gather(at(own()), c_->output, part_ * c_->width());
    std::byte* const rest = c_->output + rest_offset();
    node.broadcast(rest, rest, rest_ * c_->width(), last_);
  }

 private:
  [[nodiscard]] int own() const noexcept { return c_->shape->local_rank(); }
  [[nodiscard]] std::byte* at(int local) const {
    return c_->output + static_cast<std::size_t>(local) * part_ * c_->width();
  }
  [[nodiscard]] std::size_t rest_offset() const {
    return part_ * static_cast<std::size_t>(c_->shape->node_size) * c_->width();
  }

  const bound_call* c_;
  int last_;
  std::size_t part_;
  std::size_t rest_;
};

}  // namespace mics::nccl::forms
