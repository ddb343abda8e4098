#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace mics::bootstrap::detail {

/// "rank 3", "ranks 1, 4 to 6 and 9"; a long list is cut.
inline std::string list_of_ranks(const std::vector<int>& ranks) {
  constexpr std::size_t most = 16;
  std::vector<std::string> parts;
  for (std::size_t i = 0; i < ranks.size();) {
    std::size_t end = i + 1;
    while (end < ranks.size() && ranks[end] == ranks[end - 1] + 1) ++end;
    if (end - i > 2) {
      parts.push_back(std::to_string(ranks[i]) + " to " + std::to_string(ranks[end - 1]));
    } else {
      for (std::size_t each = i; each < end; ++each) parts.push_back(std::to_string(ranks[each]));
    }
    i = end;
  }
  std::string text = ranks.size() == 1 ? "rank " : "ranks ";
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (i == most) return text + " and more";
    if (i > 0) text += i + 1 == parts.size() ? " and " : ", ";
    text += parts[i];
  }
  return text;
}

}  // namespace mics::bootstrap::detail
