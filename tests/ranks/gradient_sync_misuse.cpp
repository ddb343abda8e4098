#include <algorithm>
#include <barrier>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <latch>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <mics/groups.hpp>
#include <mics/training/gradient_sync.hpp>
#include <mics/training/shard_copy.hpp>
#include <mics/transport/thread.hpp>

#include "support/gradient_ranks.hpp"

using namespace gradient_ranks;

TEST_CASE("wrong order of calls is refused in words, and the step can be saved") {
  on_ranks({4, 2, 2}, true, [](auto& groups, auto&) {
    mics::gradient_sync sync(groups, odd_units(2));
    const auto accumulate = [&](std::size_t unit) {
      sync.accumulate(unit, std::vector<float>(sync.layout(unit).flat_elements(), 1.0f));
    };
    const std::string rank = "rank " + std::to_string(groups.world().rank());
    ensure_words(message_of([&] { sync.synchronize(); }),
                 {"nothing was accumulated", "gradient_sync::synchronize", rank});
    accumulate(0);
    accumulate(1);
    accumulate(1);
    accumulate(2);
    ensure_words(message_of([&] { sync.synchronize(); }), {"unit 1 was accumulated 2 times", "unit 0 1 times", rank});
    accumulate(0);
    ensure_words(message_of([&] { sync.synchronize(); }), {"unit 2 was accumulated 1 times", "unit 0 2 times"});
    accumulate(2);
    sync.synchronize();
    ensure(sync.shard(0)[0] == 1.0f, "refused calls changed nothing");
    ensure_words(message_of([&] { sync.synchronize(); }), {"synchronized already", "reset()"});
    ensure_words(message_of([&] { accumulate(2); }), {"unit 2", "after synchronize()", "reset()"});
    ensure(sync.synchronized(), "still");
    sync.reset();
    ensure(!sync.synchronized() && sync.micro_steps(0) == 0, "the next step begins");
    for (std::size_t unit = 0; unit < 3; ++unit) accumulate(unit);
    sync.synchronize();
    ensure(sync.shard(0)[0] == 1.0f, "the next step");
  });
}

TEST_CASE("units that are synchronized one by one keep the order of a step") {
  on_ranks({4, 2, 2}, true, [](auto& groups, auto&) {
    mics::gradient_sync sync(groups, odd_units(2));
    const auto accumulate = [&](std::size_t unit) {
      sync.accumulate(unit, std::vector<float>(sync.layout(unit).flat_elements(), 1.0f));
    };
    const auto said = [](auto call) { return message_of(call); };
    const std::string rank = "rank " + std::to_string(groups.world().rank());
    ensure_words(said([&] { sync.synchronize_unit(3); }), {"unit 3 does not exist", "allowed: 0 to 2", rank});
    ensure_words(said([&] { sync.synchronize_unit(1); }),
                 {"nothing was accumulated for unit 1", "gradient_sync::synchronize_unit", rank});
    for (const std::size_t unit : {2U, 1U, 2U, 1U}) accumulate(unit);
    sync.synchronize_unit(2);
    ensure(sync.shard(2)[0] == 1.0f, "the shard of one unit is there");
    ensure(!sync.synchronized(), "not all of them");
    ensure_words(said([&] { sync.synchronize_unit(2); }), {"unit 2 is synchronized already", "reset()"});
    ensure_words(said([&] { accumulate(2); }), {"unit 2", "after synchronize()", "reset()"});
    ensure_words(said([&] { sync.synchronize(); }),
                 {"unit 2 is synchronized already, by itself", "synchronize_unit()"});
    accumulate(0);
    ensure_words(said([&] { sync.synchronize_unit(0); }), {"unit 0 was accumulated 1 times", "unit 2 2 times"});
    accumulate(0);
    sync.synchronize_unit(0);
    sync.synchronize_unit(1);
    ensure(sync.synchronized() && sync.shard(0)[0] == 1.0f && sync.shard(1)[0] == 1.0f,
           "refused calls changed nothing");
    sync.reset();
    for (std::size_t unit = 0; unit < 3; ++unit) accumulate(unit);
    sync.synchronize();
    ensure(sync.shard(2)[0] == 1.0f, "the next step, all at once");
  });
}

