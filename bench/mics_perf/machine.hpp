#pragma once

#include <array>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <string>
#include <thread>

#include <unistd.h>

#include "options.hpp"
#include "row.hpp"

namespace perf {

inline std::string cpu_model() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);) {
    if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
  }
  return "unknown";
}

inline std::string load_average() {
  std::array<double, 1> load{};
  return ::getloadavg(load.data(), 1) == 1 ? std::to_string(load[0]) : "unknown";
}

inline std::string utc_now() {
  const std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  std::array<char, 32> text{};
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text.data();
}

/// What a reader must know to judge the rows.
inline context describe_run(const std::string& program, const options& chosen, int argc, char** argv) {
  std::string command = program;
  for (int i = 1; i < argc; ++i) command += std::string(" ") + argv[i];
#ifdef NDEBUG
  const std::string build = "optimized";
#else
  const std::string build = "with assertions";
#endif
  return {{"program", program},
          {"command", command},
          {"date", utc_now()},
          {"cpu", cpu_model()},
          {"cores", std::to_string(std::thread::hardware_concurrency())},
          {"load_average", load_average()},
          {"compiler", __VERSION__},
          {"build", build},
          {"warmup", std::to_string(chosen.warmup)},
          {"iterations", std::to_string(chosen.iterations)},
          {"time", chosen.transport == transport::thread
                       ? "median of the iterations, first start to last end over the ranks"
                       : "median of the iterations, the longest of the ranks' own times"}};
}

}  // namespace perf
