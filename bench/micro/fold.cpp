// Reductions and copies of one thread, in bytes read a second, beside memcpy of the same bytes: 64 KiB a source stays
// in the second-level cache, 16 MiB does not fit any.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include <mics/detail/convert.hpp>
#include <mics/detail/copy.hpp>
#include <mics/detail/fold.hpp>
#include <mics/types.hpp>

namespace {

using namespace mics;

const std::vector<std::vector<std::int64_t>> grid{{64 << 10, 16 << 20}, {2, 4, 8, 16}};  // bytes, sources

/// Some sources and a destination of equal size. Every 16-bit pattern is an ordinary number near 1 in every float type.
class memory {
 public:
  memory(std::size_t sources, std::size_t bytes) : buffers_(sources + 1, std::vector<std::byte>(bytes)) {
    for (auto& buffer : buffers_) {
      for (std::size_t i = 0; i < bytes; ++i) buffer[i] = static_cast<std::byte>(i % 2 == 0 ? 0x81 : 0x3f);
    }
    for (std::size_t k = 0; k < sources; ++k) pointers_.push_back(buffers_[k].data());
  }
  [[nodiscard]] const std::vector<const std::byte*>& sources() const { return pointers_; }
  [[nodiscard]] std::byte* destination() { return buffers_.back().data(); }

 private:
  std::vector<std::vector<std::byte>> buffers_;
  std::vector<const std::byte*> pointers_;
};

void count_bytes(benchmark::State& state, std::size_t bytes) {
  state.SetBytesProcessed(static_cast<std::int64_t>(bytes) * static_cast<std::int64_t>(state.iterations()));
}

void fold(benchmark::State& state, data_type type, reduction how, double scale) {
  const auto bytes = static_cast<std::size_t>(state.range(0));
  const auto sources = static_cast<std::size_t>(state.range(1));
  memory buffers(sources, bytes);
  for (auto _ : state) {
    detail::fold(type, how, buffers.destination(), buffers.sources(), bytes / size_of(type), scale);
    benchmark::ClobberMemory();
  }
  count_bytes(state, sources * bytes);
}

/// What the same sources cost when they are only copied, one after the other, to the same place.
void copy_all(benchmark::State& state) {
  const auto bytes = static_cast<std::size_t>(state.range(0));
  const auto sources = static_cast<std::size_t>(state.range(1));
  memory buffers(sources, bytes);
  for (auto _ : state) {
    for (const std::byte* source : buffers.sources()) {
      std::memcpy(buffers.destination(), source, bytes);
      benchmark::ClobberMemory();
    }
  }
  count_bytes(state, sources * bytes);
}

void copy_one(benchmark::State& state, bool streaming) {
  const auto bytes = static_cast<std::size_t>(state.range(0));
  memory buffers(1, bytes);
  for (auto _ : state) {
    detail::copy_bytes(buffers.destination(), buffers.sources().front(), bytes, streaming);
    benchmark::ClobberMemory();
  }
  count_bytes(state, bytes);
}

void convert(benchmark::State& state, data_type from, data_type to) {
  const auto bytes = static_cast<std::size_t>(state.range(0));
  const std::size_t count = bytes / std::max(size_of(from), size_of(to));
  memory buffers(1, bytes);
  for (auto _ : state) {
    detail::convert(from, buffers.sources().front(), to, buffers.destination(), count);
    benchmark::ClobberMemory();
  }
  count_bytes(state, count * size_of(from));
}

void add_fold(const std::string& name, data_type type, reduction how, double scale = 1.0) {
  benchmark::RegisterBenchmark(("fold/" + name).c_str(), fold, type, how, scale)
      ->ArgNames({"bytes", "sources"})
      ->ArgsProduct(grid);
}

const bool registered = [] {
  benchmark::RegisterBenchmark("fold/memcpy", copy_all)->ArgNames({"bytes", "sources"})->ArgsProduct(grid);
  for (int i = 0; i < reducible_type_count; ++i) {
    const auto type = static_cast<data_type>(i);
    const std::string name(name_of(type));
    add_fold("sum/" + name, type, reduction::sum);
    add_fold("max/" + name, type, reduction::max);
    if (is_floating(type)) add_fold("avg/" + name, type, reduction::avg, 0.25);
  }
  for (const bool streaming : {false, true}) {
    benchmark::RegisterBenchmark(streaming ? "copy/streaming" : "copy/memcpy", copy_one, streaming)
        ->ArgName("bytes")
        ->Arg(64 << 10)
        ->Arg(1 << 20)
        ->Arg(16 << 20)
        ->Arg(128 << 20);
  }
  for (const data_type half : {data_type::float16, data_type::bfloat16}) {
    const std::string name(name_of(half));
    benchmark::RegisterBenchmark(("convert/" + name + "/float32").c_str(), convert, half, data_type::float32)
        ->Arg(16 << 20);
    benchmark::RegisterBenchmark(("convert/float32/" + name).c_str(), convert, data_type::float32, half)->Arg(16 << 20);
  }
  return true;
}();

}  // namespace
