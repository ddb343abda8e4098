#pragma once

#include <string>
#include <vector>

#include <mics/model/calibration.hpp>

#include "fields.hpp"

namespace plan_tool {

/// The collectives of files of mics_perf.
struct measurements {
  std::vector<mics::model::sample> samples{};  ///< medians where a call was measured several times
  std::vector<std::string> about{};            ///< of each file: processor, load, date
  std::string transport{};                     ///< rows of other transports are left out
  std::string type{};                          ///< rows of other element types are left out
  std::size_t left_out = 0;  ///< those, other reductions, and rows that are no collectives of this library

  std::vector<mics::model::collective> chosen{};  ///< rows whose algorithm the library chose

  /// The algorithm that the library chose for the call most like this one: the nearest size of the same operation in
  /// the same group, of the same form where there is one.
  [[nodiscard]] mics::algorithm chosen_for(const mics::model::collective& call) const;
};

/// Reads files of mics_perf and of peers; `only`: names of contenders, empty: all that are algorithms of this library.
/// Throws std::invalid_argument naming the file, the row, the field, its value and what is allowed.
measurements read_measurements(const std::vector<std::string>& paths, const std::vector<std::string>& only);

/// "op", "size", "in_place" and the algorithm in the field `how`, in a group of this shape.
mics::model::collective collective_of(const fields& from, const std::string& how, mics::hierarchy shape,
                                      const std::string& transport);

/// For people: all but the size.
std::string kind_of(const mics::model::collective& c);

}  // namespace plan_tool
