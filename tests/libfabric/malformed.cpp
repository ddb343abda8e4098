// Packets that cannot be: nothing is read or written by what they say, and those who would wait for them hear why.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include <mics/transport/libfabric/rail/fabric.hpp>
#include <mics/transport/libfabric/rail/faults.hpp>
#include <mics/transport/libfabric/rail/packets.hpp>

#include "endpoint_of.hpp"
#include "ranks.hpp"

namespace {

using namespace mics::test;
using namespace mics::libfabric;

constexpr std::uint64_t far_off = std::numeric_limits<std::uint64_t>::max();

/// A header of 100 bytes of data from rank 1 of a group.
wire_header sound() {
  wire_header h;
  h.from = 1;
  h.bytes = 100;
  return h;
}

/// The fault of a header in a packet of 100 bytes of data, in a group of two.
std::string fault_of(const wire_header& h) {
  const char* const fault = fault_of(h, sizeof h + 100, 2);
  return fault == nullptr ? "" : fault;
}

struct one_link {
  failure_state failure{};
  rail_group group{7, 0, {0, 1}, failure};
  rail_link link{group, 1, 0, 0};

  std::string fault(const wire_header& h) const {
    const char* const found = mics::libfabric::fault_of(h, link);
    return found == nullptr ? "" : found;
  }
};

/// Somebody who knows where a rank listens, and sends whatever is asked for.
class stranger {
 public:
  explicit stranger(std::span<const std::byte> to) : fabric_(choose_provider({}), -1), to_(fabric_.connect(to)) {}

  void send(const wire_header& h, std::size_t bytes) {
    const std::vector<std::byte> payload(bytes);
    while (!packets_.post(group_, to_, h, payload, true)) serve();
    while (group_.in_flight > 0) serve();
  }

 private:
  void serve() {
    const auto ended = [&](work& done, std::size_t) {
      if (done.what != work::type::send) return;
      packets_.give_back(static_cast<outgoing*>(&done));
      --group_.in_flight;
    };
    const auto failed = [](work*, const std::string& words) { throw std::runtime_error(words); };
    if (!fabric_.poll([](std::uint32_t) {}, ended, failed)) std::this_thread::yield();
  }

  failure_state failure_{};
  rail_group group_{0, 0, {}, failure_};
  fabric fabric_;
  packet_room packets_{fabric_};
  fi_addr_t to_;
};

/// Rank 1 sends rank 0 such a packet, beside what the world knows of.
void send_strange(communicator& world, mics::bootstrap::session& job, const wire_header& h, std::size_t bytes) {
  rail_endpoint& rail = endpoint_of(world).rail();
  const auto names = job.all_gather(std::span<const std::byte>(rail.name()));
  if (world.rank() == 1) stranger(names[0]).send(h, bytes);
  meet(job, rail);
}

void gather_some(const communicator& world) {
  std::vector<int> shard(100), full(100 * static_cast<std::size_t>(world.size()));
  mics::all_gather(world, shard, full);
}

/// Rank 0 of two receives such a packet in the place of rank 1's.
std::string told_after(const wire_header& h, std::size_t bytes) {
  std::string told;
  const auto failures = failures_of({2, 1},
                                    [&](communicator& world, mics::bootstrap::session& job) {
                                      gather_some(world);
                                      send_strange(world, job, h, bytes);
                                      if (world.rank() == 0) gather_some(world);
                                      meet(job, endpoint_of(world).rail());
                                    },
                                    {.timeout = std::chrono::seconds(10), .checked = false});
  for (const auto& failure : failures) told += failure.describe() + "\n";
  return told;
}

}  // namespace

TEST_CASE("a header that is sound") {
  CHECK(fault_of(sound()) == "");
  CHECK(one_link().fault(sound()) == "");
}

TEST_CASE("a header with a number that is out of range") {
  wire_header h = sound();
  h.what = static_cast<kind>(5);
  CHECK(fault_of(h) == "it is of no known kind");
  for (const std::uint32_t from : {2U, 0xffffffffU}) {
    h = sound();
    h.from = from;
    CHECK(fault_of(h) == "its sender is no member of the group");
  }
  h = sound();
  h.lane = mics::schedule::lanes;
  CHECK(fault_of(h) == "there is no such lane");
  for (const std::uint64_t bytes : {std::uint64_t{0}, std::uint64_t{99}, std::uint64_t{101}, far_off}) {
    h = sound();
    h.bytes = bytes;
    CHECK(fault_of(h) == "it has another size than it says");
  }
}

TEST_CASE("a header that does not fit what its link has seen") {
  one_link on;
  on.link.sent = 3;
  on.link.taken = 5;
  wire_header h = sound();
  for (const std::uint64_t number : {std::uint64_t{4}, 5 + rail_window, far_off}) {
    h.number = number;
    CHECK(on.fault(h) == "its message is beyond the window");
  }
  h.number = 5;
  CHECK(on.fault(h) == "");
  incoming packet;
  on.link.place_of(5).small = &packet;
  CHECK(on.fault(h) == "its message has come before");
  h.number = 6;
  h.consumed = 4;
  CHECK(on.fault(h) == "it says that messages were used that have not been sent");
  h.consumed = 3;
  CHECK(on.fault(h) == "");
  h.what = kind::slot;
  h.number = 2;  // another size is expected: the sender finds that out
  CHECK(on.fault(h) == "");
  h.number = 3 + rail_window;
  CHECK(on.fault(h) == "its slot is beyond the window");
}

TEST_CASE("who waits for a rank from which a malformed packet comes is told") {
  if (!has_fabric()) return;
  wire_header h = sound();
  h.number = 1;
  h.bytes = 400;
  for (const std::size_t bytes : {std::size_t{0}, std::size_t{399}, std::size_t{401}}) {
    const std::string told = told_after(h, bytes);
    CHECK_MESSAGE(contains(told, "a packet from another rank is malformed: it has another size than it says"), told);
  }
  CHECK(told_after(h, 400) == "");
}

TEST_CASE("packets for a group wait until it is made, and are dropped when it is gone") {
  if (!has_fabric()) return;
  run_ranks({2, 1}, [](communicator& world, mics::bootstrap::session& job) {
    rail_endpoint& rail = endpoint_of(world).rail();
    std::uint64_t id = 0;
    {
      const communicator made = world.split(0, world.rank());
      id = endpoint_of(made).id();
      gather_some(made);
      job.barrier();
    }
    const auto look = [&](std::uint64_t group) {
      wire_header h = sound();
      h.group = group;
      send_strange(world, job, h, 100);
    };
    look(id);
    expect(rail.early() == 0, "what comes for a group that is gone is dropped");
    look(id + 1);
    expect(rail.early() == (world.rank() == 0 ? 1 : 0), "what comes for a group to be is kept");
  });
}