TEST_CASE("a step may be dropped: reset() without synchronize()") {
  on_ranks({4, 2, 2}, true, [](auto& groups, auto&) {
    mics::gradient_sync sync(groups, shard_layout({3}, 2), {.result = gradient_result::sum});
    sync.accumulate(std::vector<float>(4, 1000.0f));
    sync.reset();
    sync.accumulate(std::vector<float>(4, 1.0f));
    sync.synchronize();
    ensure(sync.shard()[0] == 4.0f, "only the second step counts");
  });
}

TEST_CASE("gradients of the wrong shape are refused, and units that do not exist") {
  on_ranks({4, 2, 2}, true, [](auto& groups, auto&) {
    mics::gradient_sync sync(groups, odd_units(2));
    const std::vector<float> wrong(3, 1.0f);
    const std::span<const float> null(static_cast<const float*>(nullptr), sync.layout(1).flat_elements());
    ensure_words(message_of([&] { sync.accumulate(0, wrong); }),
                 {"gradient buffer of unit 0 has 3", "exactly 16", "gradient_sync::accumulate"});
    ensure_words(message_of([&] { sync.accumulate(1, null); }), {"gradient buffer of unit 1 is a null pointer"});
    ensure_words(message_of([&] { sync.accumulate(3, wrong); }), {"unit 3 does not exist", "0 to 2"});
    ensure_words(message_of([&] { (void)sync.shard(4); }), {"unit 4 does not exist"});
    ensure_words(message_of([&] { (void)sync.layout(4); }), {"unit 4 does not exist"});
    ensure_words(message_of([&] { sync.accumulate(wrong); }), {"which of the 3 units"});
    ensure(sync.micro_steps(0) == 0, "nothing was counted");
  });
}

TEST_CASE("layouts that differ between ranks are refused on every rank, with both ranks' values") {
  const auto refusal = [](const partitioning& g, auto units_of, const std::vector<std::string>& words) {
    CHECK_NOTHROW(on_ranks(g, false, [&](auto& groups, auto&) {
      const auto units = units_of(groups.world().rank());
      ensure_words(message_of([&] { mics::gradient_sync sync(groups, units); }), words);
      mics::gradient_sync usable(groups, shard_layout({3}, g.partition));
      usable.accumulate(std::vector<float>(usable.layout().flat_elements(), 1.0f));
      usable.synchronize();
      ensure(usable.shard().size() == usable.layout().shard_elements(), "the groups work on");
    }));
  };
  using units = std::vector<shard_layout>;
  // The rank that differs lies in the other partition group, or in the same one.
  for (const int odd : {1, 2, 7}) {
    const std::string name = "rank " + std::to_string(odd);
    refusal({8, 4, 2},
            [&](int rank) {
              return units{shard_layout({8}, 2), shard_layout({3, rank == odd ? std::size_t{6} : std::size_t{5}}, 2)};
            },
            {"rank 0 has unit 1 of 2 tensors, 8 elements", name + " has unit 1 of 2 tensors, 9 elements"});
    refusal({8, 4, 4}, [&](int rank) { return units(rank == odd ? 2 : 3, shard_layout({8}, 4)); },
            {"rank 0 has 3 units", name + " has 2 units"});
    refusal({8, 4, 8},
            [&](int rank) {
              return units{rank == odd ? shard_layout({3, 5}, 8) : shard_layout({5, 3}, 8)};
            },
            {"rank 0 has unit 0", name + " has unit 0", "fingerprint"});
  }
}

TEST_CASE("types and results that differ between ranks are refused") {
  on_ranks({4, 2, 2}, false, [](auto& groups, auto&) {
    const bool odd = groups.world().rank() == 3;
    const shard_layout layout({3}, 2);
    ensure_words(message_of([&] {
                   mics::gradient_sync sync(groups, layout,
                                            {.result = odd ? gradient_result::sum : gradient_result::mean});
                 }),
                 {"rank 0", "for the mean", "rank 3", "for the sum"});
    ensure_words(message_of([&] {
                   if (odd) (void)mics::make_gradient_sync<mics::bfloat16>(groups, layout);
                   if (!odd) (void)mics::make_gradient_sync<mics::float16>(groups, layout);
                 }),
                 {"float16 gradients", "bfloat16 gradients", "accumulated as float32"});
  });
}

