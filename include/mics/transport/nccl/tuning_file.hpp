#pragma once

/// Tuned tables as JSON files. Opt-in: needs nlohmann-json, which no other header of the library does.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <mics/error.hpp>
#include <mics/options.hpp>
#include <mics/transport/nccl/tuning.hpp>
#include <mics/types.hpp>

namespace mics::nccl {

namespace detail {

/// Reads members of the objects in one file; whatever is wrong is a usage_error that names the file and the key.
class tuning_reader {
 public:
  using json = nlohmann::json;

  /// Of what ranges mean. (Before, those of sums stood for a collective on the rail, whatever their on_rail.)
  static constexpr std::uint64_t version = 2;

  explicit tuning_reader(std::string path) : path_(std::move(path)) {}

  [[nodiscard]] tuned_table read() const {
    std::ifstream file(path_);
    if (!file) refuse("cannot be read");
    const json whole = json::parse(file, nullptr, false);
    if (whole.is_discarded()) refuse("is not JSON");
    tuned_table table;
    table.machine = text(whole, "", "machine");
    const std::uint64_t its = whole.contains("version") ? number(whole, "", "version", 1, UINT64_MAX) : 1;
    if (its != version) {
      refuse("its version is " + std::to_string(its) + "; allowed: " + std::to_string(version) +
             ", whose ranges stand for other forms: remove it and measure again");
    }
    const json& ranges = member(whole, "", "ranges");
    if (!ranges.is_array()) refuse("ranges is " + shown(ranges) + "; allowed: a list");
    for (std::size_t i = 0; i < ranges.size(); ++i) {
      const std::string at = "ranges[" + std::to_string(i) + "]";
      table.ranges.push_back(range(ranges[i], at));
      require_ascending(table.ranges, at);
    }
    return table;
  }

 private:
  [[nodiscard]] tuned_range range(const json& from, const std::string& at) const {
    tuned_range made;
    made.what = one_of(
        from, at, "operation",
        std::array{operation::all_gather, operation::reduce_scatter, operation::all_reduce, operation::broadcast});
    made.nodes = static_cast<int>(number(from, at, "nodes", 1, 1 << 30));
    made.node_size = static_cast<int>(number(from, at, "node_size", 1, 1 << 30));
    made.up_to_bytes = static_cast<std::size_t>(number(from, at, "up_to_bytes", 1, UINT64_MAX));
    made.how = one_of(from, at, "algorithm", std::array{algorithm::native, algorithm::hierarchical});
    made.on_rail = one_of(from, at, "on_rail", std::array{algorithm::direct, algorithm::native});
    made.chunk_bytes = static_cast<std::size_t>(number(from, at, "chunk_bytes", 0, UINT64_MAX));
    return made;
  }

  void require_ascending(const std::vector<tuned_range>& all, const std::string& at) const {
    const tuned_range& last = all.back();
    for (const tuned_range& r : all) {
      const bool same = r.what == last.what && r.nodes == last.nodes && r.node_size == last.node_size;
      if (&r == &last || !same || r.up_to_bytes < last.up_to_bytes) continue;
      refuse(at + ".up_to_bytes is " + std::to_string(last.up_to_bytes) + "; allowed: more than the " +
             std::to_string(r.up_to_bytes) + " before it for the same operation and nodes");
    }
  }

