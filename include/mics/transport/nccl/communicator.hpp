#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <cuda_runtime_api.h>
#include <nccl.h>

#include <mics/collectives/launch.hpp>
#include <mics/collectives/planned_call.hpp>
#include <mics/communicator.hpp>
#include <mics/detail/agreement.hpp>
#include <mics/detail/member_handle.hpp>
#include <mics/detail/owning.hpp>
#include <mics/error.hpp>
#include <mics/topology/digest.hpp>
#include <mics/transport/nccl/group/await.hpp>
#include <mics/transport/nccl/group/duplicate.hpp>
#include <mics/transport/nccl/group/host.hpp>
#include <mics/transport/nccl/group/host_exchange.hpp>
#include <mics/transport/nccl/group/making.hpp>
#include <mics/transport/nccl/group/member.hpp>
#include <mics/transport/nccl/group/repeated_calls.hpp>
#include <mics/transport/nccl/group/split.hpp>
#include <mics/transport/nccl/launch/repeat.hpp>
#include <mics/transport/nccl/launch/run.hpp>
#include <mics/transport/nccl/machine.hpp>
#include <mics/transport/nccl/native/library_version.hpp>
#include <mics/transport/nccl/native/native_call.hpp>
#include <mics/transport/nccl/together.hpp>

namespace mics::nccl {

class communicator;

/// A communicator without ownership: copyable, and of no use once its owner is gone (then every use throws
/// usage_error). Collectives accept it and `communicator` alike.
///
/// Operations go on the caller's cudaStream_t and never wait on the host (but in checked mode, and where NCCL connects
/// ranks at the first use of an operation); what comes behind them in that stream sees their results. Those of one
/// group may go on several streams, but buffers that they share are the caller's to put in order, by record() and
/// wait(); a graph, whose operations use the group's temporary memory whenever it is launched, is put in order with all
/// others of the group. While a graph is captured no groups are made (a usage_error says so, but CUDA ends the
/// capture) and no memory is registered. Buffers are memory of the communicator's device; one that was used is not
/// looked at again, so that NCCL gets it even if it has been freed since. A call that comes again, with the same
/// buffers in the same stream, costs the host less: from its third time on it is made again without being checked and
/// planned.
class communicator_ref : public mics::detail::member_handle<member> {
 public:
  using owner_type = communicator;
  using ref_type = communicator_ref;
  using stream_type = cudaStream_t;
  using event_type = event;
  static constexpr transport_traits traits{};

  communicator_ref() = default;

  /// Uses a communicator that the caller owns, and destroys after this and what was split off from it. Only the caller
  /// can end what waits in it for a rank that never comes; communicator::duplicate() makes one that the library can.
  /// Collective and blocking unless `chosen.node_size` says which ranks share a node.
  explicit communicator_ref(ncclComm_t owned_by_caller, settings chosen = {})
      : member_handle(std::make_shared<member>(owned_by_caller, member::ownership::adopted, std::move(chosen))) {
    find_nodes();
  }

  [[nodiscard]] int device() const { return alive().device(); }
  [[nodiscard]] std::chrono::milliseconds timeout() const { return alive().chosen().timeout; }
  [[nodiscard]] bool checked() const { return alive().chosen().checked; }
  /// NCCL's own handle, for what this library does not do; it stays the communicator's.
  [[nodiscard]] ncclComm_t native_handle() const { return alive().whole(); }
  [[nodiscard]] plan_choice choose(const plan_request& request) const {
    return nccl::choose(request, alive().shape(), alive().table());
  }

  /// How many of the ranks lie on each node, in order.
  [[nodiscard]] std::vector<int> ranks_per_node() const {
    const std::vector<int>& nodes = alive().node_of();
    return mics::detail::runs_of_nodes(size(), [&](int r) { return nodes[static_cast<std::size_t>(r)]; });
  }

  /// Lets `automatic` choose from measurements; groups split off later inherit them. Collective, blocking.
  /// Throws usage_error on every rank when the table comes from another kind of machine, or two ranks bring different
  /// ones.
  void use(const tuned_table& table) const;

  /// Makes a communicator of the ranks with the same colour, ordered by key and then by rank. Collective, blocking.
  /// Throws usage_error on every rank when the ranks bring different geometries.
  [[nodiscard]] communicator split(int colour, int key, std::string name = {},
                                   const topology_digest& geometry = {}) const;

