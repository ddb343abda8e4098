#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <mics/bootstrap/detail/frame.hpp>
#include <mics/bootstrap/detail/handshake.hpp>
#include <mics/bootstrap/detail/operation.hpp>
#include <mics/bootstrap/detail/siphash.hpp>
#include <mics/bootstrap/detail/slurm.hpp>
#include <mics/bootstrap/detail/words.hpp>

using namespace mics::bootstrap::detail;

namespace {

bytes text_bytes(const std::string& text) {
  const byte_view view = std::as_bytes(std::span(text.data(), text.size()));
  return {view.begin(), view.end()};
}

}  // namespace

TEST_CASE("SipHash-2-4 gives the tags of its authors") {
  const siphash_key key{0x0706050403020100, 0x0f0e0d0c0b0a0908};
  bytes text;
  CHECK(siphash::tag(key, text) == 0x726fdb47dd0e0e31);
  for (std::size_t i = 0; i < 15; ++i) text.push_back(static_cast<std::byte>(i));
  CHECK(siphash::tag(key, text) == 0xa129ca6149be45e5);
}

TEST_CASE("proofs depend on all that they should prove") {
  const siphash_key key = key_of("secret");
  const introduction who{3, 8, 1000, "node", fresh_nonce()};
  const nonce challenge = fresh_nonce();
  const std::uint64_t proof = proof_of(key, who, challenge);
  CHECK(proof == proof_of(key, who, challenge));
  CHECK(proof != proof_of(key_of("secres"), who, challenge));
  CHECK(proof != proof_of(key, who, fresh_nonce()));
  CHECK(proof != proof_of_rank_0(key, who, challenge));
  introduction other = who;
  other.rank = 4;
  CHECK(proof != proof_of(key, other, challenge));
  other = who;
  other.node = "other";
  CHECK(proof != proof_of(key, other, challenge));
  other = who;
  other.world_size = 9;
  CHECK(proof != proof_of(key, other, challenge));
  other = who;
  other.version = "0.0.0";
  CHECK(proof != proof_of(key, other, challenge));
  const auto read_back = read_hello(write_hello(key, who, challenge));
  REQUIRE(read_back);
  CHECK(read_back->proof == proof);
  CHECK(read_back->who.node == "node");
}

TEST_CASE("frames come out whole, however they were cut on the way") {
  bytes stream;
  append_frame(stream, message::hello, text_bytes("first"));
  append_frame(stream, message::goodbye, {});
  append_frame(stream, message::verdict, bytes(100'000, std::byte{7}));
  for (const std::size_t step : {std::size_t{1}, std::size_t{5}, std::size_t{13}, std::size_t{70'000}, stream.size()}) {
    CAPTURE(step);
    frame_reader in(largest_frame);
    std::vector<frame> out;
    for (std::size_t at = 0; at < stream.size(); at += step) {
      in.feed(byte_view(stream).subspan(at, std::min(step, stream.size() - at)));
      while (auto one = in.next()) out.push_back(*one);
    }
    REQUIRE(out.size() == 3);
    CHECK(out[0].kind == message::hello);
    CHECK(out[0].body == text_bytes("first"));
    CHECK(out[1].kind == message::goodbye);
    CHECK(out[1].body.empty());
    CHECK(out[2].body == bytes(100'000, std::byte{7}));
    CHECK(in.fault().empty());
  }
}

TEST_CASE("a stream that is not ours, or too much, is a fault for good") {
  frame_reader foreign(100);
  foreign.feed(text_bytes("GET / HTTP/1.1\r\n\r\n"));
  CHECK(!foreign.next());
  CHECK(foreign.fault() == "a message in another protocol");

  frame_reader newer(100);
  newer.feed(writer().number(frame_mark + (1u << 24)).number(std::uint32_t{1}).number(std::uint32_t{0}).view());
  CHECK(!newer.next());
  CHECK(newer.fault() == "a message of another version of mics; allowed: the same on every rank");

  bytes stream;
  append_frame(stream, message::hello, bytes(101));
  append_frame(stream, message::hello, {});
  frame_reader small(100);
  small.feed(byte_view(stream).first(frame_header));  // the announcement is enough
  CHECK(!small.next());
  CHECK(small.fault().find("101") != std::string::npos);
  small.feed(byte_view(stream).subspan(frame_header));
  CHECK(!small.next());

  frame_reader unknown(100);
  unknown.feed(writer().number(frame_mark).number(std::uint32_t{10}).number(std::uint32_t{0}).view());
  CHECK(!unknown.next());
  CHECK(!unknown.fault().empty());
}

TEST_CASE("every cut and every longer form of a message is malformed") {
  const bytes hello = write_hello(key_of("s"), {1, 2, 3, "node", fresh_nonce()}, fresh_nonce());
  const bytes call_of = write_contribution({1, operation::broadcast, 2, 3}, text_bytes("value"));
  const bytes answer = verdict{verdict::kind::done, 4, "why", text_bytes("result")}.write();
  const auto check = [](const bytes& whole, auto read) {
    CHECK(read(whole).has_value());
    for (std::size_t size = 0; size < whole.size(); ++size) CHECK(!read(byte_view(whole).first(size)));
    bytes longer = whole;
    longer.push_back({});
    CHECK(!read(longer));
  };
  check(hello, read_hello);
  check(call_of, read_contribution);
  check(answer, verdict::read);
}

TEST_CASE("first host of Slurm's lists") {
  CHECK(first_host("node1") == "node1");
  CHECK(first_host("node1,node2") == "node1");
  CHECK(first_host("gpu[007-012,20],login") == "gpu007");
  CHECK(first_host("gpu[5]") == "gpu5");
  CHECK(first_host("rack[1-2]gpu[3,4]") == "rack1gpu3");
  CHECK(first_host("gpu[5") == "gpu5");
  CHECK(first_host("").empty());
}

TEST_CASE("lists of ranks in words") {
  CHECK(list_of_ranks({3}) == "rank 3");
  CHECK(list_of_ranks({1, 4, 5, 6, 9}) == "ranks 1, 4 to 6 and 9");
  CHECK(list_of_ranks({1, 2}) == "ranks 1 and 2");
  std::vector<int> odd;
  for (int i = 1; i < 100; i += 2) odd.push_back(i);
  CHECK(list_of_ranks(odd).find("31 and more") != std::string::npos);
}
