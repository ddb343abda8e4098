#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <mics/options.hpp>
#include <mics/types.hpp>

namespace mics::test {

/// One collective of the public interface, in every form that it has.
struct collective_case {
  operation what = operation::all_gather;
  std::size_t count = 1;  ///< elements of a shard; of the whole buffer for all-reduce and broadcast
  data_type type = data_type::float32;
  reduction reduce = reduction::sum;
  int root = 0;
  bool in_place = false;
  bool run_time_typed = false;
  bool on_stream = false;
  bool uneven = false;  ///< the v-form
  collective_options options{};
  std::uint64_t seed = 0;

  [[nodiscard]] bool reduces() const noexcept {
    return what == operation::reduce_scatter || what == operation::all_reduce;
  }

  /// Elements of every rank's shard.
  [[nodiscard]] std::vector<std::size_t> counts(int size) const {
    std::vector<std::size_t> all(static_cast<std::size_t>(size), count);
    for (std::size_t r = 0; uneven && r < all.size(); ++r) all[r] = (r + seed) % 3 == 0 ? 0 : count + r;
    return all;
  }

  [[nodiscard]] std::string describe() const {
    std::string text = std::string(name_of(what)) + (uneven ? "_v" : "") + " " + std::string(name_of(options.how)) +
                       ", " + std::to_string(count) + " x " + std::string(name_of(type));
    if (reduces()) text += " " + std::string(name_of(reduce));
    if (what == operation::broadcast) text += " from " + std::to_string(root);
    if (options.chunk_bytes > 0) text += ", chunks of " + std::to_string(options.chunk_bytes);
    if (options.accumulate == accumulation::widened) text += ", widened";
    if (in_place) text += ", in place";
    if (run_time_typed) text += ", typed at run time";
    return text + (on_stream ? ", on a stream" : "") + ", seed " + std::to_string(seed);
  }
};

/// The algorithms that the caller may ask for, and automatic. Staged: the group lies evenly on several nodes.
inline std::vector<algorithm> algorithms_of(operation what, int size, bool staged) {
  using enum algorithm;
  std::vector<algorithm> all{automatic};
  switch (what) {
    case operation::all_gather:
      all.insert(all.end(), {direct, ring, bruck});
      break;
    case operation::reduce_scatter:
      all.insert(all.end(), {direct, ring});
      if ((size & (size - 1)) == 0) all.push_back(halving);
      break;
    case operation::all_reduce:
      all.insert(all.end(), {direct, ring, doubling, exchange});
      break;
    case operation::broadcast:
      all.push_back(tree);
      break;
    case operation::barrier:
      all.push_back(direct);
      return all;
  }
  if (staged) all.push_back(hierarchical);
  if (staged && what != operation::broadcast) all.push_back(leader);
  return all;
}

}  // namespace mics::test
