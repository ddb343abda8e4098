#include "measurements.hpp"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <stdexcept>

#include <nlohmann/json.hpp>

#include <mics/error.hpp>
#include <mics/plan/choice.hpp>
#include <mics/topology.hpp>

namespace plan_tool {
namespace {

using nlohmann::json;

[[noreturn]] void refuse(const std::string& where, const json& given, const std::string& allowed) {
  throw std::invalid_argument(where + " is " + given.dump() + "; allowed: " + allowed);
}

/// One object of the file, and where it is.
class fields {
 public:
  fields(const json& object, std::string where) : object_(object), where_(std::move(where)) {
    if (!object_.is_object()) refuse(where_, object_, "an object");
  }

  [[nodiscard]] const json& at(const std::string& name) const {
    const auto found = object_.find(name);
    if (found == object_.end()) throw std::invalid_argument(where_ + " has no field '" + name + "'");
    return *found;
  }

  [[nodiscard]] std::string text(const std::string& name) const {
    const json& value = at(name);
    if (!value.is_string()) refuse(where_ + "." + name, value, "a text");
    return value.get<std::string>();
  }

  [[nodiscard]] double positive(const std::string& name) const {
    const json& value = at(name);
    if (!value.is_number() || !(value.get<double>() > 0)) refuse(where_ + "." + name, value, "a number above 0");
    return value.get<double>();
  }

  [[nodiscard]] int count(const std::string& name) const {
    const json& value = at(name);
    if (!value.is_number_integer() || value.get<std::int64_t>() < 1 || value.get<std::int64_t>() > 1 << 24) {
      refuse(where_ + "." + name, value, "a whole number from 1 to 16777216");
    }
    return value.get<int>();
  }

  [[nodiscard]] bool flag(const std::string& name) const {
    const json& value = at(name);
    if (!value.is_boolean()) refuse(where_ + "." + name, value, "true or false");
    return value.get<bool>();
  }

  /// The enumerator of this name among `last` + 1.
  template <class Enum> [[nodiscard]] Enum named(const std::string& name, int last) const {
    const std::string given = text(name);
    std::string allowed;
    for (int i = 0; i <= last; ++i) {
      const auto candidate = static_cast<Enum>(i);
      if (mics::name_of(candidate) == given) return candidate;
      allowed += (i > 0 ? ", " : "") + std::string(mics::name_of(candidate));
    }
    refuse(where_ + "." + name, at(name), allowed);
  }

  [[nodiscard]] const std::string& where() const { return where_; }

 private:
  const json& object_;
  std::string where_;
};

mics::model::sample sample_of(const fields& row) {
  mics::model::sample s;
  auto& c = s.call;
  c.what = row.named<mics::operation>("op", mics::operation_count - 1);
  c.how = row.named<mics::algorithm>("plan", static_cast<int>(mics::algorithm::hierarchical));
  const int nodes = row.count("nodes"), node_size = row.count("node_size"), partition = row.count("partition");
  c.shape = mics::topology::uniform(std::int64_t{nodes} * node_size, node_size, partition).hierarchy_of(0);
  c.bytes = row.positive("size");
  c.in_place = row.flag("in_place");
  const double block = c.bytes / partition;
  // As plan/choice.hpp decides.
  const bool small = block <= static_cast<double>(mics::detail::small_rail_block);
  c.on_rail = row.text("transport") == "thread" || c.shape.nodes == 2 || small ? mics::algorithm::direct
                                                                               : mics::algorithm::ring;
  s.chunks = std::max(1.0, std::ceil(block / static_cast<double>(mics::detail::default_chunk)));
  s.seconds = row.positive("time_us") * 1e-6;
  static_cast<void>(mics::model::stages_of(c));
  return s;
}

std::string about(const json& whole) {
  std::string text;
  const auto context = whole.find("context");
  if (context == whole.end() || !context->is_object()) return "nothing is known of the run";
  for (const char* name : {"cpu", "cores", "load_average", "date", "build"}) {
    if (const auto found = context->find(name); found != context->end() && found->is_string()) {
      text += (text.empty() ? "" : ", ") + std::string(name) + " " + found->get<std::string>();
    }
  }
  return text;
}

json parse_file(const std::string& path) {
  std::ifstream file(path);
  if (!file) throw std::invalid_argument("cannot read '" + path + "'");
  try {
    return json::parse(file);
  } catch (const json::exception& problem) {
    throw std::invalid_argument("'" + path + "' is not JSON: " + problem.what());
  }
}

void read_file(measurements& all, const std::string& path) {
  const json whole = parse_file(path);
  const json& rows = fields(whole, "'" + path + "'").at("rows");
  if (!rows.is_array() || rows.empty()) refuse("'" + path + "': rows", rows, "a list of one row or more");
  all.about += "# " + path + ": " + about(whole) + "\n";
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const fields row(rows[i], "'" + path + "': rows[" + std::to_string(i) + "]");
    const std::string algo = row.text("algo");
    if (algo == "memcpy" || algo == "barrier") continue;
    if (all.type.empty()) all.type = row.text("type");
    const json& reduction = row.at("redop");
    if (row.text("type") != all.type || (reduction.is_string() && reduction != "sum")) {
      ++all.left_out;
      continue;
    }
    try {
      all.samples.push_back(sample_of(row));
    } catch (const mics::error& problem) {
      throw std::invalid_argument(row.where() + ": " + problem.what());
    }
  }
}

}  // namespace

measurements read_measurements(const std::vector<std::string>& paths) {
  measurements all;
  for (const std::string& path : paths) read_file(all, path);
  if (all.samples.empty())
    throw std::invalid_argument("'" + paths.front() + "' holds no collective that can be fitted");
  return all;
}

}  // namespace plan_tool
