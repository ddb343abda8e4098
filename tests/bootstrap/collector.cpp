#include <chrono>
#include <cstddef>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include <mics/bootstrap/detail/collector.hpp>

using namespace mics::bootstrap::detail;
using list = std::vector<int>;

namespace {

contribution calls(operation what, std::uint64_t sequence = 1, int root = 0, std::uint64_t timeout_ms = 60'000) {
  return {{sequence, what, root, timeout_ms}, {std::byte{1}}};
}

}  // namespace

TEST_CASE("an operation ends when the last rank has called it") {
  collector hub(3);
  CHECK(hub.contribute(2, calls(operation::barrier)));
  CHECK(!hub.decide());
  CHECK(hub.contribute(0, calls(operation::barrier)));
  CHECK(!hub.decide());
  CHECK(hub.contribute(1, calls(operation::barrier)));
  const auto ending = hub.decide();
  REQUIRE(ending);
  CHECK(ending->what.how == verdict::kind::done);
  CHECK(ending->ranks == list{0, 1, 2});
  CHECK(!hub.decide());
  CHECK(hub.end() == time_point::max());
}

TEST_CASE("a second call of a rank whose first is under way is a breach") {
  collector hub(2);
  CHECK(hub.contribute(1, calls(operation::barrier)));
  CHECK(!hub.contribute(1, calls(operation::barrier)));
}

TEST_CASE("ranks that disagree are told so, and may go on") {
  collector hub(2);
  CHECK(hub.contribute(0, calls(operation::barrier)));
  CHECK(hub.contribute(1, calls(operation::broadcast, 1, 1)));
  const auto ending = hub.decide();
  REQUIRE(ending);
  CHECK(ending->what.how == verdict::kind::usage);
  CHECK(ending->what.why.find("rank 0 calls barrier, but rank 1 calls broadcast from rank 1") != std::string::npos);
  CHECK(hub.contribute(0, calls(operation::barrier, 2)));
  CHECK(hub.contribute(1, calls(operation::barrier, 2)));
  CHECK(hub.decide()->what.how == verdict::kind::done);
}

TEST_CASE("the earliest deadline counts; who comes later hears of it, each about its own operation") {
  collector hub(4);
  CHECK(hub.contribute(1, calls(operation::barrier, 7)));
  CHECK(hub.contribute(3, calls(operation::barrier, 7, 0, 5)));
  std::this_thread::sleep_for(std::chrono::milliseconds(10));
  const auto ending = hub.decide();
  REQUIRE(ending);
  CHECK(ending->what.how == verdict::kind::timeout);
  CHECK(ending->what.why == "ranks 0 and 2 have not come to the barrier in time; ranks 1 and 3 wait");
  CHECK(ending->ranks == list{1, 3});

  CHECK(hub.contribute(0, calls(operation::barrier, 7)));
  CHECK(hub.contribute(1, calls(operation::barrier, 8)));
  for (const auto& [rank, sequence] : {std::pair(0, 7u), std::pair(1, 8u)}) {
    const auto late = hub.decide();
    REQUIRE(late);
    CHECK(late->what.how == verdict::kind::aborted);
    CHECK(late->ranks == list{rank});
    CHECK(late->what.sequence == sequence);
  }
}

TEST_CASE("nobody waits for a rank that has left") {
  collector hub(3);
  CHECK(hub.contribute(1, calls(operation::all_gather)));
  CHECK(!hub.decide());
  hub.leave(2);
  const auto ending = hub.decide();
  REQUIRE(ending);
  CHECK(ending->what.how == verdict::kind::aborted);
  CHECK(ending->what.why == "rank 2 has closed its session and will not come to the all_gather");
}

TEST_CASE("a rank that left after its last call is not in the way of that call") {
  collector hub(2);
  CHECK(hub.contribute(1, calls(operation::barrier)));
  hub.leave(1);
  CHECK(hub.contribute(0, calls(operation::barrier)));
  const auto ending = hub.decide();
  REQUIRE(ending);
  CHECK(ending->what.how == verdict::kind::done);
}
