#include "residuals_json.hpp"

#include <fstream>
#include <stdexcept>

#include <nlohmann/json.hpp>

namespace plan_tool {
namespace {

using ordered = nlohmann::ordered_json;

ordered json_of(const mics::model::residual& r) {
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

ordered json_of(const step_prediction& way, const std::string& training) {
  return {{"training", training},
          {"name", way.name},
          {"partition", way.partition},
          {"rounds", way.errors.size()},
          {"time_us", 1e6 * way.measured_s},
          {"predicted_us", 1e6 * way.predicted_s},
          {"median_error", way.median_error()}};
}

/// One element a line.
void write_list(std::ofstream& file, const char* name, const std::vector<ordered>& all) {
  file << " \"" << name << "\": [";
  const char* separator = "\n  ";
  for (const ordered& each : all) {
    file << separator << each.dump();
    separator = ",\n  ";
  }
  file << "]";
}

}  // namespace

void write_json(const std::string& path, const measurements& read, const std::vector<mics::model::residual>& fitted,
                const std::vector<training_check>& trainings) {
  const ordered context{
      {"program", "mics_plan"}, {"transport", read.transport}, {"type", read.type}, {"files", read.about}};
  std::vector<ordered> rows, steps;
  for (const auto& r : fitted) rows.push_back(json_of(r));
  for (const training_check& training : trainings) {
    for (const step_prediction& way : training.ways) steps.push_back(json_of(way, training.about));
  }
  std::ofstream file(path);
  file << "{\"context\": " << context.dump() << ",\n";
  write_list(file, "rows", rows);
  file << ",\n";
  write_list(file, "steps", steps);
  file << "}\n";
  if (!file) throw std::runtime_error("--json: cannot write '" + path + "'");
}

}  // namespace plan_tool
