#pragma once

#include <map>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <mics/options.hpp>
#include <mics/types.hpp>

namespace perf {

/// A word of the command line and what it stands for; of several words for one value the first is the usual one.
template <class T> using dictionary = std::vector<std::pair<std::string, T>>;

/// nccl-tests' own names of types are understood too.
inline const dictionary<mics::data_type>& type_names() {
  using enum mics::data_type;
  static const dictionary<mics::data_type> names{{"int8", int8},
                                                 {"uint8", uint8},
                                                 {"int16", int16},
                                                 {"uint16", uint16},
                                                 {"int32", int32},
                                                 {"uint32", uint32},
                                                 {"int64", int64},
                                                 {"uint64", uint64},
                                                 {"float16", float16},
                                                 {"bfloat16", bfloat16},
                                                 {"float32", float32},
                                                 {"float64", float64},
                                                 {"float8_e4m3", float8_e4m3},
                                                 {"float8_e5m2", float8_e5m2},
                                                 {"half", float16},
                                                 {"float", float32},
                                                 {"double", float64},
                                                 {"f8e4m3", float8_e4m3},
                                                 {"f8e5m2", float8_e5m2}};
  return names;
}

inline const dictionary<mics::reduction>& reduction_names() {
  using enum mics::reduction;
  static const dictionary<mics::reduction> names{
      {"sum", sum}, {"avg", avg}, {"min", min}, {"max", max}, {"prod", prod}};
  return names;
}

inline const dictionary<mics::operation>& operation_names() {
  using enum mics::operation;
  static const dictionary<mics::operation> names{{"all_gather", all_gather},
                                                 {"reduce_scatter", reduce_scatter},
                                                 {"all_reduce", all_reduce},
                                                 {"broadcast", broadcast}};
  return names;
}

/// "flat": the algorithm whose bytes into a node the hierarchy is compared with.
constexpr mics::algorithm flat_algorithm(mics::operation op) {
  return op == mics::operation::broadcast ? mics::algorithm::tree : mics::algorithm::ring;
}

inline const dictionary<mics::algorithm>& algorithm_names() {
  using enum mics::algorithm;
  static const dictionary<mics::algorithm> names{{"auto", automatic},
                                                 {"direct", direct},
                                                 {"ring", ring},
                                                 {"bruck", bruck},
                                                 {"halving", halving},
                                                 {"doubling", doubling},
                                                 {"tree", tree},
                                                 {"exchange", exchange},
                                                 {"hierarchical", hierarchical},
                                                 {"leader", leader},
                                                 {"native", native},
                                                 {"flat", ring},
                                                 {"packed", hierarchical},
                                                 {"overlapped", hierarchical},
                                                 {"overlapped_packed", hierarchical},
                                                 {"nccl", native},
                                                 {"peer", native}};
  return names;
}

/// The entry of `word`; throws a sentence with the words that are allowed.
template <class T> std::pair<std::string, T> look_up(const std::string& word, const dictionary<T>& names) {
  std::string allowed = "all";
  for (const auto& entry : names) {
    if (entry.first == word) return entry;
    allowed += ", " + entry.first;
  }
  throw std::invalid_argument("'" + word + "' is not known; allowed: " + allowed);
}

/// The entries of several words, in their order; "all" stands for every value once, by its usual word.
template <class T> dictionary<T> look_up(const std::vector<std::string>& words, const dictionary<T>& names) {
  dictionary<T> found;
  const auto known = [&found](T value) {
    for (const auto& entry : found) {
      if (entry.second == value) return true;
    }
    return false;
  };
  for (const std::string& word : words) {
    if (word != "all") {
      found.push_back(look_up(word, names));
      continue;
    }
    for (const auto& entry : names) {
      if (!known(entry.second)) found.push_back(entry);
    }
  }
  return found;
}

/// The values alone.
template <class T> std::vector<T> values_of(const dictionary<T>& entries) {
  std::vector<T> values;
  for (const auto& entry : entries) values.push_back(entry.second);
  return values;
}

}  // namespace perf
