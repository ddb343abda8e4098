#pragma once

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <stdexcept>

#include <CLI/CLI.hpp>

#include <mics/error.hpp>

/// Reads the command line and lets `interpret` make sense of it. What is wrong with either ends the program with a
/// message and exit code 2, --help with 0.
template <class Interpret> void read_command_line(CLI::App& app, int argc, char** argv, Interpret interpret) {
  const auto refuse = [&app](const std::exception& problem) {
    std::fprintf(stderr, "%s: %s\n", app.get_name().c_str(), problem.what());
    std::exit(2);
  };
  try {
    app.parse(argc, argv);
    interpret();
  } catch (const CLI::ParseError& problem) {
    std::exit(app.exit(problem) == 0 ? 0 : 2);
  } catch (const std::invalid_argument& problem) {
    refuse(problem);
  } catch (const mics::error& problem) {
    refuse(problem);
  }
}
