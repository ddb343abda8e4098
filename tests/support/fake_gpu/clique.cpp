#include "clique.hpp"

#include <algorithm>
#include <utility>

#include "compute.hpp"
#include "ledger.hpp"

namespace fake_gpu {

clique::clique(int size) : ranks_(static_cast<std::size_t>(size)) {}

std::shared_ptr<meeting> clique::post(int rank, const call& c) {
  const std::lock_guard lock(mutex_);
  if (c.what == kind::send || c.what == kind::receive) return post_message(rank, c);
  const auto me = static_cast<std::size_t>(rank);
  const std::uint64_t sequence = ranks_[me].collectives++;
  auto& slot = collectives_[sequence];
  if (!slot) slot = std::make_shared<meeting>(ranks_.size());
  const auto m = slot;
  for (std::size_t other = 0; other < ranks_.size(); ++other) {
    if (!m->came[other] || agree(m->calls[other], c)) continue;
    refuse("collective " + std::to_string(sequence) + ": rank " + std::to_string(other) + " calls " +
           describe(m->calls[other]) + ", but rank " + std::to_string(rank) + " " + describe(c));
    return m;  // it never happens
  }
  arrive(m, me, c);
  if (m->missing == 0) collectives_.erase(sequence);
  return m;
}

std::shared_ptr<meeting> clique::post_message(int rank, const call& c) {
  const bool sends = c.what == kind::send;
  member& me = ranks_[static_cast<std::size_t>(rank)];
  const std::uint64_t which = (sends ? me.sent : me.received)[c.peer]++;
  const message key = sends ? message{rank, c.peer, which} : message{c.peer, rank, which};
  auto& slot = messages_[key];
  if (!slot) slot = std::make_shared<meeting>(2);
  const auto m = slot;
  const std::size_t mine = sends ? 0 : 1, other = 1 - mine;
  if (m->came[other] && m->calls[other].count * width_of(m->calls[other].type) != c.count * width_of(c.type)) {
    refuse("rank " + std::to_string(rank) + ": " + describe(c) + ", but the other side: " + describe(m->calls[other]));
    return m;
  }
  arrive(m, mine, c);
  if (m->missing == 0) messages_.erase(key);
  return m;
}

void clique::arrive(const std::shared_ptr<meeting>& m, std::size_t place, const call& c) {
  m->calls[place] = c;
  m->came[place] = true;
  if (--m->missing > 0) return;
  const auto left = [](const member& each) { return each.gone; };  // its memory may be gone with it
  if (std::any_of(ranks_.begin(), ranks_.end(), left)) return;
  compute(m->calls);
  m->done = true;
  changed_.notify_all();
}

void clique::await(int rank, const meeting& m) {
  std::unique_lock lock(mutex_);
  const member& me = ranks_[static_cast<std::size_t>(rank)];
  if (changed_.wait_for(lock, patience, [&] { return m.done || me.gone; })) return;
  complain("rank " + std::to_string(rank) + " of " + std::to_string(size()) +
           " waits for an operation to which not all ranks come, and nobody aborts its communicator");
}

void clique::begin_to_connect(int rank, std::size_t algorithm) {
  {
    const std::lock_guard lock(mutex_);
    ranks_[static_cast<std::size_t>(rank)].connects[algorithm] = true;
  }
  changed_.notify_all();
}

ncclResult_t clique::connect(int rank, std::size_t algorithm) {
  std::unique_lock lock(mutex_);
  const auto complete = [this, algorithm] {
    return std::all_of(ranks_.begin(), ranks_.end(), [=](const member& each) { return each.connects[algorithm]; });
  };
  const auto broken = [this] {
    return std::any_of(ranks_.begin(), ranks_.end(), [](const member& each) { return each.gone; });
  };
  const bool ended = changed_.wait_for(lock, patience, [&] { return complete() || broken(); });
  if (complete()) return ncclSuccess;
  if (!ended) complain("rank " + std::to_string(rank) + " waited in vain for the others to connect");
  return ncclRemoteError;
}

void clique::abort(int rank) {
  {
    const std::lock_guard lock(mutex_);
    ranks_[static_cast<std::size_t>(rank)].gone = true;
    if (failure_.empty()) failure_ = "rank " + std::to_string(rank) + " closed its connections";
    for (member& m : ranks_) {
      if (!m.gone && m.state == ncclSuccess) m.state = ncclRemoteError;
    }
    for (const auto& split : splits_) split->leave(rank);
  }
  changed_.notify_all();
}

void clique::refuse(const std::string& why) {
  complain(why);
  failure_ = why;
  for (member& m : ranks_) m.state = ncclInvalidUsage;
}

ncclResult_t clique::state(int rank, std::string* words) const {
  const std::lock_guard lock(mutex_);
  if (words != nullptr) *words = failure_;
  return ranks_[static_cast<std::size_t>(rank)].state;
}

std::shared_ptr<gathering<split_choice>> clique::next_split(int rank) {
  const std::lock_guard lock(mutex_);
  const std::size_t which = ranks_[static_cast<std::size_t>(rank)].splits++;
  if (which == splits_.size()) splits_.push_back(std::make_shared<gathering<split_choice>>(size()));
  return splits_[which];
}

std::shared_ptr<clique> clique::part(const std::shared_ptr<gathering<split_choice>>& split, int colour, int its_size) {
  const std::lock_guard lock(mutex_);
  auto& found = parts_[{split.get(), colour}];
  if (!found) found = std::make_shared<clique>(its_size);
  return found;
}

void clique::register_window(int rank, std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  const std::size_t which = ranks_[static_cast<std::size_t>(rank)].windows++;
  if (which == window_bytes_.size()) window_bytes_.push_back(bytes);
  if (window_bytes_[which] != bytes) refuse("windows of different sizes are registered as one");
}

}  // namespace fake_gpu
