#pragma once

#include <memory>
#include <utility>

namespace mics::detail {

/// The owning twin of a reference to a member: move-only; when it goes, the member is closed and its refs throw.
/// `Ref` gives its heirs state() and release() of a shared pointer to the member, and is made from one.
template <class Ref> class owning : public Ref {
 public:
  owning() = default;
  template <class Member> explicit owning(std::shared_ptr<Member> state) : Ref(std::move(state)) {}
  owning(owning&& other) noexcept : Ref(other.release()) {}
  owning& operator=(owning&& other) noexcept {
    owning moved(std::move(other));
    std::swap(static_cast<Ref&>(*this), static_cast<Ref&>(moved));
    return *this;
  }
  owning(const owning&) = delete;
  owning& operator=(const owning&) = delete;
  ~owning() {
    if (this->state()) this->state()->close();
  }
};

}  // namespace mics::detail
