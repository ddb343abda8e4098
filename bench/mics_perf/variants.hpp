#pragma once

#include <string>

#include <mics/collectives/planned_call.hpp>
#include <mics/error.hpp>
#include <mics/options.hpp>
#include <mics/plan.hpp>

#include "exchange.hpp"
#include "names.hpp"
#include "options.hpp"

namespace perf {

/// More than any block: a chunk of this size keeps the library from cutting them.
inline constexpr std::size_t whole_blocks = std::size_t{1} << 62;

/// What the library is asked for by one entry of --algo: over NCCL hierarchical and packed are the two forms of the
/// rail stage in whole blocks, messages and a collective, and overlapped and overlapped_packed are these in chunks.
/// Throws usage_error where the entry is another one's double.
inline mics::collective_options options_of(const variant& asked, mics::operation op, const options& run) {
  const auto& [name, how] = asked;
  mics::collective_options chosen;
  chosen.how = name == "flat" ? flat_algorithm(op) : how;
  if (how == mics::algorithm::hierarchical && run.transport == transport::nccl) {
    chosen.on_rail = mics::algorithm::direct;
    chosen.chunk_bytes = whole_blocks;
  }
  if (name.starts_with("overlapped")) chosen.chunk_bytes = run.chunk_bytes;
  if (name.ends_with("packed")) {
    chosen.on_rail = mics::algorithm::native;
    if (op == mics::operation::broadcast) throw mics::usage_error(name + " is no form of broadcast, which has one");
  }
  return chosen;
}

/// What the library chose. Throws usage_error when what was asked for cannot serve the group, or chunks do not cut the
/// call.
template <class Group>
std::string plan_name(const Group& group, const exchange& call, const mics::collective_options& how) {
  const std::size_t width = mics::size_of(call.type);
  const std::size_t blocks = call.op == mics::operation::all_reduce ? static_cast<std::size_t>(call.ranks) : 1;
  const mics::plan made =
      mics::detail::make_plan(group, {.what = call.op,
                                      .bytes = call.bytes(),
                                      .block_bytes = call.block_bytes() / blocks,
                                      .how = how.how,
                                      .chunk_bytes = how.chunk_bytes,
                                      .element_bytes = width,
                                      .on_rail = how.on_rail,
                                      .plain_sum = mics::detail::adds_floats(call.type, call.reduction)});
  if (how.chunk_bytes > 0 && how.chunk_bytes < whole_blocks && made.chunks() == 1) {
    throw mics::usage_error("blocks of " + std::to_string(call.block_bytes() / blocks) + " bytes are one chunk of " +
                            std::to_string(how.chunk_bytes));
  }
  const bool packed = call.op != mics::operation::broadcast && made.how() == mics::algorithm::hierarchical &&
                      made.on_rail() == mics::algorithm::native;
  if (packed && how.on_rail == mics::algorithm::direct) {
    throw mics::usage_error("the rail stage is a collective here: see packed and overlapped_packed");
  }
  const bool overlapped = mics::native_communicator<Group> && made.chunks() > 1;
  if (overlapped) return packed ? "overlapped_packed" : "overlapped";
  return packed ? "packed" : std::string(mics::name_of(made.how()));
}

}  // namespace perf
