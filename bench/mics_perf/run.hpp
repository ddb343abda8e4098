#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "cases.hpp"
#include "measure.hpp"
#include "report.hpp"

namespace perf {

/// Measures every case on every rank of one transport; rank 0 fills the report.
template <launcher Launcher> void run(Launcher& started, const options& chosen, report& result) {
  const std::vector<exchange> all_cases = cases(chosen);
  std::size_t most = 0;
  for (const exchange& one : all_cases) most = std::max(most, one.bytes());
  std::unique_ptr<baseline> plain;
  if (chosen.baseline && Launcher::shared_memory) plain = std::make_unique<baseline>(chosen.world_size(), most);

  started.run([&](auto& here) {
    bench rank(started, here, chosen, most, plain.get());
    std::uint64_t seed = 1;
    for (const exchange& one : all_cases) {
      std::vector<std::string> refused;
      std::vector<contender> candidates = rank.contenders(one, refused);
      const auto check_all = [&] {
        for (contender& candidate : candidates) {
          if (chosen.check && candidate.collective) rank.check(candidate, ++seed);
        }
      };
      // Checked cold and, after the timing, warm: an algorithm that reuses stale state fails the second time only.
      check_all();
      const std::vector<double> us = candidates.empty() ? std::vector<double>{} : rank.time(candidates);
      check_all();
      if (here.rank() != 0) continue;
      for (const std::string& sentence : refused) result.refuse(sentence);
      result.add(candidates, us);
    }
  });
}

}  // namespace perf
