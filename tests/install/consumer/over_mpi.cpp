// A session out of MPI's world, found by way of the component alone; one rank when no launcher starts it.

#include <cstdio>

#include <mpi.h>

#include <mics/bootstrap/mpi.hpp>

int main(int argc, char** argv) {
  MPI_Init(&argc, &argv);
  auto job = mics::bootstrap::mpi::rendezvous(MPI_COMM_WORLD);
  std::printf("rank %d of %d\n", job.rank(), job.size());
  job.close();
  MPI_Finalize();
}
