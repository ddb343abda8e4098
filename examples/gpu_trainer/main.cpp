// A small trainer with its own communicator, stream and device memory. Only two files know how ranks communicate:
// communication_nccl.cuh (before) and communication_mics.cuh (after). Compare those.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <exception>
#include <stdexcept>
#include <string>

#include <mics/bootstrap.hpp>

#include "check.hpp"
#include "trainer.hpp"

namespace {

void print(const settings& s, const curve& before, const curve& after) {
  const bool with_nccl = !before.losses.empty(), with_mics = !after.losses.empty();
  const auto line = [&](const char* name, auto value_of) {
    std::printf("%-12s", name);
    with_nccl ? std::printf("%12.6f", static_cast<double>(value_of(before))) : std::printf("%12s", "-");
    with_mics ? std::printf("%12.6f\n", static_cast<double>(value_of(after))) : std::printf("%12s\n", "-");
  };
  std::printf("%-12s%12s%12s\n", "loss", "nccl", "mics");
  for (std::size_t step = 1; step <= static_cast<std::size_t>(s.steps); ++step) {
    if (step != 1 && step % 10 != 0) continue;
    line(("step " + std::to_string(step)).c_str(), [step](const curve& c) { return c.losses[step - 1]; });
  }
  line("ms a step", [](const curve& c) { return c.milliseconds; });
  if (!with_nccl || !with_mics) return;
  float apart = 0;
  for (std::size_t i = 0; i < after.losses.size(); ++i)
    apart = std::max(apart, std::abs(after.losses[i] / before.losses[i] - 1.0f));
  std::printf("losses differ by %.1e at most: gradients travel in bf16 and add up in another order\n",
              static_cast<double>(apart));
}

void run(const settings& s) {
  const auto place = mics::bootstrap::read_environment();
  int devices = 0;
  check(cudaGetDeviceCount(&devices));
  check(cudaSetDevice((place.local_rank >= 0 ? place.local_rank : place.rank) % devices));
  auto job = mics::bootstrap::rendezvous(place);
  ncclUniqueId id{};
  if (job.rank() == 0) check(ncclGetUniqueId(&id));
  ncclComm_t comm = nullptr;
  check(ncclCommInitRank(&comm, job.size(), job.broadcast(id), job.rank()));
  cudaStream_t stream = nullptr;
  check(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));

  curve before, after;
  if (s.communication != "mics") before = train_with_nccl(comm, stream, s);
  if (s.communication != "nccl") after = train_with_mics(comm, stream, s);
  if (job.rank() == 0) print(s, before, after);

  check(cudaStreamDestroy(stream));
  check(ncclCommDestroy(comm));
}

/// gpu_trainer [nccl|mics|both [partition [micro-steps]]]
settings read(int argc, char** argv) {
  settings s;
  const auto number = [&](int at, int otherwise) { return argc > at ? std::stoi(argv[at]) : otherwise; };
  if (argc > 1) s.communication = argv[1];
  s.partition = number(2, s.partition);
  s.micro_steps = number(3, s.micro_steps);
  const bool known = s.communication == "nccl" || s.communication == "mics" || s.communication == "both";
  if (known && s.partition >= 0 && s.micro_steps > 0) return s;
  throw std::invalid_argument("usage: gpu_trainer [nccl|mics|both [partition [micro-steps]]]");
}

}  // namespace

int main(int argc, char** argv) {
  try {
    run(read(argc, argv));
  } catch (const std::exception& problem) {
    std::fprintf(stderr, "gpu_trainer: %s\n", problem.what());
    return 1;
  }
}
