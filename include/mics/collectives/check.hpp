#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>

#include <mics/collectives/call.hpp>
#include <mics/collectives/call_site.hpp>
#include <mics/error.hpp>
#include <mics/types.hpp>

namespace mics::detail {

/// Throws usage_error for what one rank can see to be wrong with its own call; nothing has moved by then.
class call_check {
 public:
  call_check(const collective_call& call, const call_site& at) : call_(&call), at_(&at) {}

  void run() const {
    const std::size_t all = call_->blocks.total();
    check_reduction();
    switch (call_->what) {
      case operation::all_gather:
        return check_buffers("shard", own_elements(), "full", all);
      case operation::reduce_scatter:
        return check_buffers("input", all, "shard", own_elements());
      case operation::all_reduce:
        return check_buffers("input", all, "output", all);
      case operation::broadcast:
        require(call_->root >= 0 && call_->root < at_->size, [&] {
          return "root " + std::to_string(call_->root) + " is no rank of the group; allowed: 0.." +
                 std::to_string(at_->size - 1);
        });
        return check_exists("the buffer", call_->output, all);
      case operation::barrier:
        return;
    }
  }

 private:
  template <class What> void require(bool holds, What what) const { at_->require(holds, call_->what, what); }

  [[nodiscard]] std::size_t own_elements() const { return call_->blocks.length(at_->rank); }

  void check_reduction() const {
    if (call_->what != operation::reduce_scatter && call_->what != operation::all_reduce) return;
    require(static_cast<int>(call_->reduce) < reduction_count, [&] {
      return "reduction " + std::to_string(static_cast<int>(call_->reduce)) + " does not exist; allowed: 0 to " +
             std::to_string(reduction_count - 1);
    });
    require(is_reducible(call_->type), [&] { return not_reducible(call_->type); });
    require(call_->reduce != reduction::avg || !is_integer(call_->type), [&] {
      return "avg of " + std::string(name_of(call_->type)) +
             " has no exact result; allowed: sum, min, max, prod, or a floating type";
    });
  }

  void check_exists(const char* name, const void* data, std::size_t count) const {
    require(count == 0 || data != nullptr, [&] {
      return std::string(name) + " is null, though it should hold " + std::to_string(count) + " elements of " +
             std::string(name_of(call_->type));
    });
  }

  /// The buffers exist, and they do not overlap but for the in-place form: there the shard is exactly this rank's block
  /// of the larger buffer, or both are the same.
  void check_buffers(const char* input_name, std::size_t input_count, const char* output_name,
                     std::size_t output_count) const {
    check_exists(input_name, call_->input, input_count);
    check_exists(output_name, call_->output, output_count);
    if (input_count == 0 || output_count == 0) return;
    const std::size_t width = size_of(call_->type);
    const auto in = reinterpret_cast<std::uintptr_t>(call_->input);
    const auto out = reinterpret_cast<std::uintptr_t>(call_->output);
    const bool same = call_->what == operation::all_reduce;
    const bool gathers = call_->what == operation::all_gather;
    const std::uintptr_t block = same ? 0 : call_->blocks.offset(at_->rank) * width;
    const bool in_place = gathers ? in == out + block : out == in + block;
    const bool apart = in >= out + output_count * width || out >= in + input_count * width;
    require(in_place || apart, [&] {
      return std::string(input_name) + " and " + output_name + " overlap; allowed: " +
             (same ? std::string("the same buffer for both")
                   : "the shard exactly at block " + std::to_string(at_->rank) + " of the larger buffer") +
             ", or no overlap";
    });
  }

  const collective_call* call_;
  const call_site* at_;
};

/// A buffer of the public interface has the length that its partner asks for.
inline void require_length(const call_site& at, operation what, const char* name, std::size_t given,
                           std::size_t wanted) {
  at.require(given == wanted, what, [&] {
    return std::string(name) + " has " + std::to_string(given) + " elements; it must have " + std::to_string(wanted);
  });
}

/// So many elements on each of `times` ranks fit into memory; returns their number on one.
inline std::size_t checked_count(const call_site& at, operation what, std::size_t count, data_type type, int times) {
  const std::size_t most = std::numeric_limits<std::ptrdiff_t>::max() / size_of(type) / static_cast<std::size_t>(times);
  at.require(count <= most, what, [&] {
    return std::to_string(count) + " elements of " + std::string(name_of(type)) + " are too many (a negative count?)";
  });
  return count;
}

/// The layout of a v-form: one count a rank, and together they fit into memory.
inline schedule::block_layout checked_counts(const call_site& at, operation what, std::span<const std::size_t> counts,
                                             data_type type) {
  at.require(counts.size() == static_cast<std::size_t>(at.size), what, [&] {
    return std::to_string(counts.size()) + " counts were given for a group of " + std::to_string(at.size) + " ranks";
  });
  std::size_t total = 0;
  for (const std::size_t count : counts) {
    total = checked_count(at, what, total + checked_count(at, what, count, type, 1), type, 1);
  }
  return schedule::block_layout::by_counts(counts);
}

}  // namespace mics::detail
