#include "call.hpp"

#include <string>

#include "memory.hpp"

namespace fake_gpu {

std::size_t width_of(ncclDataType_t type) {
  switch (type) {
    case ncclInt8:
    case ncclUint8:
      return 1;
    case ncclFloat16:
    case ncclBfloat16:
      return 2;
    case ncclInt32:
    case ncclUint32:
    case ncclFloat32:
      return 4;
    case ncclInt64:
    case ncclUint64:
    case ncclFloat64:
      return 8;
    default:
      return 0;
  }
}

std::size_t algorithm_of(const call& c) { return c.count * width_of(c.type) < (std::size_t{1} << 20) ? 0 : 1; }

std::string describe(const call& c) {
  constexpr const char* names[] = {"all-gather", "reduce-scatter", "all-reduce", "broadcast",
                                   "reduce",     "send",           "receive"};
  return std::string(names[static_cast<int>(c.what)]) + " of " + std::to_string(c.count) + " x type " +
         std::to_string(static_cast<int>(c.type)) + ", op " + std::to_string(static_cast<int>(c.op)) + ", peer " +
         std::to_string(c.peer);
}

bool agree(const call& a, const call& b) {
  return a.what == b.what && a.count == b.count && a.type == b.type && a.op == b.op && a.peer == b.peer &&
         a.scalar == b.scalar;
}

namespace {

struct range {
  const std::byte* first = nullptr;
  std::size_t bytes = 0;
};

bool apart(const range& a, const range& b) {
  return a.bytes == 0 || b.bytes == 0 || a.first + a.bytes <= b.first || b.first + b.bytes <= a.first;
}

std::string misplaced(const char* name, const range& r, int device) {
  if (r.bytes == 0) return {};
  const int its = device_of(r.first, r.bytes);
  if (its == device) return {};
  if (its >= 0) return std::string(name) + " lies on device " + std::to_string(its);
  return std::string(name) + " is not " + std::to_string(r.bytes) + " bytes in one allocation of a device";
}

}  // namespace

std::string mistakes(const call& c, int rank, int size, int device) {
  const std::size_t width = width_of(c.type);
  if (width == 0) return "type " + std::to_string(static_cast<int>(c.type)) + " is not known";
  if (c.peer < 0 || c.peer >= size) return "there is no rank " + std::to_string(c.peer);
  const std::size_t one = c.count * width, all = one * static_cast<std::size_t>(size);
  const bool is_root = c.peer == rank;
  range from{c.from, one}, to{c.to, one};
  std::size_t shift_from = 0, shift_to = 0;  // where the one lies in the other, in place
  switch (c.what) {
    case kind::all_gather:
      to.bytes = all;
      shift_from = one * static_cast<std::size_t>(rank);
      break;
    case kind::reduce_scatter:
      from.bytes = all;
      shift_to = one * static_cast<std::size_t>(rank);
      break;
    case kind::all_reduce:
      break;
    case kind::broadcast:
      if (!is_root) from = {};
      break;
    case kind::reduce:
      if (!is_root) to = {};
      break;
    case kind::send:
      to = {};
      break;
    case kind::receive:
      from = {};
      break;
  }
  if (const auto wrong = misplaced("the send buffer", from, device); !wrong.empty()) return wrong;
  if (const auto wrong = misplaced("the receive buffer", to, device); !wrong.empty()) return wrong;
  const bool in_place = from.first + shift_to == to.first + shift_from;
  return in_place || apart(from, to) ? std::string() : "the buffers overlap";
}

}  // namespace fake_gpu
