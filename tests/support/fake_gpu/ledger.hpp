#pragma once

#include <chrono>
#include <string>

#include "fake_gpu.hpp"

namespace fake_gpu {

/// How long anything waits for another thread of the test: then it is a complaint, and the wait ends.
inline constexpr std::chrono::seconds patience{60};

void complain(const std::string& what);

/// Changes the inventory, e.g. count(&inventory::streams, 1).
void count(int inventory::*what, int by);
void count_bytes(std::ptrdiff_t by);
void count_copy_engine_collective();
void count_window_reduction();

}  // namespace fake_gpu
