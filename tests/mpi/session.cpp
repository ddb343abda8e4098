// Sessions out of MPI communicators; started by mpiexec, on 4 ranks of one machine.

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <mpi.h>

#include <mics/bootstrap/mpi.hpp>

#include "../support/listener.hpp"

namespace {

using namespace mics;
using list = std::vector<int>;

std::string before_mpi;  // what rendezvous() said then

std::string refusal_of(MPI_Comm comm) {
  try {
    (void)bootstrap::mpi::rendezvous(comm);
  } catch (const usage_error& error) {
    return std::string("usage_error: ") + error.what();
  } catch (const transport_error& error) {
    return std::string("transport_error: ") + error.what();
  }
  return "nothing";
}

// MPI lives as long as the test run does. A test that fails on one rank must not leave the others waiting.
class mpi_life final : public mics::test::listener {
 public:
  using listener::listener;

  void test_run_start() override {
    before_mpi = refusal_of(MPI_COMM_WORLD);
    MPI_Init(nullptr, nullptr);
  }
  void test_case_end(const doctest::CurrentTestCaseStats& stats) override {
    if (stats.testCaseSuccess) return;
    std::fflush(stdout);
    MPI_Abort(MPI_COMM_WORLD, 1);
  }
  void test_run_end(const doctest::TestRunStats&) override { MPI_Finalize(); }
};

REGISTER_LISTENER("mpi", 2, mpi_life);

int own_rank(MPI_Comm comm = MPI_COMM_WORLD) {
  int rank = -1;
  MPI_Comm_rank(comm, &rank);
  return rank;
}

// A variable of this process, for as long as this lives.
class variable {
 public:
  variable(const char* name, const std::string& value) : name_(name) { ::setenv(name, value.c_str(), 1); }
  ~variable() { ::unsetenv(name_); }
  variable(const variable&) = delete;
  variable& operator=(const variable&) = delete;

 private:
  const char* name_;
};

// Ranks 0, 2 and ranks 1, 3 of the world, the later ones first.
MPI_Comm alternate_ranks_reversed() {
  MPI_Comm made = MPI_COMM_NULL;
  MPI_Comm_split(MPI_COMM_WORLD, own_rank() % 2, -own_rank(), &made);
  return made;
}

}  // namespace

TEST_CASE("ranks of MPI meet with their numbers, on one node as they share memory") {
  auto job = bootstrap::mpi::rendezvous(MPI_COMM_WORLD);
  REQUIRE(job.size() == 4);
  CHECK(job.rank() == own_rank());
  CHECK(job.all_gather(10 * job.rank()) == list{0, 10, 20, 30});
  CHECK(job.ranks_per_node() == list{4});
  CHECK(job.local_rank() == job.rank());
  job.close();
}

TEST_CASE("parts of the world have sessions of their own at the same time, in their own order") {
  MPI_Comm part = alternate_ranks_reversed();
  auto whole = bootstrap::mpi::rendezvous(MPI_COMM_WORLD);
  auto half = bootstrap::mpi::rendezvous(part);
  auto alone = bootstrap::mpi::rendezvous(MPI_COMM_SELF);
  CHECK(half.rank() == own_rank(part));
  CHECK(half.all_gather(own_rank()) == (own_rank() % 2 == 0 ? list{2, 0} : list{3, 1}));
  CHECK(whole.all_gather(half.rank()) == list{1, 1, 0, 0});
  CHECK(alone.size() == 1);
  MPI_Comm_free(&part);
  half.barrier();  // it does not need its communicator any more
}

TEST_CASE("nodes can be named, by options before variables before shared memory") {
  const variable node("MICS_NODE_ID", own_rank() == 0 ? "first" : "second");
  auto by_variable = bootstrap::mpi::rendezvous(MPI_COMM_WORLD);
  CHECK(by_variable.node_of() == list{0, 1, 1, 1});
  auto by_option = bootstrap::mpi::rendezvous(MPI_COMM_WORLD, {.node_id = own_rank() < 2 ? "a" : "b"});
  CHECK(by_option.ranks_per_node() == list{2, 2});
}

TEST_CASE("nodes can be told by the identity of the host") {
  auto job = bootstrap::mpi::rendezvous(MPI_COMM_WORLD, {.node_by_network_namespace = true});
  CHECK(job.ranks_per_node() == list{4});
}

TEST_CASE("a rank that fails is noticed by the others, without MPI") {
  auto job = bootstrap::mpi::rendezvous(MPI_COMM_WORLD);
  if (job.rank() == 2) job.abort("out of cheese");
  try {
    job.barrier();
    FAIL("the barrier was passed");
  } catch (const aborted_error& error) {
    CHECK(std::string(error.what()).find("out of cheese") != std::string::npos);
  }
  REQUIRE(job.failure());
  CHECK(job.failure()->rank == 2);
  MPI_Barrier(MPI_COMM_WORLD);
}

TEST_CASE("when rank 0 cannot listen, every rank hears why, and may try again") {
  const auto door = bootstrap::listener::on("127.0.0.1", 0);
  {
    const variable port("MICS_MASTER_PORT", std::to_string(door.port()));
    const std::string said = refusal_of(MPI_COMM_WORLD);
    CAPTURE(said);
    CHECK(said.find("transport_error: rank 0 cannot receive the others: rank 0 cannot listen on 127.0.0.1:") == 0);
    CHECK(said.find("Address already in use") != std::string::npos);
  }
  {
    const variable port("MICS_MASTER_PORT", own_rank() == 0 ? "many" : "70000");
    const std::string said = refusal_of(MPI_COMM_WORLD);
    CAPTURE(said);
    CHECK(said.find("transport_error: rank 0 cannot") == 0);
    CHECK(said.find("MICS_MASTER_PORT is \"many\"") != std::string::npos);
  }
  bootstrap::mpi::rendezvous(MPI_COMM_WORLD).barrier();
}

TEST_CASE("a rank 0 that the others cannot find is an error at the deadline, on every rank") {
  const variable address("MASTER_ADDR", "no..host");
  try {
    (void)bootstrap::mpi::rendezvous(MPI_COMM_WORLD, {.join_timeout = std::chrono::seconds(1)});
    FAIL("they met");
  } catch (const timeout_error& error) {
    const std::string said = error.what();
    CAPTURE(said);
    CHECK(said.find(own_rank() == 0 ? "ranks 1 to 3 have not come" : "no..host") != std::string::npos);
  }
}

TEST_CASE("what is no communicator of one group of ranks is refused in words") {
  CHECK(before_mpi == "usage_error: MPI is not initialized; allowed: between MPI_Init and MPI_Finalize");
  CHECK(refusal_of(MPI_COMM_NULL).find("usage_error: the communicator is MPI_COMM_NULL") == 0);
  MPI_Comm part = alternate_ranks_reversed();
  MPI_Comm between = MPI_COMM_NULL;
  MPI_Intercomm_create(part, 0, MPI_COMM_WORLD, own_rank() % 2 == 0 ? 3 : 2, 7, &between);
  CHECK(refusal_of(between).find("usage_error: an intercommunicator") == 0);
  MPI_Comm_free(&between);
  MPI_Comm_free(&part);
}
