#include "json.hpp"

#include <fstream>
#include <optional>
#include <stdexcept>

#include <nlohmann/json.hpp>

namespace perf {
namespace {

using json = nlohmann::ordered_json;

template <class T> json or_null(const std::optional<T>& value) { return value ? json(*value) : json(nullptr); }

}  // namespace

std::string to_json(const row& r) {
  json object{{"op", r.op},
              {"algo", r.algo},
              {"plan", r.plan},
              {"transport", r.transport},
              {"nodes", r.nodes},
              {"node_size", r.node_size},
              {"partition", r.partition},
              {"size", r.size},
              {"count", r.count},
              {"type", r.type},
              {"redop", r.redop.empty() ? json(nullptr) : json(r.redop)},
              {"in_place", r.in_place},
              {"time_us", r.time_us},
              {"algbw", or_null(r.algbw)},
              {"busbw", or_null(r.busbw)},
              {"wrong", or_null(r.wrong)},
              {"node_in_bytes", or_null(r.node_in_bytes)},
              {"limit_us", or_null(r.limit_us)}};
  if (r.replication) object["replication"] = true;
  return object.dump();
}

void write_json(const std::string& path, const context& facts, const std::vector<row>& rows) {
  json about = json::object();
  for (const auto& [name, value] : facts) about[name] = value;
  std::ofstream file(path);
  file << "{\"context\": " << about.dump() << ",\n \"rows\": [";
  const char* separator = "\n  ";
  for (const row& r : rows) {
    file << separator << to_json(r);
    separator = ",\n  ";
  }
  file << "\n]}\n";
  file.flush();
  if (!file) throw std::runtime_error("cannot write the rows to '" + path + "'");
}

}  // namespace perf
