// Ranks as processes, forked before any of them touches CUDA. They share the GPUs of this machine; other nodes are
// played by telling NCCL so, which then uses its sockets between them.

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

#include <mics/bootstrap/local.hpp>
#include <mics/transport/nccl/world.hpp>

#include "cluster.hpp"

namespace mics::test {

namespace {

/// Asked in a process of its own: a process that has touched CUDA cannot fork ranks that use it.
int count_devices() {
  std::fflush(nullptr);
  const pid_t child = ::fork();
  if (child == 0) {
    int count = 0;
    ::_exit(cudaGetDeviceCount(&count) == cudaSuccess ? std::min(count, 127) : 0);
  }
  int status = 0;
  if (child < 0 || ::waitpid(child, &status, 0) != child || !WIFEXITED(status)) return 0;
  return WEXITSTATUS(status);
}

int devices() {
  static const int count = count_devices();
  return count;
}

/// Tools that slow everything down, such as compute-sanitizer, may ask for fewer ranks by MICS_TEST_RANKS; not for so
/// few that no cluster is left and every test passes.
int most_ranks() {
  const char* const asked = std::getenv("MICS_TEST_RANKS");
  return asked == nullptr ? 8 : std::max(2, std::atoi(asked));
}

class process_host final : public gpu_host {
 public:
  explicit process_host(bootstrap::session& job) : job_(&job) {}

  [[nodiscard]] int rank() const override { return job_->rank(); }
  [[nodiscard]] int size() const override { return job_->size(); }
  void barrier() override { job_->barrier(); }
  [[nodiscard]] ncclUniqueId unique_id() override {
    return job_->broadcast(rank() == 0 ? nccl::unique_id() : ncclUniqueId{});
  }
  [[nodiscard]] nccl::communicator world(nccl::settings chosen) override {
    return nccl::communicator(unique_id(), rank(), size(), std::move(chosen));  // the nodes as NCCL sees them
  }

 private:
  bootstrap::session* job_;
};

}  // namespace

void on_gpus(const gpu_cluster& cluster, const std::function<void(gpu_host&)>& body, leftovers) {
  const auto as_rank = [&](bootstrap::session& job) {
    const std::string node = "mics-test-node-" + std::to_string(job.rank() / cluster.node_size);
    ::setenv("NCCL_HOSTID", node.c_str(), 1);
    ::setenv("NCCL_SOCKET_IFNAME", "lo", 0);
    nccl::check(cudaSetDevice(job.rank() % devices()), "cudaSetDevice");  // a node has no more ranks than devices
    process_host host(job);
    body(host);
    job.barrier();
  };
  using namespace std::chrono_literals;
  bootstrap::local::spawn(cluster.world, as_rank, {.timeout = 100s, .limit = 110s, .grace = 3s});
}

std::vector<gpu_cluster> gpu_clusters() {
  if (devices() == 0) {
    std::printf("skipped: no GPU here\n");
    return {};
  }
  std::vector<gpu_cluster> all{{1, 1}};
  if (devices() > 1) all = {{2, 2}, {4, 2}, {8, 2}};
  if (devices() > 3) all.insert(all.end(), {{4, 4}, {8, 4}});
  std::erase_if(all, [](const gpu_cluster& cluster) { return cluster.world > most_ranks(); });
  return all;
}

std::vector<gpu_cluster> gpu_cluster_like(int world, int node_size) {
  std::vector<gpu_cluster> best;
  for (const gpu_cluster& here : gpu_clusters()) {
    if (here.world <= world) best.assign(1, here);
    if (here.world == world && here.node_size == node_size) break;
  }
  return best;
}

bool gpus_are_fake() { return false; }

}  // namespace mics::test
