#pragma once

#include <string>
#include <vector>

#include <mics/model/constant.hpp>
#include <mics/model/machine.hpp>
#include <mics/model/transformer.hpp>

namespace simulate {

/// Every number that the reproductions rest on, by name, with its unit, its label and its source.
class calibration {
 public:
  struct entry {
    std::string name;  ///< "<machine or model>.<field>"
    std::string unit;
    mics::model::constant number;
  };

  /// Throws mics::usage_error that names the file, the entry, its value and what is allowed.
  static calibration load(const std::string& path);
  void save(const std::string& path) const;

  [[nodiscard]] const std::vector<entry>& entries() const noexcept { return entries_; }
  [[nodiscard]] double at(const std::string& name) const;
  void set(const std::string& name, double value);

  /// The known machine of that name, with what the calibration says about it. Entries of `model` rule over those.
  [[nodiscard]] mics::model::machine machine(const std::string& name, const std::string& model = "") const;
  /// "<model>.layers", ".hidden", ".vocabulary", ".sequence" and ".sequences".
  [[nodiscard]] mics::model::transformer transformer(const std::string& model) const;
  [[nodiscard]] int count(const std::string& name) const;

 private:
  [[nodiscard]] const entry* find(const std::string& name) const noexcept;
  std::string path_;
  std::vector<entry> entries_;
};

}  // namespace simulate
