// What a PyTorch trainer needs of mics: gathers of one unit's parameters, and two-hop gradient synchronization.

#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <torch/extension.h>

#include <mics/groups.hpp>
#include <mics/mics.hpp>
#include <mics/training.hpp>
#include <mics/transport/nccl.hpp>

namespace {

cudaStream_t stream_of(std::uint64_t handle) { return reinterpret_cast<cudaStream_t>(handle); }

/// The communication of one rank; a unit is the parameters of a layer, in one flat buffer of bfloat16.
class partitioned {
 public:
  partitioned(const pybind11::bytes& id, int rank, int size, int node_size, int partition_size,
              const std::vector<std::vector<std::size_t>>& units)
      : world_(id_of(id), rank, size, {.node_size = node_size}),
        groups_(world_, {.node_size = node_size, .partition_size = partition_size}),
        layouts_(layouts(units, partition_size)),
        sync_(groups_, layouts_) {}

  static pybind11::bytes unique_id() {
    const ncclUniqueId id = mics::nccl::unique_id();
    return {id.internal, sizeof id.internal};
  }

  [[nodiscard]] int shard_index() { return groups_.partition().rank(); }
  [[nodiscard]] std::size_t shard_elements(std::size_t unit) const { return layouts_.at(unit).shard_elements(); }
  [[nodiscard]] std::size_t flat_elements(std::size_t unit) const { return layouts_.at(unit).flat_elements(); }
  [[nodiscard]] std::size_t offset_of(std::size_t unit, std::size_t tensor) const {
    return layouts_.at(unit).offset_of(tensor);
  }

  void gather(std::size_t unit, const torch::Tensor& shard, const torch::Tensor& full, std::uint64_t stream) {
    mics::all_gather(groups_.partition(), shard.data_ptr(), full.data_ptr(), shard_elements(unit),
                     mics::data_type::bfloat16, stream_of(stream));
  }
  void accumulate(std::size_t unit, const torch::Tensor& gradients, std::uint64_t stream) {
    const auto* const flat = static_cast<const mics::bfloat16*>(gradients.data_ptr());
    sync_.accumulate(unit, std::span(flat, flat_elements(unit)), stream_of(stream));
  }
  void synchronize(std::size_t unit, std::uint64_t stream) { sync_.synchronize_unit(unit, stream_of(stream)); }
  void begin_step() { sync_.reset(); }
  /// This rank's shard of the gradients; the library's memory, which stays.
  [[nodiscard]] torch::Tensor gradients(std::size_t unit) const {
    const auto shard = sync_.shard(unit);
    return torch::from_blob(shard.data(), {static_cast<std::int64_t>(shard.size())},
                            torch::dtype(torch::kBFloat16).device(torch::kCUDA, world_.device()));
  }

 private:
  using groups = mics::groups<mics::nccl::communicator_ref>;

  static ncclUniqueId id_of(const pybind11::bytes& bytes) {
    ncclUniqueId id{};
    const std::string text = bytes;
    TORCH_CHECK(text.size() == sizeof id.internal, "an id has ", sizeof id.internal, " bytes, not ", text.size());
    std::memcpy(id.internal, text.data(), text.size());
    return id;
  }
  static std::vector<mics::shard_layout> layouts(const std::vector<std::vector<std::size_t>>& units, int shards) {
    std::vector<mics::shard_layout> all;
    for (const auto& tensors : units) all.emplace_back(tensors, shards, 8);  // NCCL's kernels move 16 bytes at once
    return all;
  }

  mics::nccl::communicator world_;
  groups groups_;
  std::vector<mics::shard_layout> layouts_;
  // As FSDP2 with reduce_dtype=bfloat16: what adds up, and crosses the nodes, is bfloat16.
  mics::gradient_sync<groups, mics::bfloat16, mics::bfloat16> sync_;
};

}  // namespace

PYBIND11_MODULE(TORCH_EXTENSION_NAME, m) {
  m.def("unique_id", &partitioned::unique_id);
  pybind11::class_<partitioned>(m, "Partitioned")
      .def(pybind11::init<const pybind11::bytes&, int, int, int, int, const std::vector<std::vector<std::size_t>>&>())
      .def_property_readonly("shard_index", &partitioned::shard_index)
      .def("shard_elements", &partitioned::shard_elements)
      .def("flat_elements", &partitioned::flat_elements)
      .def("offset_of", &partitioned::offset_of)
      .def("gather", &partitioned::gather)
      .def("accumulate", &partitioned::accumulate)
      .def("synchronize", &partitioned::synchronize)
      .def("begin_step", &partitioned::begin_step)
      .def("gradients", &partitioned::gradients);
}
