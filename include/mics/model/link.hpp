#pragma once

#include <cmath>
#include <string>

#include <mics/error.hpp>

namespace mics::model {

/// What bytes go through: a step of b bytes takes latency_s + b / bytes_per_s.
struct link {
  double latency_s = 0;    ///< of one step, seconds
  double bytes_per_s = 0;  ///< in one direction
};

/// The classes of links of a machine. Ranks of a node share its network, and have a fast link each.
struct link_classes {
  link fast{};  ///< into one rank, from the ranks of its node
  link slow{};  ///< into one node, over its network
  link copy{};  ///< inside one rank: from its memory to its memory; speed 0: copies cost nothing
  double reduce_bytes_per_s =
      0;                 ///< bytes that one rank folds into sums, beyond their way over a link; 0: costs nothing
  double message_s = 0;  ///< that one rank spends on each message beside its way
  double call_s = 0;     ///< of one collective, before its first step
};

namespace detail {

[[noreturn]] inline void refuse(const std::string& field, double given, const std::string& allowed) {
  std::string text = std::to_string(given);
  if (std::isfinite(given) && given == std::floor(given) && std::abs(given) < 1e15) {
    text = std::to_string(static_cast<long long>(given));
  }
  throw usage_error(field + " is " + text + "; allowed: " + allowed);
}

inline void require_positive(const std::string& field, double given) {
  if (!(given > 0) || !std::isfinite(given)) refuse(field, given, "any finite number above 0");
}

inline void require_not_negative(const std::string& field, double given) {
  if (!(given >= 0) || !std::isfinite(given)) refuse(field, given, "any finite number from 0 on");
}

}  // namespace detail

/// Throws usage_error naming the field when a speed or a latency cannot be.
inline void check(const link_classes& links) {
  detail::require_positive("fast.bytes_per_s", links.fast.bytes_per_s);
  detail::require_positive("slow.bytes_per_s", links.slow.bytes_per_s);
  detail::require_not_negative("fast.latency_s", links.fast.latency_s);
  detail::require_not_negative("slow.latency_s", links.slow.latency_s);
  detail::require_not_negative("copy.latency_s", links.copy.latency_s);
  detail::require_not_negative("copy.bytes_per_s", links.copy.bytes_per_s);
  detail::require_not_negative("reduce_bytes_per_s", links.reduce_bytes_per_s);
  detail::require_not_negative("message_s", links.message_s);
  detail::require_not_negative("call_s", links.call_s);
}

}  // namespace mics::model
