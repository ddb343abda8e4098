#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "../../examples/train_lm/command_line.hpp"
#include "../../examples/train_lm/default_text.hpp"

namespace {

using namespace train_lm;

settings parsed(std::vector<std::string> words) {
  words.insert(words.begin(), "train_lm");
  std::vector<char*> argv;
  for (auto& word : words) argv.push_back(word.data());
  CLI::App app;
  settings s;
  parse(app, s, static_cast<int>(argv.size()), argv.data());
  return s;
}

void check_refused(const std::vector<std::string>& words, const std::vector<std::string>& said) {
  std::string message = "accepted";
  try {
    parsed(words);
  } catch (const CLI::ParseError& e) {
    message = e.what();
  }
  for (const auto& part : said) {
    CAPTURE(part);
    CAPTURE(message);
    CHECK(message.find(part) != std::string::npos);
  }
}

// A launcher's variables, for as long as this lives.
class launched {
 public:
  launched(const char* rank, const char* world_size, const char* local_size) {
    for (const auto& [name, value] : {std::pair{"MICS_RANK", rank},
                                      {"MICS_WORLD_SIZE", world_size},
                                      {"MICS_LOCAL_RANK", "0"},
                                      {"MICS_LOCAL_SIZE", local_size}}) {
      ::setenv(name, value, 1);
    }
  }
  ~launched() {
    for (const char* name : {"MICS_RANK", "MICS_WORLD_SIZE", "MICS_LOCAL_RANK", "MICS_LOCAL_SIZE"}) ::unsetenv(name);
  }
  launched(const launched&) = delete;
  launched& operator=(const launched&) = delete;
};

}  // namespace

TEST_CASE("train_lm: options arrive") {
  const settings s = parsed({"--nodes",     "3",         "--node-size=2",
                             "--partition", "6",         "--micro-steps",
                             "5",           "--steps",   "7",
                             "--seed",      "9",         "--transport",
                             "thread",      "--batch",   "2",
                             "--layers",    "1",         "--width",
                             "10",          "--context", "4",
                             "--alone"});
  CHECK(s.world_size() == 6);
  CHECK(s.partition_size() == 6);
  CHECK(s.micro_steps == 5);
  CHECK(s.steps == 7);
  CHECK(s.seed == 9);
  CHECK(s.shape.batch == 2);
  CHECK(s.shape.blocks == 1);
  CHECK(s.shape.width == 10);
  CHECK(s.shape.context == 4);
  CHECK(s.alone);
}

TEST_CASE("train_lm: one node shares a replica unless --partition says otherwise") {
  CHECK(parsed({"--node-size", "3"}).partition_size() == 3);
}

TEST_CASE("train_lm: a bad option is refused with its name, its value and what is allowed") {
  check_refused({"--nodes", "0"}, {"--nodes", "0", "256"});
  check_refused({"--nodes", "two"}, {"--nodes", "two", "256"});
  check_refused({"--batch", "-4"}, {"--batch", "-4", "4096"});
  check_refused({"--seed", "x"}, {"--seed", "x"});
  check_refused({"--transport", "pigeon"}, {"--transport", "pigeon", "thread"});
  check_refused({"--partition", "3"}, {"--partition", "3", "8 ranks of 2 nodes x 4", "1, 2, 4, 8"});
  check_refused({"--nodes", "100", "--node-size", "100"}, {"10000 ranks", "256"});
  check_refused({"--text", "/no/such/file"}, {"--text", "/no/such/file"});
}

TEST_CASE("train_lm: a text must be longer than the context") {
  CHECK_THROWS_WITH_AS(check_length({{1, 2, 3}, "short.txt"}, 3),
                       "--text: 'short.txt' has 3 bytes; more than the --context of 3 are needed", std::runtime_error);
  check_length({{1, 2, 3, 4}, "short.txt"}, 3);
}

TEST_CASE("train_lm: ranks that are forked here play the nodes, one if nothing is said") {
  const launched elsewhere("2", "6", "2");  // does not matter then
  const std::vector<std::string> four{"--transport", "libfabric", "--spawn", "4"};
  const auto with = [&four](std::vector<std::string> more) {
    more.insert(more.begin(), four.begin(), four.end());
    return more;
  };
  CHECK(parsed(four).spawn == 4);
  CHECK(parsed(four).nodes == 1);
  CHECK(parsed(four).node_size == 4);
  CHECK(parsed(four).pretends_nodes());
  CHECK(parsed(with({"--nodes", "2"})).node_size == 2);
  CHECK(parsed(with({"--node-size", "1"})).nodes == 4);
  check_refused(with({"--nodes", "3"}), {"3 nodes of 1", "4 ranks"});
  check_refused(with({"--partition", "3"}), {"--partition", "1, 2, 4"});
  check_refused({"--spawn", "4"}, {"--spawn", "libfabric", "thread"});
  check_refused({"--transport", "nccl", "--spawn", "4"}, {"--spawn", "libfabric", "nccl"});
  check_refused({"--transport", "libfabric", "--spawn", "0"}, {"--spawn", "0", "256"});
}

TEST_CASE("train_lm: where ranks are processes, their launcher tells the geometry") {
  const launched here("2", "6", "2");
  const settings s = parsed({"--transport", "nccl"});
  CHECK(s.nodes == 3);
  CHECK(s.node_size == 2);
  CHECK(s.partition_size() == 2);
  CHECK_FALSE(s.speaks);
  CHECK(parsed({"--transport", "nccl", "--nodes", "2"}).node_size == 3);
  CHECK(parsed({"--transport", "nccl", "--node-size", "1"}).nodes == 6);
  CHECK(parsed({"--transport", "libfabric"}).nodes == 3);
  CHECK(parsed({}).world_size() == 8);
  CHECK(parsed({}).speaks);
  check_refused({"--transport", "nccl", "--nodes", "4"}, {"4 nodes of 1", "6 ranks"});
  check_refused({"--transport", "nccl", "--nodes", "2", "--node-size", "2"}, {"2 nodes of 2", "6 ranks"});
}