  /// The same, but inside a mics::nccl::together the group is made in its run(), with those of the thread's other GPUs,
  /// and `receive` gets it there; outside at once.
  void split_later(int colour, int key, std::string name, std::function<void(communicator)> receive,
                   const topology_digest& geometry = {}) const;

  [[nodiscard]] event record(cudaStream_t stream) const {
    member& m = alive();
    const device_scope current(m.device());
    if (!is_capturing(stream)) m.family().journal().mark_off(stream);
    return event(stream);
  }
  static void wait(cudaStream_t stream, const event& e) { e.hold_back(stream); }

  /// Runs planned calls as one, in the order of a stream.
  void enqueue(std::span<const planned_call> calls, cudaStream_t stream, const native_options& options) const;
  /// Runs a call that it knows, from its third time on, without checking and planning it again; false: it does not.
  [[nodiscard]] bool repeat(const collective_call& call, cudaStream_t stream, const collective_options& options) const {
    return together::current() == nullptr && nccl::repeat(alive(), call, stream, options);
  }

  /// Makes what the calls will need and may not be made while a graph is captured: communicators of the stages, and
  /// temporary memory. Collective, blocking; moves no data. (batch::prepare() makes the calls.) Inside a
  /// mics::nccl::together it is made in its run(). Best before any operation of the group is under way: NCCL advises
  /// against splitting off from a communicator that works.
  /// Ranks are not connected by it: NCCL does that in the first run of a kind of operation, captured or not, and waits
  /// then on the host, with the deadline of the call.
  void prepare(std::span<const planned_call> calls) const {
    launch wanted = checked_launch(calls, nullptr);
    if (together* const others = together::current()) return others->add_to_prepare(std::move(wanted), calls);
    detail::provide(std::span(&wanted, 1), timeout());
  }

  /// Waits on the host until the work so far in `stream` has ended; 0 is the communicator's timeout.
  /// Throws transport_error when NCCL lost a peer, aborted_error after fail(), timeout_error at the deadline, each
  /// with the oldest operation in the stream that was not seen to end, of whatever group it is: this one, its world, or
  /// what else was split off from that. All of these have been aborted then: they are of no use any more, and the
  /// device and the process are free again. (An adopted communicator is left to its owner to abort.)
  void synchronize(cudaStream_t stream, std::chrono::milliseconds timeout = {}) const {
    detail::await(alive(), stream, timeout.count() > 0 ? timeout : alive().chosen().timeout);
  }

  /// Every rank's numbers, rank by rank; all bring equally many. Collective, blocking.
  [[nodiscard]] std::vector<std::uint64_t> gather_numbers(std::span<const std::uint64_t> own) const {
    return gather_on_host(alive(), own, "gather_numbers");
  }

  /// From any thread, say of a watch over the other ranks' processes: whoever waits for this group, its world or what
  /// was split off from that stops waiting.
  void fail(const std::string& why) const { alive().failure()->set(why); }
  /// Where a failure is declared, by who may outlive the communicator.
  [[nodiscard]] std::weak_ptr<failure_state> failure() const { return alive().failure(); }

  /// How many NCCL communicators this group has made, its own and its stages'.
  [[nodiscard]] int communicators() const { return alive().communicators(); }
  /// Device memory that NCCL was seen to take for them so far. (It takes most at the first use of an operation; what
  /// other processes take of the same device at the same moment is counted too.)
  [[nodiscard]] std::size_t native_bytes() const { return alive().native_bytes(); }
  /// Device memory of this group's temporaries.
  [[nodiscard]] std::size_t scratch_bytes() const { return alive().scratch().total_bytes(); }

 protected:
  explicit communicator_ref(std::shared_ptr<member> state) : member_handle(std::move(state)) {}

  void find_nodes() const;

 private:
  friend class registered_memory;

  /// One small value of every rank; blocks the host.
  template <class T> [[nodiscard]] std::vector<T> gather(const T& own, std::string_view doing) const {
    if (together::current() != nullptr) {
      throw usage_error(
          "what waits for other ranks on the host comes inside mics::nccl::together, where they may be other GPUs of "
          "this thread; call it before, in a thread for each GPU, and leave calls unchecked",
          alive().where(std::string(doing)));
    }
    return gather_on_host(alive(), std::span<const T>(&own, 1), doing);
  }

  [[nodiscard]] launch checked_launch(std::span<const planned_call> calls, cudaStream_t stream) const;
};

/// Owns a rank's membership in a group: move-only; when it goes, its refs throw. As NCCL has it, it waits then for what
/// it has enqueued; while an exception is on its way no longer than settings::timeout, behind which it is ended. (So
/// does the library's own memory. Buffers of the caller's that would free themselves before it should not: declare them
/// first.)
class communicator : public mics::detail::owning<communicator_ref> {
 public:
  using mics::detail::owning<communicator_ref>::owning;

