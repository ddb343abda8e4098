#include "fields.hpp"

#include <cstdint>
#include <fstream>
#include <stdexcept>
#include <utility>

namespace plan_tool {

using nlohmann::json;

fields::fields(const json& object, std::string where) : object_(&object), where_(std::move(where)) {
  if (!object.is_object()) throw std::invalid_argument(where_ + " is " + object.dump() + "; allowed: an object");
}

const json& fields::at(const std::string& name) const {
  const auto found = object_->find(name);
  if (found == object_->end()) throw std::invalid_argument(where_ + " has no field '" + name + "'");
  return *found;
}

std::string fields::text(const std::string& name) const {
  if (!at(name).is_string()) refuse(name, "a text");
  return at(name).get<std::string>();
}

double fields::positive(const std::string& name) const {
  const json& value = at(name);
  if (!value.is_number() || !(value.get<double>() > 0)) refuse(name, "a number above 0");
  return value.get<double>();
}

int fields::count(const std::string& name) const {
  const json& value = at(name);
  if (!value.is_number_integer() || value.get<std::int64_t>() < 1 || value.get<std::int64_t>() > 1 << 24) {
    refuse(name, "a whole number from 1 to 16777216");
  }
  return value.get<int>();
}

bool fields::flag(const std::string& name) const {
  if (!at(name).is_boolean()) refuse(name, "true or false");
  return at(name).get<bool>();
}

std::vector<fields> fields::list(const std::string& name) const {
  if (!at(name).is_array()) refuse(name, "a list");
  std::vector<fields> all;
  for (const json& each : at(name)) {
    all.emplace_back(each, where_ + "." + name + "[" + std::to_string(all.size()) + "]");
  }
  return all;
}

void fields::refuse(const std::string& name, const std::string& allowed) const {
  throw std::invalid_argument(where_ + "." + name + " is " + at(name).dump() + "; allowed: " + allowed);
}

json_file::json_file(const std::string& path) : path_("'" + path + "'") {
  std::ifstream file(path);
  if (!file) throw std::invalid_argument("cannot read " + path_);
  try {
    whole_ = json::parse(file);
  } catch (const json::exception& problem) {
    throw std::invalid_argument(path_ + " is not JSON: " + problem.what());
  }
}

std::vector<fields> json_file::rows() const {
  const json& rows = whole().at("rows");
  if (!rows.is_array() || rows.empty()) {
    throw std::invalid_argument(path_ + ": rows is " + rows.dump() + "; allowed: a list of one row or more");
  }
  std::vector<fields> all;
  for (const json& row : rows) all.emplace_back(row, path_ + ": rows[" + std::to_string(all.size()) + "]");
  return all;
}

std::string json_file::about(std::initializer_list<const char*> names) const {
  std::string text;
  const auto context = whole_.find("context");
  if (context == whole_.end() || !context->is_object()) return "nothing is known of the run";
  for (const char* name : names) {
    const auto found = context->find(name);
    if (found == context->end()) continue;
    text += (text.empty() ? "" : ", ") + std::string(name) + " " +
            (found->is_string() ? found->get<std::string>() : found->dump());
  }
  return text;
}

}  // namespace plan_tool