TEST_CASE("layouts that do not fit the partition group are refused on every rank") {
  on_ranks({4, 2, 2}, false, [](auto& groups, auto&) {
    const std::vector<shard_layout> none;
    const std::vector<shard_layout> wrong = {shard_layout({3}, 2), shard_layout({3}, 4)};
    ensure_words(message_of([&] { mics::gradient_sync sync(groups, none); }), {"no units", "1 or more"});
    ensure_words(message_of([&] { mics::gradient_sync sync(groups, wrong); }), {"unit 1", "4 shards", "2 ranks"});
    const std::vector<shard_layout> huge(40, shard_layout({mics::detail::most_elements - 1}, 2));
    ensure_words(message_of([&] { mics::gradient_sync sync(groups, huge); }), {"more elements"});
  });
}

TEST_CASE("checked: partition groups that count different micro-steps are found at the boundary") {
  on_ranks({8, 4, 4}, true, [](auto& groups, auto&) {
    const int rank = groups.world().rank();
    mics::gradient_sync sync(groups, shard_layout({9}, 4), {.result = gradient_result::sum});
    const std::vector<float> gradients(12, 1.0f);
    for (int m = 0; m < (rank < 4 ? 2 : 3); ++m) sync.accumulate(gradients);
    const std::string first = "rank " + std::to_string(rank % 4) + " accumulated 2";
    const std::string second = "rank " + std::to_string(rank % 4 + 4) + " accumulated 3";
    ensure_words(message_of([&] { sync.synchronize(); }), {first, second});
    ensure_words(message_of([&] { sync.synchronize(); }), {"failed", "reset()"});
    ensure_words(message_of([&] { sync.accumulate(gradients); }), {"failed", "reset()"});
    sync.reset();
    sync.accumulate(gradients);
    sync.synchronize();
    ensure(sync.shard()[0] == 8.0f, "the next step is good");
  });
}

TEST_CASE("checked: on a stream the same failure appears where the stream is waited for") {
  on_ranks({4, 2, 2}, true, [](auto& groups, auto&) {
    const int rank = groups.world().rank();
    const std::vector<float> gradients(4, 1.0f);
    mics::thread::stream stream;
    mics::gradient_sync sync(groups, shard_layout({4}, 2));
    for (int m = 0; m < (rank < 2 ? 2 : 1); ++m) sync.accumulate(gradients, stream);
    sync.synchronize(stream);
    ensure_words(message_of([&] { stream.synchronize(); }),
                 {"number of micro-steps", "accumulated 2", "accumulated 1"});
  });
}

TEST_CASE("hop 2 that cannot run leaves a step that only reset() ends") {
  on_ranks({4, 2, 2}, false, [](auto& groups, auto&) {
    mics::gradient_sync sync(groups, shard_layout({4}, 2), {.hop_2 = {.how = mics::algorithm::bruck}});
    sync.accumulate(std::vector<float>(4, 1.0f));
    ensure_words(message_of([&] { sync.synchronize(); }), {"bruck"});
    ensure_words(message_of([&] { sync.synchronize(); }), {"failed", "reset()"});
    sync.reset();
    sync.accumulate(std::vector<float>(4, 1.0f));
  });
}

TEST_CASE("a rank that fails ends the others, and is named") {
  CHECK_THROWS_WITH_AS(on_ranks({4, 2, 2}, false,
                                [](auto& groups, auto&) {
                                  mics::gradient_sync sync(groups, shard_layout({4}, 2));
                                  const bool culprit = groups.world().rank() == 2;
                                  sync.accumulate(std::vector<float>(culprit ? 5 : 4, 1.0f));
                                  sync.synchronize();
                                }),
                       doctest::Contains("rank 2"), mics::usage_error);
}
