#pragma once

#include <string>
#include <vector>

#include <cuda_runtime_api.h>
#include <nccl.h>

struct settings {
  std::string communication = "both";  // nccl, mics or both
  int partition = 0;                   // with mics: ranks that share a replica; 0: those of a node
  int micro_steps = 4;
  int steps = 60;
};

/// What a training run was like.
struct curve {
  std::vector<float> losses;
  double milliseconds = 0;  // a step, the first ones left out
};

/// Trains from the start values on, with communication_nccl or with communication_mics; collective over `comm`.
curve train_with_nccl(ncclComm_t comm, cudaStream_t stream, const settings& s);
curve train_with_mics(ncclComm_t comm, cudaStream_t stream, const settings& s);
