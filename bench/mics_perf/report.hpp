#pragma once

#include <algorithm>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "../common/group_shape.hpp"
#include "contender.hpp"
#include "formulas.hpp"
#include "options.hpp"
#include "row.hpp"
#include "table.hpp"

namespace perf {

/// What rank 0 saw: prints each size as soon as it is measured and keeps the rows.
class report {
 public:
  report(const options& chosen, std::string transport) : chosen_(chosen), transport_(std::move(transport)) {}

  void add(const std::vector<contender>& measured, const std::vector<double>& us) {
    std::vector<row> fresh;
    for (std::size_t i = 0; i < measured.size(); ++i) {
      row made = to_row(measured[i], us[i]);
      // Two barriers compete; the better one is the baseline.
      if (!fresh.empty() && made.algo == "barrier" && fresh.back().algo == "barrier") {
        fresh.back().time_us = std::min(fresh.back().time_us, made.time_us);
      } else {
        fresh.push_back(std::move(made));
      }
    }
    print(fresh);
    rows_.insert(rows_.end(), fresh.begin(), fresh.end());
  }

  /// An algorithm that the library refuses for this group: said once.
  void refuse(const std::string& sentence) {
    if (refused_.insert(sentence).second) std::printf("# left out: %s\n", sentence.c_str());
  }

  [[nodiscard]] const std::vector<row>& rows() const { return rows_; }
  [[nodiscard]] std::uint64_t wrong() const {
    std::uint64_t sum = 0;
    for (const row& r : rows_) sum += r.wrong.value_or(0);
    return sum;
  }

 private:
  [[nodiscard]] row to_row(const contender& one, double us) const {
    const exchange& call = one.call;
    row r;
    r.op = mics::name_of(call.op);
    r.algo = one.algo;
    r.plan = one.plan;
    r.transport = transport_;
    r.nodes = chosen_.nodes;
    r.node_size = chosen_.node_size;
    r.partition = chosen_.partition_size();
    r.replication = chosen_.replication;
    r.size = call.bytes();
    r.count = call.count;
    r.type = mics::name_of(call.type);
    if (call.reduces()) r.redop = mics::name_of(call.reduction);
    r.in_place = call.in_place;
    r.time_us = us;
    r.wrong = one.wrong;
    r.node_in_bytes = one.node_in;
    if (one.algo != "barrier") r.algbw = static_cast<double>(r.size) / (us * 1e3);
    if (one.collective) {
      r.busbw = *r.algbw * bus_factor(call.op, call.ranks);
      const auto shape = group_shape(r.nodes, r.node_size, r.partition, r.replication);
      r.limit_us = limit_us(call.op, r.size, shape, r.node_size, chosen_.gbit_s);
    }
    return r;
  }

  /// The forms of one algorithm stand on one line.
  void print(const std::vector<row>& fresh) {
    if (fresh.empty()) return;
    if (fresh.front().op != headed_) print_head(headed_ = fresh.front().op);
    for (std::size_t i = 0; i < fresh.size(); ++i) {
      const bool pair = i + 1 < fresh.size() && fresh[i].algo == fresh[i + 1].algo && fresh[i + 1].in_place;
      if (fresh[i].in_place) {
        print_line(nullptr, &fresh[i]);
      } else {
        print_line(&fresh[i], pair ? &fresh[i + 1] : nullptr);
        i += pair ? 1 : 0;
      }
    }
  }

  const options& chosen_;
  std::string transport_;
  std::string headed_;
  std::set<std::string> refused_;
  std::vector<row> rows_;
};

}  // namespace perf
