#include "calibration.hpp"

#include <cmath>
#include <exception>
#include <fstream>
#include <utility>

#include <nlohmann/json.hpp>

#include <mics/error.hpp>
#include <mics/model/machines.hpp>

namespace simulate {
namespace {

using json = nlohmann::ordered_json;
using mics::model::provenance;

provenance label_from(const std::string& word, const std::string& where) {
  for (const auto known : {provenance::measured, provenance::published, provenance::fitted, provenance::assumed}) {
    if (mics::model::name_of(known) == word) return known;
  }
  throw mics::usage_error(where + ".label is '" + word + "'; allowed: measured, published, fitted, assumed");
}

/// The field of an entry, or an error that names it.
template <class T> T field(const json& of, const char* name, const std::string& where, const char* allowed) {
  const auto found = of.find(name);
  if (found == of.end()) throw mics::usage_error(where + "." + name + " is missing; it must be " + allowed);
  try {
    return found->get<T>();
  } catch (const json::exception&) {
    throw mics::usage_error(where + "." + name + " is " + found->dump() + "; it must be " + allowed);
  }
}

json parse(const std::string& path) {
  std::ifstream file(path);
  if (!file) throw mics::usage_error("calibration file '" + path + "' cannot be read; --calibration names another");
  try {
    return json::parse(file);
  } catch (const json::parse_error& problem) {
    throw mics::usage_error("calibration file '" + path + "' is not JSON: " + problem.what());
  }
}

}  // namespace

calibration calibration::load(const std::string& path) {
  const json whole = parse(path);
  const auto constants = whole.find("constants");
  if (constants == whole.end() || !constants->is_array()) {
    throw mics::usage_error("calibration file '" + path + "': 'constants' is missing; it must be a list");
  }
  calibration self;
  self.path_ = path;
  for (const json& each : *constants) {
    const std::string place = path + ": constants[" + std::to_string(self.entries_.size()) + "]";
    entry next;
    next.name = field<std::string>(each, "name", place, "a text");
    const std::string where = path + ": " + next.name;
    if (self.find(next.name) != nullptr) throw mics::usage_error(where + " is given twice; allowed: once");
    next.unit = field<std::string>(each, "unit", where, "a text");
    next.number.value = field<double>(each, "value", where, "a number");
    next.number.how = label_from(field<std::string>(each, "label", where, "a text"), where);
    next.number.source = field<std::string>(each, "source", where, "a text");
    mics::model::detail::require_not_negative(where + ".value", next.number.value);
    self.entries_.push_back(std::move(next));
  }
  return self;
}

void calibration::save(const std::string& path) const {
  std::ofstream file(path);
  file << "{\"constants\": [";
  const char* separator = "\n  ";
  for (const entry& each : entries_) {
    const json object{{"name", each.name},
                      {"value", each.number.value},
                      {"unit", each.unit},
                      {"label", mics::model::name_of(each.number.how)},
                      {"source", each.number.source}};
    file << separator << object.dump();
    separator = ",\n  ";
  }
  file << "\n]}\n";
  file.flush();
  if (!file) throw mics::usage_error("calibration file '" + path + "' cannot be written");
}

const calibration::entry* calibration::find(const std::string& name) const noexcept {
  for (const entry& each : entries_) {
    if (each.name == name) return &each;
  }
  return nullptr;
}

double calibration::at(const std::string& name) const {
  if (const entry* found = find(name)) return found->number.value;
  throw mics::usage_error("calibration file '" + path_ + "': the constant '" + name + "' is missing");
}

int calibration::count(const std::string& name) const {
  const double value = at(name);
  if (value >= 1 && value <= 1e9 && value == std::floor(value)) return static_cast<int>(value);
  mics::model::detail::refuse("calibration file '" + path_ + "': " + name, value, "a whole number from 1 on");
}

void calibration::set(const std::string& name, double value) {
  static_cast<void>(at(name));
  for (entry& each : entries_) {
    if (each.name == name) each.number.value = value;
  }
}

mics::model::machine calibration::machine(const std::string& name, const std::string& model) const {
  mics::model::machine result = mics::model::machine_named(name);
  mics::model::for_each_constant(result, [&](const std::string& field_name, mics::model::constant& number) {
    const bool of_the_gpu = field_name.starts_with("memory") || field_name.starts_with("copy");
    if (name == "p4de" && !of_the_gpu) {  // the same network, and GPUs that compute alike
      if (const entry* found = find("p4d." + field_name)) number = found->number;
    }
    if (const entry* found = find(name + "." + field_name)) number = found->number;
    if (const entry* found = model.empty() ? nullptr : find(model + "." + field_name)) number = found->number;
  });
  return result;
}

mics::model::transformer calibration::transformer(const std::string& model) const {
  return {.layers = count(model + ".layers"),
          .hidden = count(model + ".hidden"),
          .vocabulary = count(model + ".vocabulary"),
          .sequence = count(model + ".sequence"),
          .sequences = count(model + ".sequences")};
}

}  // namespace simulate
