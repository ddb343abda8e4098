// The main() of every doctest executable: each test case runs under a watchdog.

#include <optional>
#include <string>

#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

#include "listener.hpp"
#include "slowness.hpp"
#include "watchdog.hpp"

namespace {

class guard final : public mics::test::listener {
 public:
  using listener::listener;

  void test_case_start(const doctest::TestCaseData& test) override { watch(test); }
  void test_case_reenter(const doctest::TestCaseData& test) override { watch(test); }
  void test_case_end(const doctest::CurrentTestCaseStats&) override { watchdog_.reset(); }

 private:
  void watch(const doctest::TestCaseData& test) {
    watchdog_.reset();
    watchdog_.emplace(mics::test::case_limit(), std::string(test.m_name));
  }

  std::optional<mics::test::watchdog> watchdog_;
};

}  // namespace

REGISTER_LISTENER("watchdog", 1, guard);
