#pragma once

#include <memory>
#include <string>
#include <utility>

#include <mics/error.hpp>
#include <mics/plan/program_cache.hpp>
#include <mics/shape.hpp>

namespace mics::detail {

/// What every transport's communicator_ref is: a handle to a rank's membership in a group, copyable, and of no use once
/// the owner is gone (then every use throws usage_error).
template <class Member> class member_handle {
 public:
  member_handle() = default;
  // Copies only: a ref that could be moved from an owner would take the ownership along.
  member_handle(const member_handle&) = default;
  member_handle& operator=(const member_handle&) = default;

  [[nodiscard]] int rank() const { return alive().shape().rank; }
  [[nodiscard]] int size() const { return alive().shape().size; }
  [[nodiscard]] int world_rank() const { return alive().world_rank(); }
  [[nodiscard]] const std::string& name() const { return alive().name(); }
  [[nodiscard]] const group_shape& shape() const { return alive().shape(); }
  [[nodiscard]] program_cache& programs() const { return alive().programs(); }

  /// Declares how the ranks lie on nodes, where the caller knows better; the same on all ranks.
  /// Throws usage_error for another rank or size than the group's, for nodes that do not add up to the size, and after
  /// the first operation.
  void set_shape(group_shape shape) const { alive().set_shape(std::move(shape)); }

 protected:
  explicit member_handle(std::shared_ptr<Member> state) : state_(std::move(state)) {}
  ~member_handle() = default;

  [[nodiscard]] const std::shared_ptr<Member>& state() const noexcept { return state_; }
  [[nodiscard]] std::shared_ptr<Member> release() noexcept { return std::move(state_); }

  [[nodiscard]] Member& alive() const {
    if (!state_ || !state_->usable()) refuse_use();
    return *state_;
  }

 private:
  /// Apart from alive(), which every call asks many times.
  [[noreturn]] void refuse_use() const {
    if (!state_) throw usage_error("this communicator is empty: it was moved from or never made");
    if constexpr (requires { state_->throw_failure(); }) {
      if (!state_->closed()) state_->throw_failure();
    }
    throw usage_error("communicator '" + state_->name() + "' has been destroyed");
  }

  std::shared_ptr<Member> state_{};
};

}  // namespace mics::detail
