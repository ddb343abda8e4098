#include <cstdlib>

#include <doctest/doctest.h>

#include "variables.hpp"

using mics::bootstrap::environment;
using mics::test::read;
using mics::test::variables;

namespace {

const variables torchrun = {{"RANK", "5"},
                            {"WORLD_SIZE", "16"},
                            {"LOCAL_RANK", "1"},
                            {"LOCAL_WORLD_SIZE", "4"},
                            {"MASTER_ADDR", "node0"},
                            {"MASTER_PORT", "29500"}};
const variables slurm = {{"SLURM_PROCID", "9"},
                         {"SLURM_NTASKS", "12"},
                         {"SLURM_LOCALID", "1"},
                         {"SLURM_NODEID", "2"},
                         {"SLURM_JOB_ID", "123456"},
                         {"SLURM_STEP_ID", "3"},
                         {"SLURM_NPROCS", "77"},
                         {"SLURM_JOB_NODELIST", "gpu[007-009,12],login"},
                         {"SLURM_TASKS_PER_NODE", "4(x2),3,1"}};

variables with(variables base, const variables& more) {
  for (const auto& [name, value] : more) base[name] = value;
  return base;
}

void check_place(const environment& found, const char* launcher, int rank, int size, int local_rank, int local_size) {
  CHECK(found.launcher == launcher);
  CHECK(found.rank == rank);
  CHECK(found.world_size == size);
  CHECK(found.local_rank == local_rank);
  CHECK(found.local_size == local_size);
}

}  // namespace

TEST_CASE("without a launcher the world is one rank") {
  check_place(read({}), "", 0, 1, -1, 0);
  check_place(read({{"RANK", ""}, {"WORLD_SIZE", ""}}), "", 0, 1, -1, 0);
}

TEST_CASE("torchrun") {
  const environment found = read(torchrun);
  check_place(found, "torchrun", 5, 16, 1, 4);
  CHECK(found.master_address == "node0");
  CHECK(found.master_port == 29500);
  check_place(read({{"RANK", "0"}, {"WORLD_SIZE", "2"}}), "torchrun", 0, 2, -1, 0);
}

TEST_CASE("the port that torchrun's own store holds is left alone") {
  CHECK(read(with(torchrun, {{"TORCHELASTIC_USE_AGENT_STORE", "True"}})).master_port == 29501);
  CHECK(read(with(torchrun, {{"TORCHELASTIC_USE_AGENT_STORE", "False"}})).master_port == 29500);
  CHECK(read(with(torchrun, {{"TORCHELASTIC_USE_AGENT_STORE", "True"}, {"MICS_MASTER_PORT", "4000"}})).master_port ==
        4000);
}

TEST_CASE("Open MPI, with what PMIx says beside it") {
  const variables set = {{"OMPI_COMM_WORLD_RANK", "3"},
                         {"OMPI_COMM_WORLD_SIZE", "8"},
                         {"OMPI_COMM_WORLD_LOCAL_RANK", "1"},
                         {"OMPI_COMM_WORLD_LOCAL_SIZE", "2"},
                         {"PMIX_RANK", "3"},
                         {"PMIX_NAMESPACE", "job-1"}};
  const environment found = read(set);
  check_place(found, "Open MPI", 3, 8, 1, 2);
  CHECK(found.master_address.empty());
  CHECK(found.master_port == 0);
}

TEST_CASE("MPICH's Hydra") {
  check_place(read({{"PMI_RANK", "1"}, {"PMI_SIZE", "4"}, {"MPI_LOCALRANKID", "1"}, {"MPI_LOCALNRANKS", "2"}}), "MPICH",
              1, 4, 1, 2);
  CHECK(read({{"PMI_RANK", "1"}, {"PMI_SIZE", "4"}, {"MPI_LOCALNRANKS", "4"}}).master_address == "127.0.0.1");
}

