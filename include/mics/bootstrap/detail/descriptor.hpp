#pragma once

#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

#include <mics/error.hpp>

namespace mics::bootstrap::detail {

/// Owns one file descriptor, closed with it.
class descriptor {
 public:
  descriptor() = default;
  explicit descriptor(int number) noexcept : number_(number) {}
  descriptor(descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  descriptor& operator=(descriptor&& other) noexcept {
    if (this != &other) {
      reset();
      number_ = std::exchange(other.number_, -1);
    }
    return *this;
  }
  ~descriptor() { reset(); }

  [[nodiscard]] int get() const noexcept { return number_; }
  explicit operator bool() const noexcept { return number_ >= 0; }
  void reset() noexcept {
    if (number_ >= 0) ::close(std::exchange(number_, -1));
  }

 private:
  int number_ = -1;
};

[[noreturn]] inline void throw_system(const std::string& what, int code = errno) {
  throw transport_error(what, {.stage = "bootstrap", .native = std::strerror(code)});
}

/// No child program inherits it, and no call on it blocks.
inline void set_flags(const descriptor& of) {
  const int status = ::fcntl(of.get(), F_GETFL);
  if (status < 0 || ::fcntl(of.get(), F_SETFL, status | O_NONBLOCK) < 0 || ::fcntl(of.get(), F_SETFD, FD_CLOEXEC) < 0) {
    throw_system("the flags of a descriptor could not be set");
  }
}

/// Two ends of a pipe: what is written to the second is read from the first.
inline std::pair<descriptor, descriptor> make_pipe() {
  int ends[2];
  if (::pipe(ends) != 0) throw_system("no pipe could be made");
  std::pair<descriptor, descriptor> both{descriptor(ends[0]), descriptor(ends[1])};
  set_flags(both.first);
  set_flags(both.second);
  return both;
}

}  // namespace mics::bootstrap::detail
