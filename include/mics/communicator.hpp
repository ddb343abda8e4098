#pragma once

#include <chrono>
#include <concepts>
#include <string>
#include <utility>

#include <mics/plan/choice.hpp>
#include <mics/plan/program_cache.hpp>
#include <mics/schedule/launch.hpp>
#include <mics/shape.hpp>

namespace mics {

namespace detail {

/// Who and where: what every communicator can say of itself, at no cost.
template <class C>
concept has_identity = requires(const C& c) {
  { c.rank() } -> std::convertible_to<int>;
  { c.world_rank() } -> std::convertible_to<int>;
  { c.size() } -> std::convertible_to<int>;
  { c.name() } -> std::convertible_to<std::string>;
  { c.shape() } -> std::same_as<const group_shape&>;
};

/// The caller may know better how the ranks lie on nodes; to be told before the first collective.
template <class C>
concept has_placement = requires(const C& c, group_shape shape) {
  c.set_shape(shape);
};

/// An owning type and its copyable, non-owning twin.
template <class C>
concept has_twins = requires {
  typename C::owner_type;
  typename C::ref_type;
}
&&std::copyable<typename C::ref_type>&& std::constructible_from<typename C::ref_type, const C&>;

/// Collective: ranks with the same colour form a group, ordered by key; the name is for messages. (One that takes a
/// topology_digest, too, lets `groups` find ranks that disagree about the geometry.)
template <class C>
concept has_split = requires(const C& c, int colour, int key, std::string name) {
  { c.split(colour, key, name) } -> std::same_as<typename C::owner_type>;
};

/// What work is ordered by, e.g. cudaStream_t, and the marks by which streams wait for each other. Cheap to copy.
template <class C>
concept has_streams = requires(const C& c, typename C::stream_type stream, typename C::event_type event) {
  { c.record(stream) } -> std::same_as<typename C::event_type>;
  c.wait(stream, event);
};

/// What a call takes where its options leave it open.
template <class C>
concept has_defaults = requires(const C& c) {
  { c.timeout() } -> std::convertible_to<std::chrono::milliseconds>;
  { c.checked() } -> std::convertible_to<bool>;
};

/// What plans are made from.
template <class C>
concept has_plans = requires(const C& c) {
  { C::traits } -> std::convertible_to<transport_traits>;
  { c.programs() } -> std::same_as<program_cache&>;
};

}  // namespace detail

/// One rank's end of a group: a handle whose state lies elsewhere, so collectives take it by const reference.
/// The operations of one communicator run in the order of the calls, which must be the same on every rank; ranks call
/// from one thread at a time.
template <class C>
concept communicator = detail::has_identity<C> && detail::has_placement<C> && detail::has_twins<C> &&
    detail::has_split<C> && detail::has_streams<C> && detail::has_plans<C> && detail::has_defaults<C>;

template <communicator C> using stream_of = typename C::stream_type;

/// A transport that moves messages: it runs the programs of the library's own algorithms, in the caller's thread or in
/// the order of a stream. (A transport with collectives of its own gets planned calls
/// instead: see native_communicator in collectives/planned_call.hpp.)
template <class C>
concept message_communicator = communicator<C> &&
    requires(const C& c, schedule::launch order, typename C::stream_type stream) {
  c.run(std::move(order));
  c.enqueue(std::move(order), stream);
};

/// A communicator that decides by itself how a collective runs, e.g. from measurements on its machine:
/// `choose(request)` says the same on every rank, and throws usage_error for an algorithm that was asked for and cannot
/// serve.
template <class C>
concept choosing_communicator = communicator<C> && requires(const C& c, const plan_request& request) {
  { c.choose(request) } -> std::same_as<plan_choice>;
};

/// Says in words which capability a type lacks to be a communicator.
template <class C> consteval bool check_communicator() {
  static_assert(detail::has_identity<C>,
                "mics: a communicator needs rank(), world_rank(), size(), name() and shape() -> const group_shape&");
  static_assert(detail::has_placement<C>, "mics: a communicator needs set_shape(group_shape)");
  static_assert(detail::has_twins<C>,
                "mics: a communicator names owner_type and ref_type; ref_type is copyable and made from it");
  static_assert(detail::has_split<C>, "mics: a communicator needs split(colour, key, name) -> owner_type");
  static_assert(
      detail::has_streams<C>,
      "mics: a communicator names stream_type and event_type, and has record(stream) and wait(stream, event)");
  static_assert(detail::has_defaults<C>, "mics: a communicator needs timeout() and checked()");
  static_assert(detail::has_plans<C>,
                "mics: a communicator needs static transport_traits traits and programs() -> program_cache&");
  return communicator<C>;
}

}  // namespace mics
