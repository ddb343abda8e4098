#pragma once

#include <vector>

#include "exchange.hpp"
#include "options.hpp"
#include "sizes.hpp"

namespace perf {

/// Every operation, type, reduction and size asked for, still without memory. Reductions only where they apply,
/// avg only on floating types, none on those that are only copied; sizes that round to the same count appear once.
inline std::vector<exchange> cases(const options& chosen) {
  std::vector<exchange> all;
  const int ranks = chosen.group_size();
  const auto add = [&](exchange one) {
    for (const std::size_t bytes : sweep(chosen)) {
      const std::size_t count = count_for(one.op, one.type, ranks, bytes);
      if (count == one.count) continue;
      one.count = count;
      all.push_back(one);
    }
  };
  for (const mics::operation op : chosen.operations) {
    for (const mics::data_type type : chosen.types) {
      exchange one{.op = op, .type = type, .ranks = ranks};
      if (!one.reduces()) {
        add(one);
        continue;
      }
      if (!mics::is_reducible(type)) continue;
      for (const mics::reduction reduction : chosen.reductions) {
        if (reduction == mics::reduction::avg && mics::is_integer(type)) continue;
        one.reduction = reduction;
        add(one);
      }
    }
  }
  return all;
}

}  // namespace perf