  /// Makes a world of `size` ranks on the current device, by an id that rank 0 got from unique_id() and all ranks know.
  /// Collective and blocking; one thread for each GPU.
  /// Throws timeout_error when a rank does not come; a thread is left then that waits for it in NCCL. (A rank that
  /// comes late finds its peers gone.)
  communicator(const ncclUniqueId& id, int rank, int size, settings chosen = {})
      : owning(make(id, rank, size, std::move(chosen))) {
    find_nodes();
  }

  /// Makes a world of the library's own, with the ranks of a communicator that the caller owns. What takes place in it,
  /// and in all that is split off from it, ends at its deadline, and the caller's communicator survives that: one that
  /// is used directly, by communicator_ref, is its owner's to abort.
  /// - Costs what a communicator costs: time to connect, and device memory for the operations that are used.
  /// - Collective and blocking; one thread for each GPU. Operations of the caller's communicator must not be under way.
  /// - Throws timeout_error when a rank does not come. A thread is left then that waits for it in NCCL, so the only
  ///   thing to do with the caller's communicator is to abort it. (A rank that comes late finds its peers gone.)
  /// - A communicator that the caller made with ncclConfig_t::splitShare does not survive: NCCL ends all that was split
  ///   off from such a one together with it.
  [[nodiscard]] static communicator duplicate(ncclComm_t owned_by_caller, settings chosen = {}) {
    static_cast<void>(library_features::here());
    int device = 0;
    check(ncclCommCuDevice(owned_by_caller, &device), "ncclCommCuDevice", owned_by_caller);
    const std::size_t before = free_bytes(device);
    const ncclComm_t made = detail::duplicate(owned_by_caller, chosen.timeout, chosen.name);
    communicator world(own(made, before, std::move(chosen)));
    world.find_nodes();
    return world;
  }

 private:
  static std::shared_ptr<member> make(const ncclUniqueId& id, int rank, int size, settings chosen) {
    if (size < 1 || rank < 0 || rank >= size) {
      throw usage_error("rank " + std::to_string(rank) + " of a world of " + std::to_string(size) +
                        "; allowed: 0 to size - 1");
    }
    static_cast<void>(library_features::here());  // refuses before anything is made
    int device = 0;
    check(cudaGetDevice(&device), "cudaGetDevice");
    const std::size_t before = free_bytes(device);
    const auto found = [id, rank, size, shares = chosen.share_resources](ncclComm_t* made) {
      ncclConfig_t config = NCCL_CONFIG_INITIALIZER;
      config.splitShare = shares ? 1 : 0;
      return ncclCommInitRankConfig(made, size, id, rank, &config);
    };
    const error_context where{.rank = rank, .group = chosen.name, .stage = "meeting the other ranks"};
    const ncclComm_t made = detail::make_in_time(chosen.timeout, device, nullptr, "ncclCommInitRankConfig",
                                                 "not all ranks came to make the world", where, found);
    return own(made, before, std::move(chosen));
  }

