#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "settings.hpp"
#include "training_run.hpp"

namespace train_lm {

/// What a rank does with its training; `mine` says whether it is the one that speaks.
using rank_task = std::function<void(const settings& mine, const training& train_by)>;

/// Calls `task` once a rank: in this process, which finds the other ranks by the variables of its launcher, or with
/// --spawn in processes forked from it. Returns when that has ended; throws what ended it.
/// Throws mics::usage_error where this program was built without libfabric.
void over_libfabric(const settings& s, std::span<const std::uint8_t> text, const rank_task& task);

}  // namespace train_lm
