#pragma once

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <new>
#include <string>
#include <utility>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <mics/error.hpp>

namespace mics::libfabric {

/// A process of this node, as its neighbours find it.
struct process_name {
  std::int64_t pid = 0;
  std::uint64_t nonce = 0;  ///< random: tells it from a later process of the same number
  bool operator==(const process_name&) const = default;
};

/// A region of memory, as the neighbours of its process find it.
struct region_name {
  std::uint64_t serial = 0;  ///< never used twice in a process; 0: none
  std::uint64_t bytes = 0;
  std::int64_t file = -1;
};

namespace detail {

/// What lies in front of a region's bytes, in a page of its own.
struct region_header {
  static constexpr std::size_t bytes = 4096;
  process_name owner;
  std::uint64_t serial;
  std::atomic<bool> alive;
};

inline constexpr std::size_t cache_line = 64;

inline std::size_t whole_pages(std::size_t count) noexcept { return (count + 4095) / 4096 * 4096; }

/// A mapping of a file, header included.
class mapping {
 public:
  mapping() = default;
  mapping(int file, std::size_t bytes) : bytes_(bytes) {
    void* at = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (at != MAP_FAILED) at_ = static_cast<std::byte*>(at);
  }
  ~mapping() {
    if (at_ != nullptr) ::munmap(at_, bytes_);
  }
  mapping(mapping&& other) noexcept : at_(std::exchange(other.at_, nullptr)), bytes_(other.bytes_) {}
  mapping& operator=(mapping&& other) noexcept {
    std::swap(at_, other.at_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  mapping(const mapping&) = delete;
  mapping& operator=(const mapping&) = delete;

  [[nodiscard]] bool exists() const noexcept { return at_ != nullptr; }
  [[nodiscard]] region_header& header() const noexcept { return *reinterpret_cast<region_header*>(at_); }
  [[nodiscard]] std::byte* data() const noexcept { return at_ + region_header::bytes; }

 private:
  std::byte* at_ = nullptr;
  std::size_t bytes_ = 0;
};

}  // namespace detail

/// Own memory that the node's other processes can map. It is an anonymous file: it has no name that could be left
/// behind, and is gone with the last process that uses it, however that one ends. Pages are taken when they are
/// touched.
class own_region {
 public:
  own_region() = default;
  /// Throws transport_error when the system has no more files or addresses.
  own_region(process_name owner, std::size_t bytes) {
    static std::atomic<std::uint64_t> serials{0};
    const std::size_t whole = detail::region_header::bytes + detail::whole_pages(bytes);
    file_ = ::memfd_create("mics", MFD_CLOEXEC);
    if (file_ < 0) fail("memfd_create", bytes);
    if (::ftruncate(file_, static_cast<off_t>(whole)) != 0) fail("ftruncate", bytes);
    memory_ = detail::mapping(file_, whole);
    if (!memory_.exists()) fail("mmap", bytes);
    name_ = {++serials, detail::whole_pages(bytes), file_};
    new (&memory_.header()) detail::region_header{owner, name_.serial, true};
  }
  ~own_region() { release(); }
  own_region(own_region&& other) noexcept
      : file_(std::exchange(other.file_, -1)),
        memory_(std::move(other.memory_)),
        name_(std::exchange(other.name_, {})) {}
  own_region& operator=(own_region&& other) noexcept {
    std::swap(file_, other.file_);
    std::swap(memory_, other.memory_);
    std::swap(name_, other.name_);
    return *this;
  }
  own_region(const own_region&) = delete;
  own_region& operator=(const own_region&) = delete;

  [[nodiscard]] bool exists() const noexcept { return memory_.exists(); }
  [[nodiscard]] std::byte* data() const noexcept { return memory_.data(); }
  [[nodiscard]] const region_name& name() const noexcept { return name_; }

 private:
  [[noreturn]] void fail(const char* call, std::size_t bytes) {
    const int code = errno;
    release();
    throw transport_error("no shared memory of " + std::to_string(bytes) + " bytes could be made",
                          {.native = std::string(call) + ": errno " + std::to_string(code)});
  }

  void release() noexcept {
    if (memory_.exists()) memory_.header().alive.store(false, std::memory_order_release);
    if (file_ >= 0) ::close(file_);
  }

  int file_ = -1;
  detail::mapping memory_{};
  region_name name_{};
};

/// A neighbour's region, mapped here.
class mapped_region {
 public:
  /// Throws transport_error when it cannot be opened, or is not the one that was meant.
  mapped_region(process_name owner, region_name name) : name_(name) {
    const std::string path = "/proc/" + std::to_string(owner.pid) + "/fd/" + std::to_string(name.file);
    const int file = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
    if (file < 0) fail(path, "open: errno " + std::to_string(errno));
    const std::size_t whole = detail::region_header::bytes + name.bytes;
    struct stat facts {};
    if (::fstat(file, &facts) == 0 && static_cast<std::size_t>(facts.st_size) == whole) {
      memory_ = detail::mapping(file, whole);
    }
    ::close(file);
    if (!memory_.exists()) fail(path, "it has another size, or there are no addresses for it");
    const detail::region_header& found = memory_.header();
    if (!(found.owner == owner) || found.serial != name.serial) fail(path, "it is another process's");
  }

  [[nodiscard]] std::uint64_t serial() const noexcept { return name_.serial; }
  [[nodiscard]] std::size_t bytes() const noexcept { return name_.bytes; }
  [[nodiscard]] std::byte* data() const noexcept { return memory_.data(); }
  [[nodiscard]] bool alive() const noexcept { return memory_.header().alive.load(std::memory_order_acquire); }

 private:
  [[noreturn]] static void fail(const std::string& path, const std::string& why) {
    throw transport_error("the shared memory of a rank of this node cannot be used: " + path +
                              " (ranks of a node must be able to open each other's files below /proc: the same user "
                              "and process namespace; or set share_memory = false)",
                          {.native = why});
  }

  region_name name_;
  detail::mapping memory_{};
};

}  // namespace mics::libfabric
