#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>

#include <mics/collectives/call.hpp>
#include <mics/communicator.hpp>
#include <mics/error.hpp>
#include <mics/types.hpp>

namespace mics::detail {

/// Throws usage_error for what one rank can see to be wrong with its own call; nothing has moved by then.
class call_check {
 public:
  call_check(const collective_call& call, int rank, const std::string& group)
      : call_(&call), rank_(rank), group_(&group) {}

  void run(int size) const {
    require(call_->blocks.blocks() == size || call_->what == operation::broadcast || call_->what == operation::barrier,
            "counts of " + std::to_string(call_->blocks.blocks()) + " ranks were given, but the group has " +
                std::to_string(size));
    check_reduction();
    const std::size_t all = call_->blocks.total(), own = own_elements();
    switch (call_->what) {
      case operation::all_gather:
        return check_buffers(own, all, call_->output, call_->input, "shard", "full");
      case operation::reduce_scatter:
        return check_buffers(all, own, call_->input, call_->output, "input", "shard");
      case operation::all_reduce:
        check_buffers(all, all, nullptr, nullptr, "input", "output");
        return;
      case operation::broadcast:
        require(call_->root >= 0 && call_->root < size, "root " + std::to_string(call_->root) +
                                                            " is no rank of the group; allowed: 0.." +
                                                            std::to_string(size - 1));
        require(all == 0 || call_->output != nullptr, "the buffer is null, though it should hold " + elements(all));
        return;
      case operation::barrier:
        return;
    }
  }

 private:
  [[nodiscard]] std::size_t own_elements() const {
    return call_->blocks.blocks() > rank_ ? call_->blocks.length(rank_) : 0;
  }

  [[nodiscard]] std::string elements(std::size_t count) const {
    return std::to_string(count) + " elements of " + std::string(name_of(call_->type));
  }

  void check_reduction() const {
    if (call_->what != operation::reduce_scatter && call_->what != operation::all_reduce) return;
    static_cast<void>(name_of(call_->reduce));  // throws for a value outside the enum
    require(call_->reduce != reduction::avg || !is_integer(call_->type),
            "avg of " + std::string(name_of(call_->type)) +
                " has no exact result; allowed: sum, min, max, prod, or a floating type");
  }

  /// The buffers exist, and they do not overlap but for the in-place form, where the smaller one is exactly this rank's
  /// block of the larger one.
  void check_buffers(std::size_t input_elements, std::size_t output_elements, const void* large, const void* small,
                     const char* input_name, const char* output_name) const {
    const std::size_t width = size_of(call_->type);
    require(input_elements == 0 || call_->input != nullptr,
            std::string(input_name) + " is null, though it should hold " + elements(input_elements));
    require(output_elements == 0 || call_->output != nullptr,
            std::string(output_name) + " is null, though it should hold " + elements(output_elements));
    const auto* in = static_cast<const std::byte*>(call_->input);
    const auto* out = static_cast<const std::byte*>(call_->output);
    const bool in_place = large == nullptr
                              ? in == out
                              : small == static_cast<const std::byte*>(large) + call_->blocks.offset(rank_) * width;
    const auto in_begin = reinterpret_cast<std::uintptr_t>(in), out_begin = reinterpret_cast<std::uintptr_t>(out);
    const bool apart = input_elements == 0 || output_elements == 0 || in_begin >= out_begin + output_elements * width ||
                       out_begin >= in_begin + input_elements * width;
    require(in_place || apart,
            std::string(input_name) + " and " + output_name + " overlap; allowed: " +
                (large == nullptr ? std::string("the same buffer for both")
                                  : "the shard exactly at block " + std::to_string(rank_) + " of the larger buffer") +
                ", or no overlap");
  }

  void require(bool holds, const std::string& what) const {
    if (holds) return;
    throw usage_error(what, {.rank = rank_, .group = *group_, .operation = std::string(name_of(call_->what))});
  }

  const collective_call* call_;
  int rank_;
  const std::string* group_;
};

/// A buffer of the public interface has the length that its partner asks for.
inline void require_length(operation what, int rank, const char* name, std::size_t given, std::size_t wanted) {
  if (given == wanted) return;
  throw usage_error(
      std::string(name) + " has " + std::to_string(given) + " elements; it must have " + std::to_string(wanted),
      {.rank = rank, .operation = std::string(name_of(what))});
}

/// The block of a rank times the ranks must fit into memory.
inline std::size_t checked_count(std::size_t count, int size, data_type type, operation what) {
  if (count <= std::numeric_limits<std::ptrdiff_t>::max() / size_of(type) / static_cast<std::size_t>(size))
    return count;
  throw usage_error(std::to_string(count) + " elements of " + std::string(name_of(type)) + " a rank are too many for " +
                        std::to_string(size) + " ranks (a negative count, perhaps?)",
                    {.operation = std::string(name_of(what))});
}

/// The counts of a v-form: one a rank, and the buffers fit them.
inline void require_counts(operation what, data_type type, int rank, int size, std::span<const std::size_t> counts,
                           std::size_t shard, std::size_t all) {
  if (counts.size() != static_cast<std::size_t>(size)) {
    throw usage_error(
        std::to_string(counts.size()) + " counts were given for a group of " + std::to_string(size) + " ranks",
        {.rank = rank, .operation = std::string(name_of(what))});
  }
  std::size_t total = 0;
  for (const std::size_t count : counts)
    total = checked_count(total + checked_count(count, size, type, what), 1, type, what);
  require_length(what, rank, "the shard", shard, counts[static_cast<std::size_t>(rank)]);
  require_length(what, rank, "the larger buffer", all, total);
}

}  // namespace mics::detail
