#pragma once

#include <tuple>
#include <type_traits>
#include <vector>

#include <nccl.h>

#include <mics/transport/nccl/native/result.hpp>
#include <mics/types.hpp>

namespace mics::nccl {

/// The scaled sums of staged averages: the first stage multiplies by 1/p what it reads, as NCCL's own average does, and
/// the later ones only add, so that the scale is applied once. One a communicator and type.
class averages {
 public:
  averages() = default;
  averages(const averages&) = delete;
  averages& operator=(const averages&) = delete;
  ~averages() { clear(); }

  ncclRedOp_t find(ncclComm_t comm, data_type type, ncclDataType_t native, int ranks) {
    for (const auto& [its_comm, its_type, op] : made_) {
      if (its_comm == comm && its_type == type) return op;
    }
    ncclRedOp_t op = ncclSum;
    visit_reducible_type(type, [&]<class T>(std::type_identity<T>) {
      if constexpr (is_floating(data_type_of<T>)) {
        T factor(static_cast<float>(1.0 / ranks));
        if constexpr (std::is_same_v<T, double>) factor = 1.0 / ranks;
        check(ncclRedOpCreatePreMulSum(&op, &factor, native, ncclScalarHostImmediate, comm), "ncclRedOpCreatePreMulSum",
              comm);
      }
    });
    made_.emplace_back(comm, type, op);
    return op;
  }

  /// Once the communicators are gone.
  void forget() noexcept { made_.clear(); }

  /// Before the communicators go.
  void clear() {
    for (const auto& [comm, type, op] : made_) ncclRedOpDestroy(op, comm);
    made_.clear();
  }

 private:
  std::vector<std::tuple<ncclComm_t, data_type, ncclRedOp_t>> made_{};
};

}  // namespace mics::nccl
