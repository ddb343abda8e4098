// Ranks as threads, each with a fake GPU.

#include <barrier>
#include <cstddef>
#include <exception>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "../fake_gpu/fake_gpu.hpp"
#include "cluster.hpp"

namespace mics::test {

namespace {

/// What the ranks of a test share.
struct common {
  explicit common(int ranks) : all_here(ranks) {}
  std::barrier<> all_here;
  ncclUniqueId id{};
  std::mutex mutex;
  std::string failures;
};

class thread_host final : public gpu_host {
 public:
  thread_host(common& shared, const gpu_cluster& cluster, int rank)
      : shared_(&shared), cluster_(cluster), rank_(rank) {}

  [[nodiscard]] int rank() const override { return rank_; }
  [[nodiscard]] int size() const override { return cluster_.world; }
  void barrier() override { shared_->all_here.arrive_and_wait(); }
  [[nodiscard]] ncclUniqueId unique_id() override {
    if (rank_ == 0) shared_->id = nccl::unique_id();
    barrier();
    const ncclUniqueId id = shared_->id;
    barrier();
    return id;
  }
  [[nodiscard]] nccl::communicator world(nccl::settings chosen) override {
    for (int r = 0; chosen.node_size == 0 && r < size(); ++r) chosen.node_of.push_back(r / cluster_.node_size);
    return nccl::communicator(unique_id(), rank_, size(), std::move(chosen));
  }

 private:
  common* shared_;
  gpu_cluster cluster_;
  int rank_;
};

void run_rank(common& shared, const gpu_cluster& cluster, int rank, const std::function<void(gpu_host&)>& body) {
  try {
    nccl::check(cudaSetDevice(rank), "cudaSetDevice");
    thread_host host(shared, cluster, rank);
    body(host);
  } catch (const std::exception& e) {
    const std::lock_guard lock(shared.mutex);
    shared.failures += "\n  rank " + std::to_string(rank) + ": " + e.what();
  }
  shared.all_here.arrive_and_drop();
}

}  // namespace

void on_gpus(const gpu_cluster& cluster, const std::function<void(gpu_host&)>& body, leftovers expected) {
  const fake_gpu::inventory before = fake_gpu::alive();
  common shared(cluster.world);
  {
    std::vector<std::jthread> ranks;
    for (int r = 0; r < cluster.world; ++r) {
      ranks.emplace_back([&, r] { run_rank(shared, cluster, r, body); });
    }
  }
  for (const std::string& complaint : fake_gpu::take_complaints()) {
    shared.failures += "\n  the GPUs: " + complaint;
  }
  if (expected == leftovers::expected) fake_gpu::release_all();
  if (const auto after = fake_gpu::alive(); after != before) {
    shared.failures += "\n  left behind: " + after.describe() + "; before there were " + before.describe();
  }
  if (!shared.failures.empty()) throw std::logic_error(cluster.describe() + ":" + shared.failures);
}

std::vector<gpu_cluster> gpu_clusters() {
  return {{1, 1}, {2, 2}, {2, 1}, {4, 2}, {4, 4}, {6, 3}, {6, 2}, {5, 2}, {8, 2}, {8, 4}, {16, 4}};
}

std::vector<gpu_cluster> gpu_cluster_like(int world, int node_size) { return {{world, node_size}}; }

bool gpus_are_fake() { return true; }

}  // namespace mics::test
