#pragma once

#include <cstddef>

#include <mics/schedule/program.hpp>
#include <mics/transport/libfabric/rail/link.hpp>
#include <mics/transport/libfabric/rail/wire.hpp>

/// What is wrong with a header that has come, in words; null if nothing. Every number in it that decides where memory
/// is read or written is looked at here.
namespace mics::libfabric {

/// Whatever the link, in a packet of so many bytes for a group of so many members.
[[nodiscard]] inline const char* fault_of(const wire_header& h, std::size_t packet, std::size_t members) noexcept {
  if (h.what > kind::goodbye) return "it is of no known kind";
  if (h.from >= members) return "its sender is no member of the group";
  if (h.lane >= schedule::lanes) return "there is no such lane";
  if (h.what == kind::data && h.bytes != packet - sizeof(wire_header)) return "it has another size than it says";
  return nullptr;
}

/// In its link. (A slot may be announced for a message that has been sent already, when the peer expects another size.)
[[nodiscard]] inline const char* fault_of(const wire_header& h, const rail_link& link) noexcept {
  if (h.consumed > link.sent) return "it says that messages were used that have not been sent";
  if (h.what == kind::slot && h.number >= link.sent + rail_window) return "its slot is beyond the window";
  if (h.what != kind::data) return nullptr;
  if (h.number < link.taken || h.number >= link.taken + rail_window) return "its message is beyond the window";
  if (link.landings[h.number % rail_window].small != nullptr) return "its message has come before";
  return nullptr;
}

}  // namespace mics::libfabric
