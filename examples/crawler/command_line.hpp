// How the crawler's programs read their command line: wrong usage is one sentence and status 2, as
// with every program of the house. Main thread, at start.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdio>
#include <optional>

namespace bourse::crawler {

// nullopt: go on. Otherwise the exit code: help was printed, or the usage was wrong.
inline std::optional<int> read_command_line(CLI::App& app, const char* program, int argc,
                                            char** argv) {
  try {
    app.parse(argc, argv);
    return std::nullopt;
  } catch (const CLI::Success& asked) {
    return app.exit(asked);
  } catch (const CLI::ParseError& error) {
    std::fprintf(stderr, "%s: %s; %s --help lists the flags\n", program, error.what(), program);
    return 2;
  }
}

}  // namespace bourse::crawler
