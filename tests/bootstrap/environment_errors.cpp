#include <string>

#include <doctest/doctest.h>

#include "ranks.hpp"
#include "variables.hpp"

using mics::test::contains;
using mics::test::refusal_of;
using mics::test::variables;

namespace {

/// The message names each of `parts`.
void check_refused(const variables& set, std::initializer_list<const char*> parts) {
  const std::string message = refusal_of(set);
  CAPTURE(message);
  CHECK(!message.empty());
  for (const char* part : parts) {
    CAPTURE(part);
    CHECK(contains(message, part));
  }
}

}  // namespace

TEST_CASE("a value that is no number of the allowed range is named with the range") {
  for (const char* bad : {"x", "-1", "1.5", " 1", "1 ", "0x1", "99999999999999999999", "2147483648"}) {
    check_refused({{"RANK", bad}, {"WORLD_SIZE", "2"}}, {"RANK", bad, "whole number from 0 to 2147483646"});
    check_refused({{"SLURM_PROCID", bad}, {"SLURM_NTASKS", "2"}}, {"SLURM_PROCID", bad});
    check_refused({{"OMPI_COMM_WORLD_RANK", "0"}, {"OMPI_COMM_WORLD_SIZE", bad}}, {"OMPI_COMM_WORLD_SIZE", bad});
    check_refused({{"PMI_RANK", "0"}, {"PMI_SIZE", "1"}, {"MPI_LOCALRANKID", bad}}, {"MPI_LOCALRANKID", bad});
    check_refused({{"MASTER_PORT", bad}, {"MASTER_ADDR", "a"}}, {"MASTER_PORT", bad, "1 to 65535"});
  }
  check_refused({{"RANK", "0"}, {"WORLD_SIZE", "0"}}, {"WORLD_SIZE", "\"0\"", "1 to"});
  check_refused({{"MICS_MASTER_PORT", "65536"}}, {"MICS_MASTER_PORT", "65536", "65535"});
}

TEST_CASE("a rank outside its world") {
  check_refused({{"RANK", "4"}, {"WORLD_SIZE", "4"}}, {"RANK", "\"4\"", "WORLD_SIZE", "allowed: 0 to 3"});
  check_refused({{"PMI_RANK", "9"}, {"PMI_SIZE", "4"}}, {"PMI_RANK", "\"9\"", "PMI_SIZE", "allowed: 0 to 3"});
  check_refused({{"SLURM_PROCID", "2"}, {"SLURM_STEP_NUM_TASKS", "2"}, {"SLURM_NTASKS", "8"}},
                {"SLURM_PROCID", "SLURM_STEP_NUM_TASKS"});
}

TEST_CASE("half of a launcher's variables") {
  check_refused({{"RANK", "1"}}, {"RANK", "WORLD_SIZE is not set"});
  check_refused({{"WORLD_SIZE", "2"}}, {"WORLD_SIZE", "\"2\"", "RANK is not set"});
  check_refused({{"SLURM_PROCID", "1"}}, {"SLURM_PROCID", "SLURM_STEP_NUM_TASKS or SLURM_NTASKS"});
  check_refused({{"PMIX_RANK", "1"}}, {"PMIX_RANK", "\"1\"", "set MICS_RANK and MICS_WORLD_SIZE"});
  check_refused({{"PMIX_RANK", "0"}, {"PMIX_NAMESPACE", "job-1"}}, {"set MICS_RANK and MICS_WORLD_SIZE"});
}

TEST_CASE("local ranks and sizes that contradict the rest") {
  const variables base = {{"RANK", "1"}, {"WORLD_SIZE", "4"}};
  variables set = base;
  set["LOCAL_WORLD_SIZE"] = "5";
  check_refused(set, {"LOCAL_WORLD_SIZE", "\"5\"", "WORLD_SIZE", "1 to 4"});
  set["LOCAL_WORLD_SIZE"] = "2";
  set["LOCAL_RANK"] = "2";
  check_refused(set, {"LOCAL_RANK", "\"2\"", "LOCAL_WORLD_SIZE", "0 to 1"});
  set = base;
  set["LOCAL_RANK"] = "4";
  check_refused(set, {"LOCAL_RANK", "\"4\"", "WORLD_SIZE"});
}

TEST_CASE("PMIx that says another rank than Open MPI or Slurm") {
  check_refused({{"OMPI_COMM_WORLD_RANK", "1"}, {"OMPI_COMM_WORLD_SIZE", "4"}, {"PMIX_RANK", "2"}},
                {"PMIX_RANK", "\"2\"", "OMPI_COMM_WORLD_RANK", "\"1\""});
  check_refused({{"SLURM_PROCID", "0"}, {"SLURM_NTASKS", "4"}, {"PMIX_RANK", "2"}},
                {"PMIX_RANK", "SLURM_PROCID", "MICS_RANK"});
}

TEST_CASE("Slurm's list of tasks") {
  variables set = {{"SLURM_PROCID", "1"}, {"SLURM_NTASKS", "4"}, {"SLURM_NODEID", "2"}};
  for (const char* bad : {"2(x2)", "2,2", "x", "2(y2)", "2(x2", "0(x3)", "2;2;2"}) {
    set["SLURM_TASKS_PER_NODE"] = bad;
    check_refused(set, {"SLURM_TASKS_PER_NODE", bad, "node 2"});
  }
  set["SLURM_TASKS_PER_NODE"] = "1(x4)";
  set["SLURM_LOCALID"] = "1";
  check_refused(set, {"SLURM_LOCALID", "SLURM_TASKS_PER_NODE", "0 to 0"});
}

TEST_CASE("a meeting place that nobody told is asked for") {
  using namespace mics;
  const auto message = [](const bootstrap::environment& where) {
    try {
      (void)bootstrap::rendezvous(where);
    } catch (const usage_error& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  CHECK(contains(message({.rank = 1, .world_size = 2}), "MASTER_ADDR"));
  CHECK(contains(message({.rank = 1, .world_size = 2, .master_address = "127.0.0.1"}), "MASTER_PORT"));
  CHECK(contains(message({.rank = 2, .world_size = 2}), "rank 2 in a world of 2"));
  CHECK(contains(message({.rank = 0, .world_size = 0}), "world of 0"));
}
