#pragma once

#include <cstddef>

#include <mics/transport/nccl/kernels.hpp>
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
    if (!c_->by_messages) return rail.all_reduce(at(own()), at(own()), own_count(), c_->later);
    for_each_other_node(*c_->shape, [&](int node) {
      rail.send(at(own()), message_bytes(), node);
      rail.receive(c_->message, message_bytes(), node);
    });
  }
  /// What the rail stage brings as a message, ...
  [[nodiscard]] std::size_t message_bytes() const { return own_count() * c_->width(); }
  /// ... and the sum that is formed behind it.
  [[nodiscard]] row_sum rows_to_add() const {
    return {at(own()), c_->planned->moved, at(own()), c_->message, 1, own_count()};
  }
  void node_all_gather(const wire& node) const {
    node.all_gather(at(own()), c_->output, part_ * c_->width());
    std::byte* const rest = c_->output + rest_offset();
    node.broadcast(rest, rest, rest_ * c_->width(), last_);
  }

 private:
  [[nodiscard]] std::size_t own_count() const noexcept { return part_ + (own() == last_ ? rest_ : 0); }
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
