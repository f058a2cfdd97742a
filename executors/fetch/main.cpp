// bourse-fetch: fetches files into the current directory. The agent runs it as a command's user, in
// a container of its own before the command's; its last line of errors is why the task failed.
//
//   bourse-fetch CACHE_DIR [HOW URI NAME]...     HOW: "-" and of x (executable), e (extract), c
#include <cstdio>

#include "executors/fetch/fetch.hpp"
#include "model/version.hpp"

int main(int argc, char** argv) {
  using namespace bourse;
  if (argc == 2 && std::string(argv[1]) == "--version") {
    std::printf("%s\n", kVersion);
    return 0;
  }
  const std::vector<std::string> arguments(argv + (argc > 1 ? 2 : 1), argv + argc);
  const auto items = read_fetch_arguments(arguments);
  Status done = items.ok() ? Status() : Status(items.error());
  if (done.ok()) done = fetch::fetch_all(items.value(), argc > 1 ? argv[1] : "");
  if (done.ok()) return 0;
  std::fprintf(stderr, "bourse-fetch: %s\n", done.error().message.c_str());
  return 1;
}
