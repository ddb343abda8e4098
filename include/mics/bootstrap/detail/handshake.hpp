#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <fcntl.h>
#include <unistd.h>

#include <mics/bootstrap/detail/descriptor.hpp>
#include <mics/bootstrap/detail/siphash.hpp>
#include <mics/bootstrap/detail/wire.hpp>
#include <mics/version.hpp>

/// How two ranks prove to each other that they know the job's secret without sending it: each picks a number that was
/// never used before (a nonce), and the other one returns a keyed hash of both numbers and of what it says of itself.
namespace mics::bootstrap::detail {

using nonce = std::array<std::byte, 16>;

inline nonce fresh_nonce() {
  const descriptor source(::open("/dev/urandom", O_RDONLY | O_CLOEXEC));
  nonce made{};
  if (!source || ::read(source.get(), made.data(), made.size()) != static_cast<ssize_t>(made.size())) {
    throw_system("no random bytes could be read from /dev/urandom");
  }
  return made;
}

/// The key of the job: 128 bits out of a secret of any length.
inline siphash_key key_of(std::string_view secret) {
  const byte_view text = std::as_bytes(std::span(secret.data(), secret.size()));
  return {siphash::tag({0x6d696373, 1}, text), siphash::tag({0x6d696373, 2}, text)};
}

/// This rank's version of the library. Ranks of different ones could plan the same call in different ways.
inline std::string own_version() {
  return std::to_string(MICS_VERSION_MAJOR) + "." + std::to_string(MICS_VERSION_MINOR) + "." +
         std::to_string(MICS_VERSION_PATCH);
}

/// What a rank says of itself.
struct introduction {
  int rank = 0;
  int world_size = 0;
  std::uint64_t patience_ms = 0;  ///< how long this rank will wait for the others
  std::string node{};             ///< ranks that say the same share a node
  nonce own{};
  std::string version = own_version();
};

inline std::uint64_t proof_of(const siphash_key& key, const introduction& who, const nonce& challenge) {
  writer text;
  text.text("rank").raw(challenge).raw(who.own).rank(who.rank).rank(who.world_size).number(who.patience_ms);
  return siphash::tag(key, text.text(who.node).text(who.version).view());
}

/// Rank 0's proof to a rank; another text than the rank's own, so that no proof can be sent back as an answer.
inline std::uint64_t proof_of_rank_0(const siphash_key& key, const introduction& who, const nonce& challenge) {
  return siphash::tag(key, writer().text("rank 0").raw(who.own).raw(challenge).view());
}

inline bytes write_hello(const siphash_key& key, const introduction& who, const nonce& challenge) {
  writer out;
  out.rank(who.rank).rank(who.world_size).number(who.patience_ms).text(who.node).raw(who.own).text(who.version);
  return out.number(proof_of(key, who, challenge)).take();
}

struct hello {
  introduction who{};
  std::uint64_t proof = 0;
};

inline nonce read_nonce(reader& from) {
  nonce value{};
  const byte_view given = from.raw(value.size());
  for (std::size_t i = 0; i < given.size(); ++i) value[i] = given[i];
  return value;
}

inline std::optional<hello> read_hello(byte_view body) {
  reader in(body);
  hello said;
  said.who.rank = in.rank();
  said.who.world_size = in.rank();
  said.who.patience_ms = in.number<std::uint64_t>();
  said.who.node = in.text();
  said.who.own = read_nonce(in);
  said.who.version = in.text();
  said.proof = in.number<std::uint64_t>();
  if (!in.complete()) return std::nullopt;
  return said;
}

}  // namespace mics::bootstrap::detail
