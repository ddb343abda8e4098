#pragma once

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

namespace train_lm {

/// Bytes to learn from, and where they come from.
struct text_source {
  std::vector<std::uint8_t> bytes;
  std::string name;
};

namespace detail {

inline void append_file(std::vector<std::uint8_t>& bytes, const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  bytes.insert(bytes.end(), std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
  if (in.bad() || !in.is_open()) throw std::runtime_error("--text: cannot read '" + file.string() + "'");
}

// The headers lie in the source tree, or beside an installed program in <prefix>/include.
inline std::vector<std::filesystem::path> header_folders() {
  namespace fs = std::filesystem;
  std::error_code unknown;
  const auto program = fs::read_symlink("/proc/self/exe", unknown);
  return {(fs::path(__FILE__) / "../../../include/mics").lexically_normal(),
          (program / "../../include/mics").lexically_normal()};
}

// Sorted, so that every process and every machine reads the same text.
inline std::vector<std::filesystem::path> headers_in(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files;
  std::error_code absent;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder, absent)) {
    if (entry.path().extension() == ".hpp") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace detail

/// The bytes of `file`, or of all headers of mics when `file` is empty. Throws std::runtime_error when there are none.
inline text_source read_text(const std::string& file) {
  text_source text{{}, file};
  if (!file.empty()) {
    detail::append_file(text.bytes, file);
    return text;
  }
  std::string looked_in;
  for (const auto& folder : detail::header_folders()) {
    for (const auto& header : detail::headers_in(folder)) detail::append_file(text.bytes, header);
    text.name = "the headers in " + folder.string();
    if (!text.bytes.empty()) return text;
    looked_in += (looked_in.empty() ? "" : " and ") + folder.string();
  }
  throw std::runtime_error("--text: not given, and no headers of mics in " + looked_in + "; give any file");
}

/// Throws std::runtime_error when the text is too short for one sample.
inline void check_length(const text_source& text, std::size_t context) {
  if (text.bytes.size() > context) return;
  throw std::runtime_error("--text: '" + text.name + "' has " + std::to_string(text.bytes.size()) +
                           " bytes; more than the --context of " + std::to_string(context) + " are needed");
}

}  // namespace train_lm
