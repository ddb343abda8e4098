// Providers as they can be: with hardly any room for what is posted, and with addresses that are those of memory.

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "endpoint_of.hpp"
#include "ranks.hpp"

namespace {

using namespace mics::test;
using mics::libfabric::communicator;

/// The environment of the ranks while it lives. (They read it when they use libfabric first; this process does not.)
class small_queues {
 public:
  small_queues() {
    for (const char* name : names) ::setenv(name, "4", 1);
  }
  ~small_queues() {
    for (const char* name : names) ::unsetenv(name);
  }
  small_queues(const small_queues&) = delete;
  small_queues& operator=(const small_queues&) = delete;

 private:
  static constexpr std::array names{"FI_NET_TX_SIZE", "FI_TCP_TX_SIZE", "FI_OFI_RXM_TX_SIZE", "FI_OFI_RXM_MSG_TX_SIZE"};
};

/// Whether the ranks of a world can use a provider; says why not.
bool is_there(const std::string& name) {
  if (!has_fabric()) return false;
  try {
    mics::bootstrap::local::spawn(
        1, [&](mics::bootstrap::session&) { static_cast<void>(mics::libfabric::choose_provider({.provider = name})); });
    return true;
  } catch (const mics::bootstrap::local::spawn_error& e) {
    MESSAGE("left out: " << e.what());
    return false;
  }
}

/// Gathers tensors of these lengths as one batch and checks every element.
void gather_tensors(const communicator& world, const std::vector<std::size_t>& lengths) {
  const auto n = static_cast<std::size_t>(world.size());
  std::vector<std::vector<int>> shards, fulls;
  for (std::size_t t = 0; t < lengths.size(); ++t) {
    shards.emplace_back(lengths[t], world.rank() * 1'000 + static_cast<int>(t));
    fulls.emplace_back(lengths[t] * n);
  }
  mics::batch all(world);
  for (std::size_t t = 0; t < lengths.size(); ++t) all.all_gather(shards[t], fulls[t]);
  all.run({.how = mics::algorithm::direct, .chunk_bytes = 70'000});
  for (std::size_t t = 0; t < lengths.size(); ++t) {
    for (std::size_t i = 0; i < fulls[t].size(); ++i) {
      expect(fulls[t][i] == static_cast<int>(i / lengths[t]) * 1'000 + static_cast<int>(t),
             "every rank's numbers come");
    }
  }
}

}  // namespace

TEST_CASE("a provider that has room for four sends: all comes, later") {
  for (const std::string name : {"net", "tcp;ofi_rxm"}) {
    if (!is_there(name)) continue;
    CAPTURE(name);
    const small_queues set;
    for (const bool one_sided : {true, false}) {
      run_ranks({4, 1},
                [&](communicator& world, mics::bootstrap::session& job) {
                  std::vector<std::size_t> lengths(100, 7);               // a packet each
                  for (int t = 0; t < 8; ++t) lengths.push_back(60'000);  // slots, in four chunks
                  for (int times = 0; times < 2; ++times) gather_tensors(world, lengths);
                  std::uint64_t refused = 0;
                  for (const std::uint64_t its : job.all_gather(endpoint_of(world).rail().refused())) refused += its;
                  expect(refused > 0, "there was no room now and then");
                },
                {.checked = false, .provider = name, .one_sided = one_sided});
    }
  }
}

TEST_CASE("ranks of one node over a provider whose remote addresses are those of the memory") {
  if (!is_there("shm")) return;
  for (const geometry on : {geometry{1, 2}, geometry{1, 4}}) {
    for (const bool one_sided : {true, false}) {
      run_ranks(on,
                [&](communicator& world, mics::bootstrap::session&) {
                  expect(world.provider() == "shm", "it is the provider: " + world.provider());
                  expect((endpoint_of(world).rail().registers().mode & FI_MR_VIRT_ADDR) != 0, "FI_MR_VIRT_ADDR");
                  gather_tensors(world, {1, 7, 5'000, 300'000});
                  std::vector<float> ones(100'000, 1.0F);
                  mics::all_reduce(world, ones, ones, mics::reduction::sum);
                  for (const float f : ones) expect(f == static_cast<float>(world.size()), "the sum of ones");
                },
                {.provider = "shm", .one_sided = one_sided, .share_memory = false});
    }
  }
}
