#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#if defined(__AVX__)
#include <immintrin.h>
#elif defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace mics::detail {

#if defined(__SSE2__)

/// One cache line past the caches; `to` is aligned to 64 bytes, `from` need not be.
inline void stream_line(std::byte* to, const std::byte* from) noexcept {
#if defined(__AVX__)
  const __m256i low = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
  const __m256i high = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from + 32));
  _mm256_stream_si256(reinterpret_cast<__m256i*>(to), low);
  _mm256_stream_si256(reinterpret_cast<__m256i*>(to + 32), high);
#else
  __m128i quarter[4];
  for (int i = 0; i < 4; ++i) quarter[i] = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + 16 * i));
  for (int i = 0; i < 4; ++i) _mm_stream_si128(reinterpret_cast<__m128i*>(to + 16 * i), quarter[i]);
#endif
}

inline void stream_copy(std::byte* to, const std::byte* from, std::size_t bytes) noexcept {
  constexpr std::size_t line = 64;
  const std::size_t head = (line - reinterpret_cast<std::uintptr_t>(to) % line) % line;
  std::memcpy(to, from, head);
  const std::size_t whole = (bytes - head) / line * line;
  for (std::size_t i = head; i < head + whole; i += line) stream_line(to + i, from + i);
  std::memcpy(to + head + whole, from + head + whole, bytes - head - whole);
  _mm_sfence();  // the stores above are weakly ordered: nothing that tells others of the data may pass them
}

#endif  // __SSE2__

/// Copies `bytes` from `from` to `to`, which must not overlap, except that they may be the same.
/// - Streaming: the destination goes past the caches where the machine can do that (x86-64), which saves reading it
///   first; for destinations that nobody reads soon and that are larger than the caches. Elsewhere: memcpy.
/// - Alignment: none. Memory: none. Pointers may be null when `bytes` is 0.
inline void copy_bytes(std::byte* to, const std::byte* from, std::size_t bytes, bool streaming) noexcept {
  if (bytes == 0 || to == from) return;
#if defined(__SSE2__)
  constexpr std::size_t worth_streaming = 4096;  // below, the fence costs more than the caches save
  if (streaming && bytes >= worth_streaming) return stream_copy(to, from, bytes);
#else
  static_cast<void>(streaming);
#endif
  std::memcpy(to, from, bytes);
}

}  // namespace mics::detail
