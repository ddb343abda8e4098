#include <cstdio>
#include <stdexcept>

#include <mics/error.hpp>
#include <mics/version.hpp>

int main() {
  try {
    throw mics::usage_error("found", {.rank = 0});
  } catch (const mics::error& found) {
    std::printf("mics %d.%d.%d: %s\n", MICS_VERSION_MAJOR, MICS_VERSION_MINOR, MICS_VERSION_PATCH, found.what());
  }
}
