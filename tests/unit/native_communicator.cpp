#include <chrono>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <mics/mics.hpp>

namespace {

/// A transport with collectives of its own, which only notes what it is asked to run.
class native {
 public:
  using owner_type = native;
  using ref_type = native;
  using stream_type = int;
  using event_type = int;
  static constexpr mics::transport_traits traits{};

  struct order {
    std::vector<mics::planned_call> calls;
    int stream;
    mics::native_options options;
  };

  explicit native(mics::group_shape shape, std::vector<order>& log, mics::program_cache& programs)
      : shape_(std::move(shape)), log_(&log), programs_(&programs) {}

  [[nodiscard]] int rank() const { return shape_.rank; }
  [[nodiscard]] int world_rank() const { return 100 + shape_.rank; }
  [[nodiscard]] int size() const { return shape_.size; }
  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const mics::group_shape& shape() const { return shape_; }
  [[nodiscard]] mics::program_cache& programs() const { return *programs_; }
  [[nodiscard]] std::chrono::milliseconds timeout() const { return std::chrono::milliseconds(7); }
  [[nodiscard]] bool checked() const { return true; }
  [[nodiscard]] static int record(int stream) { return stream; }
  static void wait(int, int) {}
  void set_shape(mics::group_shape) const {}
  [[nodiscard]] native split(int, int, const std::string&) const { return *this; }

  void enqueue(std::span<const mics::planned_call> calls, int stream, const mics::native_options& options) const {
    log_->push_back({{calls.begin(), calls.end()}, stream, options});
  }

 private:
  mics::group_shape shape_;
  std::string name_ = "native world";
  std::vector<order>* log_;
  mics::program_cache* programs_;
};

static_assert(mics::check_communicator<native>());
static_assert(mics::native_communicator<native> && !mics::message_communicator<native>);

}  // namespace

TEST_CASE("a transport with collectives of its own gets checked calls with their plans") {
  std::vector<native::order> log;
  mics::program_cache programs;
  const native world({1, 8, 2, 4, {}}, log, programs);
  const std::vector<float> shard(5);
  std::vector<float> full(40), sums(40);

  mics::all_gather(world, shard, full, 3);
  REQUIRE(log.size() == 1);
  REQUIRE(log[0].calls.size() == 1);
  CHECK(log[0].stream == 3);
  CHECK(log[0].options.timeout == std::chrono::milliseconds(7));
  CHECK(log[0].options.checked);
  CHECK(log[0].calls[0].call.what == mics::operation::all_gather);
  CHECK(log[0].calls[0].call.input == shard.data());
  CHECK(log[0].calls[0].how.how() == mics::algorithm::hierarchical);
  CHECK(log[0].calls[0].how.volume_into_node().slow == 4 * 5 * sizeof(float));

  mics::batch both(world);
  both.all_gather(shard, full).all_reduce(sums, sums, mics::reduction::avg);
  both.run(4, {.how = mics::algorithm::ring, .checked = false, .timeout = std::chrono::milliseconds(9)});
  REQUIRE(log.size() == 2);
  REQUIRE(log[1].calls.size() == 2);
  CHECK(log[1].options.timeout == std::chrono::milliseconds(9));
  CHECK(!log[1].options.checked);
  CHECK(log[1].calls[1].how.how() == mics::algorithm::ring);

  const std::vector<mics::bfloat16> narrow(8);
  std::vector<mics::bfloat16> one(1);
  mics::reduce_scatter(world, narrow, one, mics::reduction::sum, 5, {.accumulate = mics::accumulation::widened});
  REQUIRE(log.size() == 3);
  CHECK(log[2].calls[0].widened());
  CHECK(log[2].calls[0].moved == mics::data_type::float32);
}

TEST_CASE("plans count whole elements, and the float copies of a widened call") {
  std::vector<native::order> log;
  mics::program_cache programs;
  const native world({0, 4, 2, 2, {}}, log, programs);
  std::vector<mics::bfloat16> data(7);  // blocks of 2, 2, 2 and 1

  mics::all_reduce(world, data, data, mics::reduction::sum, 0, {.how = mics::algorithm::hierarchical});
  const mics::plan native_sums = log.at(0).calls.at(0).how;
  // Into node 0 come the other node's sums of its blocks 0 and 1, and the results of blocks 2 and 3.
  CHECK(native_sums.volume_into_node().slow == (2 + 2 + 2 + 1) * sizeof(mics::bfloat16));

  mics::all_reduce(world, data, data, mics::reduction::sum, 0,
                   {.how = mics::algorithm::hierarchical, .accumulate = mics::accumulation::widened});
  const mics::plan wide_sums = log.at(1).calls.at(0).how;
  CHECK(wide_sums.volume_into_node().slow == 2 * native_sums.volume_into_node().slow);
  CHECK(wide_sums.temporary_bytes() == 2 * native_sums.temporary_bytes() + 2 * 7 * sizeof(float));
}

TEST_CASE("chunks are never smaller than the unit that they are multiples of") {
  std::vector<native::order> log;
  mics::program_cache programs;
  const native world({0, 4, 2, 2, {}}, log, programs);
  const auto chunks = [&](std::size_t elements_a_block, std::size_t chunk_bytes) {
    return mics::plan_for(world, mics::operation::all_gather, 4 * elements_a_block * sizeof(float),
                          mics::algorithm::hierarchical, chunk_bytes, sizeof(float))
        .chunks();
  };
  CHECK(chunks(1, 1) == 1);
  CHECK(chunks(100, 4) == 2);
  CHECK(chunks(640, 4) == 10);
  CHECK(chunks(640, 4 * 320) == 2);
}

TEST_CASE("a wrong call does not reach such a transport") {
  std::vector<native::order> log;
  mics::program_cache programs;
  const native world({1, 8, 2, 4, {}}, log, programs);
  const std::vector<float> shard(5);
  std::vector<float> full(39);
  CHECK_THROWS_WITH_AS(mics::all_gather(world, shard, full, 3),
                       doctest::Contains("full has 39 elements; it must have 40 [rank 101, group native world"),
                       mics::usage_error);
  CHECK(log.empty());
}
