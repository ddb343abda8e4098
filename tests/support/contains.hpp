#pragma once

#include <string>

namespace mics::test {

inline bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace mics::test
