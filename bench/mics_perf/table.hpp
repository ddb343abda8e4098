#pragma once

#include <cstdio>
#include <optional>
#include <string>
#include <vector>

#include "row.hpp"

namespace perf {

namespace table {

inline std::string microseconds(double us) {
  char text[32];
  std::snprintf(text, sizeof text, us < 10 ? "%.3f" : us < 100 ? "%.2f" : us < 10000 ? "%.1f" : "%.0f", us);
  return text;
}

inline std::string bandwidth(const std::optional<double>& gb_s) {
  if (!gb_s) return "-";
  char text[32];
  std::snprintf(text, sizeof text, "%.2f", *gb_s);
  return text;
}

template <class T> std::string whole(const std::optional<T>& value) { return value ? std::to_string(*value) : "-"; }

/// "1.09 1.08": out of place, in place.
inline std::string over_limit(const row* out_of_place, const row* in_place) {
  std::string forms;
  for (const row* form : {out_of_place, in_place}) {
    if (form == nullptr || !form->limit_us || *form->limit_us <= 0) continue;
    char text[32];
    std::snprintf(text, sizeof text, "%.2f", form->time_us / *form->limit_us);
    forms += (forms.empty() ? "" : " ") + std::string(text);
  }
  return forms.empty() ? "-" : forms;
}

/// The four columns of one form, blank when the operation does not have it.
inline void print_form(const row* r) {
  if (r == nullptr) {
    std::printf(" %9s %7s %7s %6s", "-", "-", "-", "-");
  } else {
    std::printf(" %9s %7s %7s %6s", microseconds(r->time_us).c_str(), bandwidth(r->algbw).c_str(),
                bandwidth(r->busbw).c_str(), r->wrong ? std::to_string(*r->wrong).c_str() : "N/A");
  }
}

}  // namespace table

/// The columns of nccl-tests, then the algorithm, the bytes into the busiest node, the limit, and how many times it the
/// forms took.
inline void print_head(const std::string& op) {
  std::printf("#\n# %s\n", op.c_str());
  std::printf("# %10s %11s %11s %7s  %32s %32s\n", "", "", "", "", "out-of-place            ",
              "in-place              ");
  std::printf("# %10s %11s %11s %7s  %9s %7s %7s %6s %9s %7s %7s %6s  %-22s %12s %10s %12s\n", "size", "count", "type",
              "redop", "time", "algbw", "busbw", "#wrong", "time", "algbw", "busbw", "#wrong", "algorithm", "into node",
              "limit", "time/limit");
  std::printf("# %10s %11s %11s %7s  %9s %7s %7s %6s %9s %7s %7s %6s  %-22s %12s %10s %12s\n", "(B)", "(elements)", "",
              "", "(us)", "(GB/s)", "(GB/s)", "", "(us)", "(GB/s)", "(GB/s)", "", "", "(B)", "(us)", "");
}

/// One line: both forms of one algorithm at one size; either may be missing.
inline void print_line(const row* out_of_place, const row* in_place) {
  const row& any = out_of_place != nullptr ? *out_of_place : *in_place;
  std::printf("  %10zu %11zu %11s %7s ", any.size, any.count, any.type.c_str(),
              any.redop.empty() ? "none" : any.redop.c_str());
  table::print_form(out_of_place);
  table::print_form(in_place);
  const std::string name = any.plan.empty() || any.plan == any.algo ? any.algo : any.algo + ":" + any.plan;
  std::printf("  %-22s %12s %10s %12s\n", name.c_str(), table::whole(any.node_in_bytes).c_str(),
              any.limit_us ? table::microseconds(*any.limit_us).c_str() : "-",
              table::over_limit(out_of_place, in_place).c_str());
  std::fflush(stdout);
}

}  // namespace perf
