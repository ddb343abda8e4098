#include "reproduce.hpp"

#include <cmath>
#include <cstdio>
#include <fstream>
#include <vector>

#include <nlohmann/json.hpp>

#include <mics/error.hpp>

#include "figures.hpp"
#include "fit.hpp"
#include "runs.hpp"

namespace simulate {
namespace {

using json = nlohmann::ordered_json;

struct row {
  figure of;
  double simulated = 0;
  double left_out = 0;
  [[nodiscard]] bool fine() const noexcept { return of.within_band(simulated, of.fitted()); }
  [[nodiscard]] bool fine_left_out() const noexcept {
    return !of.fitted() || std::isnan(left_out) || of.within_band(left_out, false);
  }
  [[nodiscard]] bool has_band() const noexcept { return of.fitted_band > 0 || of.highest > 0; }
};

std::vector<row> rows_of(const calibration& constants) {
  std::vector<row> rows;
  for (const figure& each : figures()) rows.push_back({each, each.simulate(constants), without(constants, each)});
  return rows;
}

std::string error_text(const figure& of, double simulated) {
  if (std::isnan(simulated)) return "-";
  char text[32];
  std::snprintf(text, sizeof text, of.in_points ? "%+.2f points" : "%+.1f %%", of.error_of(simulated));
  return text;
}

std::string value_text(const figure& of, double value) {
  if (std::isnan(value)) return "-";
  char text[32];
  std::snprintf(text, sizeof text, of.unit == "x" || of.in_points ? "%.2f" : "%.1f", value);
  return text;
}

const char* how(const figure& of) { return of.is_input ? "input" : of.fitted() ? "fitted" : "predicted"; }

void print(const row& each) {
  const figure& of = each.of;
  const char* verdict = of.is_input        ? "given"
                        : !each.has_band() ? "no band"
                        : each.fine()      ? "consistent with"
                                           : "outside the band";
  std::printf("| %s | %s %s | %s | %s | %s | %s | %s | %s | %s%s%s |\n", of.name.c_str(),
              value_text(of, of.published).c_str(), of.unit.c_str(), value_text(of, each.simulated).c_str(),
              error_text(of, each.simulated).c_str(), how(of), value_text(of, each.left_out).c_str(),
              (error_text(of, each.left_out) + (each.fine_left_out() ? "" : ", outside the band")).c_str(), verdict,
              of.source.c_str(), of.remark.empty() ? "" : "; ", of.remark.c_str());
}

/// What the sources say in words only.
void print_remarks(const calibration& constants) {
  const auto large = step_of(constants, "p4d", "100b", 512, mics_of(constants, "100b"));
  const auto small = step_of(constants, "p4d", "100b", 128, mics_of(constants, "100b"));
  std::printf("\n100B MiCS: 1 - efficiency = %.3f %%, hop 2 / step = %.3f %%\n",
              100 * (1 - mics::model::weak_scaling(small, large)), 100 * large.hop2_s / large.step_s);
  const double tuned = step_of(constants, "p3dn", "bert", 128, mics::model::zero3()).step_s /
                       step_of(constants, "p3dn", "bert", 128, mics_of(constants, "bert")).step_s;
  std::printf("BERT 10B, 128 p3dn GPUs: MiCS over coalesced, prefetching ZeRO-3 = %.2f (published: ahead of it)\n",
              tuned);
}

void print_constants(const calibration& constants) {
  std::printf("\n| constant | value | unit | label | source |\n|---|---|---|---|---|\n");
  for (const auto& each : constants.entries()) {
    std::printf("| %s | %.6g | %s | %s | %s |\n", each.name.c_str(), each.number.value, each.unit.c_str(),
                std::string(mics::model::name_of(each.number.how)).c_str(), each.number.source.c_str());
  }
}

void write(const std::string& path, const std::vector<row>& rows) {
  json list = json::array();
  const auto or_null = [](double value) { return std::isnan(value) ? json(nullptr) : json(value); };
  for (const row& each : rows) {
    list.push_back({{"figure", each.of.name},
                    {"unit", each.of.unit},
                    {"published", each.of.published},
                    {"source", each.of.source},
                    {"simulated", each.simulated},
                    {"error", each.of.error_of(each.simulated)},
                    {"error_unit", each.of.in_points ? "points" : "%"},
                    {"how", how(each.of)},
                    {"left_out", or_null(each.left_out)},
                    {"left_out_error", or_null(each.of.error_of(each.left_out))},
                    {"within_band", each.has_band() ? json(each.fine()) : json(nullptr)},
                    {"left_out_within_band", each.has_band() ? json(each.fine_left_out()) : json(nullptr)},
                    {"remark", each.of.remark}});
  }
  std::ofstream file(path);
  file << json{{"figures", list}}.dump(1) << '\n';
  file.flush();
  if (!file) throw mics::usage_error("the figures cannot be written to '" + path + "'");
}

}  // namespace

bool reproduce(const calibration& constants, const std::string& json_path) {
  const std::vector<row> rows = rows_of(constants);
  std::printf("| figure | published | simulated | error | how | left out | its error | verdict | source |\n");
  std::printf("|---|---|---|---|---|---|---|---|---|\n");
  bool fine = true;
  for (const row& each : rows) {
    print(each);
    fine = fine && (!each.has_band() || each.fine());
  }
  print_remarks(constants);
  print_constants(constants);
  if (!json_path.empty()) write(json_path, rows);
  return fine;
}

}  // namespace simulate
