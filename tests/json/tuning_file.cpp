// Tuned tables survive the way through a file, and what is wrong with a file is said in words.
#include <cstdio>
#include <fstream>
#include <string>

#include <doctest/doctest.h>
#include <unistd.h>

#include <mics/transport/nccl/tuning_file.hpp>

namespace {

using mics::algorithm;
using mics::operation;

/// A path of its own, gone at the end.
struct scratch_file {
  std::string path = "tuned." + std::to_string(::getpid()) + ".json";
  scratch_file() { std::remove(path.c_str()); }
  ~scratch_file() { std::remove(path.c_str()); }
  void write(const std::string& text) const { std::ofstream(path) << text; }
};

const mics::nccl::tuned_range small{operation::all_gather, 2, 4, 65536, algorithm::native, algorithm::direct};
const mics::nccl::tuned_range large{operation::all_gather, 2,    4, std::size_t{1} << 40, algorithm::hierarchical,
                                    algorithm::native,     65536};
const mics::nccl::tuned_range elsewhere{operation::all_gather, 4, 4, 4096, algorithm::hierarchical, algorithm::direct};

std::string refusal_of(const std::string& text) {
  const scratch_file file;
  file.write(text);
  try {
    static_cast<void>(mics::nccl::read_tuned_table(file.path));
  } catch (const mics::usage_error& refused) {
    CHECK(std::string(refused.what()).find(file.path) != std::string::npos);
    return refused.what();
  }
  return "was read";
}

std::string with_range(const std::string& fields) {
  return R"({"machine": "a", "version": 2, "ranges": [{)" + fields + "}]}";
}

}  // namespace

TEST_CASE("tuned tables are read as they were written") {
  const scratch_file file;
  const mics::nccl::tuned_table table{"GPU, NCCL 2.28", {small, large, elsewhere}};
  mics::nccl::write_tuned_table(file.path, table);
  CHECK(mics::nccl::read_tuned_table(file.path) == table);
}

TEST_CASE("a new table replaces the ranges of its operations and shapes, and keeps the others") {
  const scratch_file file;
  mics::nccl::write_tuned_table(file.path, {"GPU", {small, large, elsewhere}});
  auto fresh = small;
  fresh.how = algorithm::hierarchical;
  mics::nccl::write_tuned_table(file.path, {"GPU", {fresh}});
  CHECK(mics::nccl::read_tuned_table(file.path) == mics::nccl::tuned_table{"GPU", {fresh, elsewhere}});
  CHECK_THROWS_AS(mics::nccl::write_tuned_table(file.path, {"another GPU", {fresh}}), mics::usage_error);
  CHECK(mics::nccl::read_tuned_table(file.path).machine == "GPU");
}

TEST_CASE("a malformed table is refused by file and key") {
  const std::string good = R"("operation": "all_gather", "nodes": 2, "node_size": 4, "up_to_bytes": 64, )";
  const std::string way = R"("algorithm": "native", "on_rail": "direct", )";
  const std::string ways = way + R"("chunk_bytes": 4096)";
  CHECK(refusal_of(with_range(good + ways)) == "was read");
  const std::pair<std::string, const char*> cases[] = {
      {"", "is not JSON"},
      {"[]", "the whole is array"},
      {"{}", "machine is missing"},
      {R"({"machine": 3})", "machine is 3; allowed: a text"},
      {R"({"machine": "a", "ranges": []})", "its version is 1; allowed: 2"},
      {R"({"machine": "a", "version": 1, "ranges": []})", "its version is 1; allowed: 2"},
      {R"({"machine": "a", "version": 2, "ranges": {}})", "ranges is object"},
      {with_range(""), "ranges[0].operation is missing"},
      {with_range(good + R"("algorithm": "ring", "on_rail": "direct")"),
       "ranges[0].algorithm is 'ring'; allowed: native"},
      {with_range(good + R"("algorithm": "native", "on_rail": "ring")"), "ranges[0].on_rail is 'ring'"},
      {with_range(R"("operation": "barrier", )" + good + ways), "was read"},  // the later key counts
      {with_range(good + way + R"("chunk_bytes": -1)"), "ranges[0].chunk_bytes is -1; allowed: a whole number from 0"},
      {with_range(R"("operation": "gather")"), "ranges[0].operation is 'gather'"},
      {with_range(R"("operation": "all_gather", "nodes": 0)"), "ranges[0].nodes is 0; allowed"},
      {with_range(R"("operation": "all_gather", "nodes": 2.5)"), "ranges[0].nodes is 2.5"},
      {with_range(R"("operation": "all_gather", "nodes": -2)"), "ranges[0].nodes is -2"},
      {with_range(good + ways + "}, {" + good + ways), "ranges[1].up_to_bytes is 64; allowed: more than"},
  };
  for (const auto& one : cases) {  // clang 14 captures no structured bindings
    CAPTURE(one.first);
    const std::string said = refusal_of(one.first);
    CAPTURE(said);
    CHECK(said.find(one.second) != std::string::npos);
  }
  CHECK_THROWS_AS(static_cast<void>(mics::nccl::read_tuned_table("no/such/file")), mics::usage_error);
  CHECK_THROWS_AS(mics::nccl::write_tuned_table("no/such/folder/file", {"a", {small}}), mics::usage_error);
}
