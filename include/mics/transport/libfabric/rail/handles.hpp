#pragma once

#include <memory>
#include <string>

#include <rdma/fabric.h>
#include <rdma/fi_domain.h>
#include <rdma/fi_endpoint.h>
#include <rdma/fi_errno.h>

#include <mics/error.hpp>

namespace mics::libfabric {

/// Throws transport_error, with libfabric's words, unless a call has succeeded.
inline void check(long result, const char* call, int rank = -1) {
  if (result >= 0) return;
  throw transport_error("libfabric refused a call",
                        {.rank = rank, .native = std::string(call) + ": " + fi_strerror(static_cast<int>(-result))});
}

struct close_handle {
  template <class Handle> void operator()(Handle* handle) const noexcept { fi_close(&handle->fid); }
};
/// Owns one of libfabric's objects.
template <class Handle> using handle = std::unique_ptr<Handle, close_handle>;

struct free_info {
  void operator()(fi_info* info) const noexcept { fi_freeinfo(info); }
};
using info_list = std::unique_ptr<fi_info, free_info>;

/// Makes an object by one of libfabric's calls, which take the place for it as `place`.
template <class Handle, class Open> handle<Handle> opened(const char* call, int rank, Open open) {
  Handle* made = nullptr;
  check(open(&made), call, rank);
  return handle<Handle>(made);
}

}  // namespace mics::libfabric
