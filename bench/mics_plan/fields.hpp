#pragma once

#include <initializer_list>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include <mics/options.hpp>

namespace plan_tool {

/// One object of a file, and where it is. Whatever it lacks or has wrong ends in a std::invalid_argument that names the
/// place, the field, its value and what is allowed.
class fields {
 public:
  fields(const nlohmann::json& object, std::string where);

  [[nodiscard]] const nlohmann::json& at(const std::string& name) const;
  [[nodiscard]] bool has(const std::string& name) const { return object_->contains(name); }
  [[nodiscard]] std::string text(const std::string& name) const;
  [[nodiscard]] double positive(const std::string& name) const;
  [[nodiscard]] int count(const std::string& name) const;
  [[nodiscard]] bool flag(const std::string& name) const;
  [[nodiscard]] std::vector<fields> list(const std::string& name) const;

  /// The enumerator of this name among the `count` first.
  template <class Enum> [[nodiscard]] Enum named(const std::string& name, int count) const {
    const std::string given = text(name);
    std::string allowed;
    for (int i = 0; i < count; ++i) {
      const auto candidate = static_cast<Enum>(i);
      if (mics::name_of(candidate) == given) return candidate;
      allowed += (i > 0 ? ", " : "") + std::string(mics::name_of(candidate));
    }
    refuse(name, allowed);
  }

  [[nodiscard]] const std::string& where() const { return where_; }

 private:
  [[noreturn]] void refuse(const std::string& name, const std::string& allowed) const;

  const nlohmann::json* object_;
  std::string where_;
};

/// {"context": {...}, "rows": [...]}, as the programs of this project write it.
class json_file {
 public:
  explicit json_file(const std::string& path);

  [[nodiscard]] fields whole() const { return {whole_, path_}; }
  /// One or more.
  [[nodiscard]] std::vector<fields> rows() const;
  /// What the context says of these, for people.
  [[nodiscard]] std::string about(std::initializer_list<const char*> names) const;

 private:
  std::string path_;
  nlohmann::json whole_;
};

}  // namespace plan_tool
