#include "measurements.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
#include <stdexcept>
#include <utility>

#include <mics/error.hpp>
#include <mics/plan/choice.hpp>

#include "../common/group_shape.hpp"
#include "../mics_perf/statistics.hpp"

namespace plan_tool {
namespace {

namespace model = mics::model;

constexpr int algorithm_count = static_cast<int>(mics::algorithm::native) + 1;

template <class Enum> bool is_one(const std::string& name, int count) {
  for (int i = 0; i < count; ++i) {
    if (name_of(static_cast<Enum>(i)) == name) return true;
  }
  return false;
}

bool is_algorithm(const std::string& name) { return is_one<mics::algorithm>(name, algorithm_count); }

/// A collective of this library, called back to back. Peers have their own names for what they do, and so have forms
/// that only one transport knows, and what programs measure beside collectives.
bool is_ours(const fields& row, const std::vector<std::string>& only) {
  const std::string algo = row.text("algo");
  const bool form_of_a_sum = row.text("plan") == "packed" && algo == "auto" && row.text("op") != "all_gather";
  const bool is_plan = is_algorithm(row.text("plan")) || form_of_a_sum;
  if (!is_plan || !is_one<mics::operation>(row.text("op"), mics::operation_count)) return false;
  if (row.has("single") && row.flag("single")) return false;
  return only.empty() || std::find(only.begin(), only.end(), algo) != only.end();
}

model::sample sample_of(const fields& row, const std::string& transport) {
  const int nodes = row.count("nodes"), node_size = row.count("node_size"), partition = row.count("partition");
  const bool replication = row.has("replication") && row.flag("replication");
  const auto shape = group_shape(nodes, node_size, partition, replication);
  model::sample s;
  s.call = collective_of(row, "plan", shape, transport);
  s.chunks = std::max(1.0, std::ceil(s.call.bytes / (shape.nodes * shape.node_size) /
                                     static_cast<double>(mics::detail::default_chunk)));
  s.seconds = row.positive("time_us") * 1e-6;
  static_cast<void>(model::stages_of(s.call));
  return s;
}

void read_row(measurements& all, const fields& row, const std::vector<std::string>& only) {
  if (!is_ours(row, only)) {
    ++all.left_out;
    return;
  }
  if (all.type.empty()) all.type = row.text("type");
  if (all.transport.empty()) all.transport = row.text("transport");
  const nlohmann::json& reduction = row.at("redop");
  if (row.text("type") != all.type || row.text("transport") != all.transport ||
      (reduction.is_string() && reduction != "sum")) {
    ++all.left_out;
    return;
  }
  try {
    all.samples.push_back(sample_of(row, all.transport));
  } catch (const mics::error& problem) {
    throw std::invalid_argument(row.where() + ": " + problem.what());
  }
  if (!is_algorithm(row.text("algo"))) all.chosen.push_back(all.samples.back().call);
}

/// What was measured several times, beside one contender after the other, counts once, with its median.
std::vector<model::sample> medians_of(const std::vector<model::sample>& all) {
  std::map<std::pair<std::string, double>, std::pair<model::sample, std::vector<double>>> calls;
  for (const model::sample& s : all) {
    auto& [call, seconds] = calls[{kind_of(s.call), s.call.bytes}];
    call = s;
    seconds.push_back(s.seconds);
  }
  std::vector<model::sample> medians;
  for (auto& [kind, its] : calls) {
    its.first.seconds = perf::median(its.second);
    medians.push_back(its.first);
  }
  return medians;
}

}  // namespace

model::collective collective_of(const fields& from, const std::string& how, mics::hierarchy shape,
                                const std::string& transport) {
  model::collective c;
  c.what = from.named<mics::operation>("op", mics::operation_count);
  const bool packed = from.text(how) == "packed";  // over NCCL: stages, of which the rail's is a collective
  c.how = packed ? mics::algorithm::hierarchical : from.named<mics::algorithm>(how, algorithm_count);
  if (c.how == mics::algorithm::native) c.how = mics::algorithm::ring;  // what NCCL's own are where bytes matter
  c.shape = shape;
  c.bytes = from.positive("size");
  c.in_place = from.flag("in_place");
  // As plan/choice.hpp decides.
  const bool small = c.bytes / (shape.nodes * shape.node_size) <= static_cast<double>(mics::detail::small_rail_block);
  c.on_rail = transport == "thread" || shape.nodes == 2 || small ? mics::algorithm::direct : mics::algorithm::ring;
  return c;
}

std::string kind_of(const model::collective& c) {
  char text[96];
  std::snprintf(text, sizeof text, "%-14s %-12s %3d x %-3d %-12s", std::string(name_of(c.what)).c_str(),
                std::string(name_of(c.how)).c_str(), c.shape.nodes, c.shape.node_size,
                c.in_place ? "in-place" : "out-of-place");
  return text;
}

mics::algorithm measurements::chosen_for(const model::collective& call) const {
  const auto distance = [&call](const model::collective& other) {
    return std::abs(std::log2(other.bytes / call.bytes)) + (other.in_place == call.in_place ? 0 : 100);
  };
  const model::collective* nearest = nullptr;
  for (const model::collective& other : chosen) {
    if (other.what != call.what || other.shape != call.shape) continue;
    if (nearest == nullptr || distance(other) < distance(*nearest)) nearest = &other;
  }
  if (nearest != nullptr) return nearest->how;
  return call.shape.nodes > 1 ? mics::algorithm::hierarchical : mics::algorithm::direct;
}

measurements read_measurements(const std::vector<std::string>& paths, const std::vector<std::string>& only) {
  measurements all;
  for (const std::string& path : paths) {
    const json_file file(path);
    all.about.push_back(path + ": " + file.about({"cpu", "cores", "load_average", "date", "build"}));
    for (const fields& row : file.rows()) read_row(all, row, only);
  }
  if (all.samples.empty())
    throw std::invalid_argument("'" + paths.front() + "' holds no collective that can be fitted");
  all.samples = medians_of(all.samples);
  return all;
}

}  // namespace plan_tool