  [[nodiscard]] const json& member(const json& object, const std::string& at, const char* key) const {
    if (!object.is_object()) refuse((at.empty() ? "the whole" : at) + " is " + shown(object) + "; allowed: an object");
    const auto found = object.find(key);
    if (found == object.end()) refuse(name(at, key) + " is missing");
    return *found;
  }
  [[nodiscard]] std::string text(const json& object, const std::string& at, const char* key) const {
    const json& value = member(object, at, key);
    if (!value.is_string()) refuse(name(at, key) + " is " + shown(value) + "; allowed: a text");
    return value.get<std::string>();
  }
  [[nodiscard]] std::uint64_t number(const json& object, const std::string& at, const char* key, std::uint64_t least,
                                     std::uint64_t most) const {
    const json& value = member(object, at, key);
    if (value.is_number_unsigned()) {
      const auto given = value.get<std::uint64_t>();
      if (given >= least && given <= most) return given;
    }
    refuse(name(at, key) + " is " + shown(value) + "; allowed: a whole number from " + std::to_string(least) + " to " +
           std::to_string(most));
  }
  template <class T, std::size_t n>
  [[nodiscard]] T one_of(const json& object, const std::string& at, const char* key,
                         const std::array<T, n>& allowed) const {
    const std::string word = text(object, at, key);
    std::string words;
    for (const T value : allowed) {
      if (name_of(value) == word) return value;
      words += (words.empty() ? "" : ", ") + std::string(name_of(value));
    }
    refuse(name(at, key) + " is '" + word + "'; allowed: " + words);
  }

  [[nodiscard]] static std::string name(const std::string& at, const char* key) {
    return at.empty() ? key : at + "." + key;
  }
  [[nodiscard]] static std::string shown(const json& value) {
    return value.is_object() || value.is_array() ? value.type_name()
                                                 : value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  }

  [[noreturn]] void refuse(const std::string& what) const { throw usage_error("tuned table '" + path_ + "': " + what); }

  std::string path_;
};

/// The ranges that a file holds already; none if there is no file.
inline std::vector<tuned_range> ranges_to_keep(const std::string& path, const std::string& machine) {
  if (!std::filesystem::exists(path)) return {};
  tuned_table before = tuning_reader(path).read();
  if (before.machine == machine) return std::move(before.ranges);
  throw usage_error("tuned table '" + path + "' comes from '" + before.machine + "', the new one from '" + machine +
                    "'; allowed: one kind of machine a file");
}

inline bool same_case(const tuned_range& a, const tuned_range& b) noexcept {
  return a.what == b.what && a.nodes == b.nodes && a.node_size == b.node_size;
}

}  // namespace detail

/// Reads what write_tuned_table() wrote, for communicator::use(). Throws usage_error that names the file and the key
/// for a file that cannot be read, is malformed or of another version, or holds a word or number that is not allowed.
[[nodiscard]] inline tuned_table read_tuned_table(const std::string& path) {
  return detail::tuning_reader(path).read();
}

/// Writes a table. The file may hold one already: its ranges stay, but for those of an operation and a shape that the
/// new table has too. Throws usage_error when that file is no table or comes from another kind of machine, or cannot be
/// written.
inline void write_tuned_table(const std::string& path, const tuned_table& table) {
  tuned_table whole = table;
  for (const tuned_range& old : detail::ranges_to_keep(path, table.machine)) {
    const auto replaces = [&old](const tuned_range& fresh) { return detail::same_case(old, fresh); };
    if (std::none_of(table.ranges.begin(), table.ranges.end(), replaces)) whole.ranges.push_back(old);
  }
  nlohmann::ordered_json ranges = nlohmann::ordered_json::array();
  for (const tuned_range& r : whole.ranges) {
    ranges.push_back({{"operation", name_of(r.what)},
                      {"nodes", r.nodes},
                      {"node_size", r.node_size},
                      {"up_to_bytes", r.up_to_bytes},
                      {"algorithm", name_of(r.how)},
                      {"on_rail", name_of(r.on_rail)},
                      {"chunk_bytes", r.chunk_bytes}});
  }
  std::ofstream file(path);
  file << nlohmann::ordered_json{{"machine", whole.machine},
                                 {"version", detail::tuning_reader::version},
                                 {"ranges", ranges}}
              .dump(1)
       << '\n';
  file.flush();
  if (!file) throw usage_error("tuned table '" + path + "': cannot be written");
}

}  // namespace mics::nccl