TEST_CASE("Slurm tells address and port too, in its own way") {
  const environment found = read(slurm);
  check_place(found, "Slurm", 9, 12, 1, 3);
  CHECK(found.master_address == "gpu007");
  CHECK(found.master_port >= 20'000);
  CHECK(found.master_port < 30'000);
  CHECK(read(with(slurm, {{"SLURM_STEP_ID", "4"}})).master_port != found.master_port);
  CHECK(read(with(slurm, {{"SLURM_STEP_NUM_TASKS", "10"}})).world_size == 10);
  CHECK(read(with(slurm, {{"MASTER_ADDR", "here"}, {"MASTER_PORT", "1234"}})).master_address == "here");
  CHECK(read(with(slurm, {{"PMIX_RANK", "9"}})).rank == 9);
}

TEST_CASE("a batch script of Slurm, where no task runs, is one rank") {
  check_place(read({{"SLURM_NTASKS", "16"}, {"SLURM_JOB_ID", "5"}}), "", 0, 1, -1, 0);
}

TEST_CASE("precedence: by hand, torchrun, Open MPI, MPICH, Slurm") {
  variables set = slurm;
  CHECK(read(set).launcher == "Slurm");
  set = with(set, {{"PMI_RANK", "1"}, {"PMI_SIZE", "4"}});
  CHECK(read(set).launcher == "MPICH");
  set = with(set, {{"OMPI_COMM_WORLD_RANK", "1"}, {"OMPI_COMM_WORLD_SIZE", "4"}});
  CHECK(read(set).launcher == "Open MPI");
  set = with(set, torchrun);
  CHECK(read(set).launcher == "torchrun");
  set = with(set, {{"MICS_RANK", "6"}, {"MICS_WORLD_SIZE", "7"}, {"MICS_LOCAL_RANK", "0"}, {"MICS_LOCAL_SIZE", "1"}});
  check_place(read(set), "mics", 6, 7, 0, 1);
}

TEST_CASE("srun that speaks PMI beside its own variables is Slurm") {
  const variables pmi2 =
      with(slurm, {{"PMI_RANK", "9"}, {"PMI_SIZE", "12"}, {"PMI_FD", "14"}, {"PMI_JOBID", "123456.3"}});
  const environment found = read(pmi2);
  check_place(found, "Slurm", 9, 12, 1, 3);
  CHECK(found.master_address == "gpu007");
  CHECK(found.master_port == read(slurm).master_port);
  CHECK(found.job_secret == read(slurm).job_secret);
  check_place(read(with(pmi2, {{"SLURM_STEP_NUM_TASKS", "12"}, {"SLURM_NTASKS", "16"}})), "Slurm", 9, 12, 1, 3);
}

TEST_CASE("Hydra inside of a job of Slurm is MPICH, on every rank") {
  const variables script = {{"SLURM_PROCID", "0"}, {"SLURM_NTASKS", "4"}, {"SLURM_LOCALID", "0"},
                            {"SLURM_NODEID", "0"}, {"SLURM_JOB_ID", "5"}, {"SLURM_TASKS_PER_NODE", "4"}};
  const variables on_second_node = with(script, {{"SLURM_PROCID", "1"}, {"SLURM_STEP_NUM_TASKS", "2"}});
  for (const char* rank : {"0", "1", "3"}) {
    CAPTURE(rank);
    const variables by_hydra = {
        {"PMI_RANK", rank}, {"PMI_SIZE", "4"}, {"MPI_LOCALRANKID", rank}, {"MPI_LOCALNRANKS", "4"}};
    CHECK(read(with(script, by_hydra)).launcher == "MPICH");
    CHECK(read(with(on_second_node, by_hydra)).launcher == "MPICH");
    CHECK(read(with(on_second_node, {{"PMI_RANK", rank}, {"PMI_SIZE", "4"}})).launcher == "MPICH");
  }
}

TEST_CASE("address and port of mics go before the common ones") {
  const environment found = read(with(torchrun, {{"MICS_MASTER_ADDR", "10.0.0.1"}, {"MICS_MASTER_PORT", "1"}}));
  CHECK(found.master_address == "10.0.0.1");
  CHECK(found.master_port == 1);
}

TEST_CASE("the node can be named, by mics before NCCL") {
  CHECK(read({}).node_id.empty());
  CHECK(read({{"NCCL_HOSTID", "b"}}).node_id == "b");
  CHECK(read({{"NCCL_HOSTID", "b"}, {"MICS_NODE_ID", "a"}}).node_id == "a");
}

TEST_CASE("the secret: given, else from what tells jobs apart") {
  CHECK(read(with(torchrun, {{"MICS_JOB_SECRET", "open sesame"}})).job_secret == "open sesame");
  const std::string plain = read(torchrun).job_secret;
  for (const char* name : {"TORCHELASTIC_RUN_ID", "SLURM_JOB_ID", "PMIX_NAMESPACE", "MICS_MASTER_ADDR"}) {
    CAPTURE(name);
    const std::string one = read(with(torchrun, {{name, "1"}})).job_secret;
    CHECK(one != plain);
    CHECK(one != read(with(torchrun, {{name, "2"}})).job_secret);
    CHECK(one == read(with(torchrun, {{name, "1"}, {"RANK", "6"}, {"LOCAL_RANK", "2"}})).job_secret);
  }
}

TEST_CASE("steps of one job have different secrets under Slurm, but not under launchers that use several steps") {
  const auto secret = [](const variables& base, const char* step) {
    return read(with(base, {{"MASTER_ADDR", "a"}, {"MASTER_PORT", "1"}, {"SLURM_STEP_ID", step}})).job_secret;
  };
  CHECK(secret(slurm, "1") != secret(slurm, "2"));
  CHECK(secret(torchrun, "1") == secret(torchrun, "2"));
}

TEST_CASE("the variables of the process are read when no others are given") {
  REQUIRE(::setenv("MICS_NODE_ID", "a name of this test", 1) == 0);
  CHECK(mics::bootstrap::read_environment().node_id == "a name of this test");
  REQUIRE(::unsetenv("MICS_NODE_ID") == 0);
}
