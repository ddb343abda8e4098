#pragma once

#include <string>

#include <mics/error.hpp>
#include <mics/transport/libfabric/rail/fabric.hpp>

namespace mics::libfabric {

/// Whether an endpoint still takes part in the network's traffic. Once shut it stays so, and says why.
class rail_gate {
 public:
  rail_gate(fabric& to, int rank) : fabric_(&to), rank_(rank) {}

  [[nodiscard]] bool open() const noexcept { return open_; }

  /// Throws transport_error, why it was shut, when it was.
  void require_open() const {
    if (!open_) throw transport_error(why_, {.rank = rank_});
  }

  /// Ends all traffic at once: no peer writes here any more. The first reason counts.
  void shut(const std::string& why) noexcept {
    if (!open_) return;
    open_ = false;
    why_ = why;
    fabric_->silence();
  }

 private:
  fabric* fabric_;
  int rank_;
  bool open_ = true;
  std::string why_{};
};

}  // namespace mics::libfabric