  static std::shared_ptr<member> own(ncclComm_t made, std::size_t free_before, settings chosen) {
    auto state = std::make_shared<member>(made, member::ownership::owned, std::move(chosen));
    state->count_native(free_before, free_bytes(state->device()));
    return state;
  }
};

/// What rank 0 makes and gives to all other ranks, so that they find each other.
inline ncclUniqueId unique_id() {
  ncclUniqueId id{};
  check(ncclGetUniqueId(&id), "ncclGetUniqueId");
  return id;
}

inline void communicator_ref::find_nodes() const {
  member& m = *state();
  const int given = m.chosen().node_size;
  std::vector<int> node_of = m.chosen().node_of;
  if (!node_of.empty() && node_of.size() != static_cast<std::size_t>(m.shape().size)) {
    throw usage_error("node_of has " + std::to_string(node_of.size()) + " entries; it must have one for each of the " +
                          std::to_string(m.shape().size) + " ranks",
                      m.where());
  }
  if (!node_of.empty()) return m.set_nodes(std::move(node_of));
  node_of.resize(static_cast<std::size_t>(m.shape().size));
  if (given > 0) {
    for (std::size_t r = 0; r < node_of.size(); ++r) node_of[r] = static_cast<int>(r) / given;
  } else {
    const std::vector<std::uint64_t> hosts = gather(host_fingerprint(), "finding the nodes");
    for (std::size_t r = 0; r < hosts.size(); ++r) {
      node_of[r] = static_cast<int>(std::find(hosts.begin(), hosts.end(), hosts[r]) - hosts.begin());
    }
  }
  m.set_nodes(std::move(node_of));
}

inline void communicator_ref::use(const tuned_table& table) const {
  member& m = alive();
  const std::string here = machine_name(m.device());
  struct vote {
    std::uint64_t fingerprint, foreign;
  };
  const bool foreign = table.machine != here;
  const std::vector<vote> all = gather(vote{table.fingerprint(), foreign ? 1U : 0U}, "use");
  for (std::size_t r = 0; r < all.size(); ++r) {
    if (all[r].foreign != 0) {
      throw usage_error("the tuned table of rank " + std::to_string(r) + " comes from another machine" +
                            (foreign ? ": '" + table.machine + "', here '" + here + "'" : std::string()),
                        m.where());
    }
    if (all[r].fingerprint != all[0].fingerprint) {
      throw usage_error("rank " + std::to_string(r) + " brings another tuned table than rank 0", m.where());
    }
  }
  m.use(std::make_shared<const tuned_table>(table));
}

inline communicator communicator_ref::split(int colour, int key, std::string name,
                                            const topology_digest& geometry) const {
  const member& m = alive();
  const split_order own{state(), colour, key, std::move(name), geometry};
  own.check();
  if (together::current() != nullptr) {
    throw usage_error(
        "a group is made inside mics::nccl::together, where other GPUs of this thread may have to take part; use "
        "split_later(), or prepare() of mics::groups",
        m.where("split"));
  }
  return communicator(std::move(nccl::split(std::span(&own, 1)).front()));
}

inline void communicator_ref::split_later(int colour, int key, std::string name,
                                          std::function<void(communicator)> receive,
                                          const topology_digest& geometry) const {
  together* const others = together::current();
  if (others == nullptr) return receive(split(colour, key, std::move(name), geometry));
  static_cast<void>(alive());
  split_order own{state(), colour, key, std::move(name), geometry};
  own.check();
  others->add(std::move(own),
              [receive = std::move(receive)](std::shared_ptr<member> made) { receive(communicator(std::move(made))); });
}

inline launch communicator_ref::checked_launch(std::span<const planned_call> calls, cudaStream_t stream) const {
  member& m = alive();
  const auto where = [&m, &calls] { return m.where(std::string(name_of(calls.front().call.what)), m.next()); };
  const bool captured = is_capturing(stream);
  if (!captured) m.memory().require_stream(stream, m.device(), where);  // CUDA does not say during a capture
  for (const planned_call& c : calls) {
    if (c.widened()) required_kernels("accumulation::widened");
    if (c.call.what == operation::barrier) continue;
    // A shard of no elements may begin where its buffer ends.
    const std::size_t all = c.call.blocks.total(), own = c.call.blocks.length(m.shape().rank);
    if ((c.call.what == operation::all_gather ? own : all) > 0) {
      m.memory().require_buffer("the input", c.call.input, m.device(), where);
    }
    if ((c.call.what == operation::reduce_scatter ? own : all) > 0) {
      m.memory().require_buffer("the output", c.call.output, m.device(), where);
    }
  }
  return launch(m, calls, stream, captured);
}

inline void communicator_ref::enqueue(std::span<const planned_call> calls, cudaStream_t stream,
                                      const native_options& options) const {
  member& m = alive();
  launch ready = checked_launch(calls, stream);
  if (options.checked && m.shape().size > 1) {
    schedule::signature own = mics::detail::sign(calls, m.shape());
    ready.add_to(own);
    const std::vector<schedule::signature> all = gather(own, name_of(ready.what()));
    mics::detail::require_agreement(
        all, m.shape().rank, [](int rank) { return rank; }, m.where(std::string(name_of(ready.what())), m.next()));
  }
  if (together* const others = together::current()) return others->add(std::move(ready), calls, options.timeout);
  const plan_request& asked = calls.front().how.asked();
  const call_key key(calls.front().call, asked.how, asked.on_rail, asked.chunk_bytes, stream);
  const bool records = ready.can_be_recorded() && calls.front().call.blocks.even() && m.repeats().is_second_time(key);
  recording made;
  if (records) ready.record_in(made);
  run(std::span(&ready, 1), options.timeout);
  if (records) m.repeats().keep(key, std::move(made));
}

}  // namespace mics::nccl
