#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <numeric>
#include <span>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

#include <mics/schedule/execution.hpp>

#include "fake_network.hpp"

namespace mics::test {

/// Runs one launch on all ranks of a fake network, in this thread, one rank after the other in random order.
/// Throws std::logic_error when the ranks can do nothing more and are not done: a deadlock, with what each waits for.
template <schedule::port Port>
void simulate(fake_network& network, std::span<const std::vector<schedule::part>> parts_of_rank) {
  using execution = schedule::execution<Port>;
  const std::size_t size = parts_of_rank.size();
  std::vector<Port> ports;
  std::vector<std::array<typename execution::sources, schedule::lanes>> rooms(size);
  std::vector<execution> ranks;
  ports.reserve(size);
  ranks.reserve(size);
  for (std::size_t r = 0; r < size; ++r) {
    ports.emplace_back(network, static_cast<int>(r));
    ranks.emplace_back(ports[r], parts_of_rank[r], rooms[r]);
  }

  std::vector<std::size_t> order(size);
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto all_done = [&] { return std::all_of(ranks.begin(), ranks.end(), [](auto& rank) { return rank.done(); }); };
  for (int idle = 0; !all_done();) {
    for (std::size_t i = size; i > 1; --i) std::swap(order[i - 1], order[network.random().roll(i)]);
    bool moved = false;
    for (const std::size_t r : order) {
      network.tick();
      if (!ranks[r].done() && ranks[r].advance()) moved = true;
    }
    idle = moved ? 0 : idle + 1;
    network.set_calm(idle > 0);
    if (idle < 4) continue;
    std::string who = "deadlock:";
    for (std::size_t r = 0; r < size; ++r) {
      who += "\n  rank " + std::to_string(r) + ": " + (ranks[r].done() ? "done" : ranks[r].waiting_for());
    }
    throw std::logic_error(who);
  }
  if (!network.idle()) throw std::logic_error("all ranks are done, but messages are left over");
}

/// The same with the kind of port that fits the network.
inline void simulate(const network_options& options, std::span<const std::vector<schedule::part>> parts_of_rank) {
  fake_network network(options);
  if (options.how == handing::placed) {
    simulate<fake_placing_port>(network, parts_of_rank);
  } else {
    simulate<fake_port>(network, parts_of_rank);
  }
}

}  // namespace mics::test
