#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include <mics/transport/thread/channel.hpp>

using mics::thread::channel;

TEST_CASE("a large message is lent: the reader sees the writer's own memory") {
  channel c;
  const std::vector<std::byte> data(channel::inline_bytes + 1);
  CHECK(c.peek(0) == nullptr);
  REQUIRE(c.offer(0, data));
  REQUIRE(c.peek(0) != nullptr);
  CHECK(c.peek(0)->data == data.data());
  CHECK(c.peek(0)->bytes == data.size());
  CHECK(c.peek(1) == nullptr);
  CHECK_FALSE(c.was_read_up_to(1));
  c.read_up_to(1);
  CHECK(c.was_read_up_to(1));
}

TEST_CASE("a small message is copied: its writer may change it at once") {
  channel c;
  std::vector<std::byte> data(channel::inline_bytes, std::byte{7});
  REQUIRE(c.offer(0, data));
  data.assign(data.size(), std::byte{9});
  REQUIRE(c.peek(0) != nullptr);
  CHECK(c.peek(0)->bytes == data.size());
  for (std::size_t i = 0; i < data.size(); ++i) CHECK(c.peek(0)->data[i] == std::byte{7});
}

TEST_CASE("a queue refuses what it cannot hold until something has been read") {
  channel c;
  std::array<std::byte, 1> token{};
  std::uint64_t sent = 0;
  while (c.offer(sent, token)) ++sent;
  CHECK(sent == channel::depth);
  c.read_up_to(3);
  for (int room = 0; room < 3; ++room) CHECK(c.offer(sent++, token));
  CHECK_FALSE(c.offer(sent, token));
  CHECK(c.peek(2) == nullptr);  // overwritten by a later one
  CHECK(c.peek(3) != nullptr);
}

TEST_CASE("two threads pass messages of all sizes through one channel") {
  constexpr std::uint64_t messages = 20'000;
  const auto size_of = [](std::uint64_t number) { return sizeof(number) + number % (2 * channel::inline_bytes); };
  channel c;
  std::jthread writer([&] {
    std::array<std::vector<std::byte>, channel::depth + 1> lent;
    for (std::uint64_t number = 0; number < messages; ++number) {
      auto& data = lent[number % lent.size()];  // lent at most `depth` messages ago, so it has been read
      data.assign(size_of(number), static_cast<std::byte>(number));
      std::memcpy(data.data(), &number, sizeof(number));
      while (!c.offer(number, data)) std::this_thread::yield();
    }
    while (!c.was_read_up_to(messages)) std::this_thread::yield();
  });
  bool right = true;
  for (std::uint64_t number = 0; number < messages; ++number) {
    const channel::message* m = nullptr;
    while ((m = c.peek(number)) == nullptr) std::this_thread::yield();
    std::uint64_t found = 0;
    std::memcpy(&found, m->data, sizeof(found));
    right &= found == number && m->bytes == size_of(number) &&
             (m->bytes == sizeof(found) || m->data[m->bytes - 1] == static_cast<std::byte>(number));
    c.read_up_to(number + 1);
  }
  CHECK(right);
}
