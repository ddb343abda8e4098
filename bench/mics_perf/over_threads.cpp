#include "thread_launcher.hpp"
#include "whole_run.hpp"

namespace perf {

int over_threads(const options& chosen, const context& facts) {
  static_assert(launcher<thread_launcher>);
  print_context(chosen, facts);
  thread_launcher threads(chosen);
  report result(chosen, threads.name());
  run(threads, chosen, result);
  return conclude(chosen, facts, result);
}

}  // namespace perf
