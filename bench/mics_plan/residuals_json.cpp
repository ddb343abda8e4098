#include "residuals_json.hpp"

#include <fstream>
#include <stdexcept>

#include <nlohmann/json.hpp>

namespace plan_tool {
namespace {

using json = nlohmann::ordered_json;

json json_of(const mics::model::residual& r) {
  const auto& c = r.measured.call;
  return {{"op", name_of(c.what)},
          {"algo", name_of(c.how)},
          {"nodes", c.shape.nodes},
          {"node_size", c.shape.node_size},
          {"size", c.bytes},
          {"in_place", c.in_place},
          {"time_us", 1e6 * r.measured.seconds},
          {"predicted_us", 1e6 * r.predicted_s}};
}

json json_of(const step_prediction& way) {
  return {{"name", way.name},
          {"partition", way.partition},
          {"rounds", way.errors.size()},
          {"time_us", 1e6 * way.measured_s},
          {"predicted_us", 1e6 * way.predicted_s},
          {"median_error", way.median_error()}};
}

/// One element a line.
template <class Elements> void write_list(std::ofstream& file, const char* name, const Elements& all) {
  file << " \"" << name << "\": [";
  const char* separator = "\n  ";
  for (const auto& each : all) {
    file << separator << json_of(each).dump();
    separator = ",\n  ";
  }
  file << "]";
}

}  // namespace

void write_json(const std::string& path, const measurements& read, const std::vector<mics::model::residual>& fitted,
                const training_check& steps) {
  const json context{{"program", "mics_plan"},
                     {"transport", read.transport},
                     {"type", read.type},
                     {"files", read.about},
                     {"training", steps.about}};
  std::ofstream file(path);
  file << "{\"context\": " << context.dump() << ",\n";
  write_list(file, "rows", fitted);
  file << ",\n";
  write_list(file, "steps", steps.ways);
  file << "}\n";
  if (!file) throw std::runtime_error("--json: cannot write '" + path + "'");
}

}  // namespace plan_tool
