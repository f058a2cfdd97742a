// registry: a master's registry as a file, into another store, and looked over.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>

#include "cli/commands.hpp"
#include "cli/invocation.hpp"
#include "cli/registry_store.hpp"
#include "cli/table.hpp"
#include "proto/codec/registry_export.hpp"
#include "runtime/flags.hpp"

namespace bourse::cli {

namespace {

constexpr char kRegistryUsage[] =
    "usage: bourse registry export [SOURCE] [--output=FILE]\n"
    "       bourse registry import FILE [TARGET] [--replace]\n"
    "       bourse registry check [SOURCE]\n\n"
    "SOURCE and TARGET: a master's work directory, its registry.db, or zk://... as of --zk;\n"
    "left out: BOURSE_ZK, so that a password stands in no list of processes.\n"
    "check reads an export too. export and check read an ensemble while masters run on it;\n"
    "a file, and whatever is imported into, belongs to a master until that is stopped.\n"
    "Exit status of check: 0 sound, 1 problems, 3 it could not be looked at.\n";

// Of check: not a problem of the registry.
constexpr int kNotLookedAt = 3;

bool is_ensemble(const std::string& place) {
  return place.starts_with("zk://");
}

Result<std::unique_ptr<Ensemble>> connect(const std::string& place) {
  const auto url = runtime::parse_zookeeper_url(place);
  if (!url.ok()) return url.error();
  return Ensemble::open(*url);
}

Result<StoredRegistry> read_registry(const std::string& place) {
  if (!is_ensemble(place)) return read_registry_file(place);
  const auto ensemble = connect(place);
  if (!ensemble.ok()) return ensemble.error();
  const auto nodes = read_nodes(**ensemble);
  if (!nodes.ok()) return nodes.error();
  StoredRegistry out = judge_nodes(*nodes, (*ensemble)->path());
  out.name = (*ensemble)->name();
  return out;
}

std::string summary(const Registry& registry) {
  return "cluster " + registry.cluster_id + ", epoch " + std::to_string(registry.epoch) + ": " +
         codec::describe_counts(registry);
}

void say(std::FILE* to, const std::string& line) {
  std::fprintf(to, "%s\n", printable(line).c_str());
}

int problems_of(const StoredRegistry& found) {
  for (const std::string& problem : found.problems) say(stderr, "bourse: " + problem);
  return 1;
}

// Somebody else has it, or it does not answer: nothing is known about what it holds.
bool is_out_of_reach(ErrorCode code) {
  return code == ErrorCode::unavailable || code == ErrorCode::timeout ||
         code == ErrorCode::denied || code == ErrorCode::conflict || code == ErrorCode::io;
}

int check(const std::string& source) {
  const auto found = read_registry(source);
  if (!found.ok()) {
    const int problem = failed(found.error());
    return is_out_of_reach(found.error().code) ? kNotLookedAt : problem;
  }
  say(stdout, found->name + ": " + summary(found->registry));
  if (found->problems.empty()) return 0;
  say(stdout, std::to_string(found->problems.size()) +
                  (found->problems.size() == 1 ? " problem" : " problems"));
  return problems_of(*found);
}

// Beside it first: a copy that was good is there until the new one is.
Status replace_file(const std::string& path, const std::string& text) {
  const std::string fresh = path + ".new";
  const auto refused = [&](const char* what) {
    const Error error{ErrorCode::io, "--output: " + path + " cannot be " + what + ": " +
                                         std::strerror(errno) + "; what was there is untouched"};
    ::unlink(fresh.c_str());
    return error;
  };
  const int fd = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
  if (fd < 0) return refused("written");
  std::size_t done = 0;
  while (done < text.size()) {
    const ssize_t wrote = ::write(fd, text.data() + done, text.size() - done);
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) break;
    done += static_cast<std::size_t>(wrote);
  }
  const bool stored = done == text.size() && ::fsync(fd) == 0;
  const int trouble = errno;
  ::close(fd);
  errno = trouble;
  if (!stored) return refused("written");
  if (::rename(fresh.c_str(), path.c_str()) != 0) return refused("put in its place");
  return {};
}

int export_to(const std::string& source, const std::string& output) {
  std::error_code none;
  if (!output.empty() && !is_ensemble(source) &&
      std::filesystem::equivalent(registry_file(source), output, none)) {
    return failed(
        {ErrorCode::invalid, "--output: " + output + " is the registry itself; name another file"});
  }
  const auto found = read_registry(source);
  if (!found.ok()) return failed(found.error());
  if (!found->problems.empty()) return problems_of(*found);
  const std::string text = codec::write_registry_export(found->registry);
  if (output.empty()) {
    std::fwrite(text.data(), 1, text.size(), stdout);
    return std::fflush(stdout) == 0 ? 0
                                    : failed({ErrorCode::io, "standard output: cannot be written"});
  }
  if (const Status written = replace_file(output, text); !written.ok()) {
    return failed(written.error());
  }
  say(stdout, output + ": " + summary(found->registry));
  return 0;
}

int import_from(const std::string& file, const std::string& target, bool replace) {
  const auto read = read_registry(file);
  if (!read.ok()) return failed(read.error());
  if (!read->problems.empty()) return problems_of(*read);
  std::string name = target;
  Result<Registry> written = Registry{};
  if (is_ensemble(target)) {
    const auto ensemble = connect(target);
    if (!ensemble.ok()) return failed(ensemble.error());
    name = (*ensemble)->name();
    written = write_ensemble(**ensemble, read->registry, replace);
  } else {
    name = registry_file(target);
    written = write_registry_file(target, read->registry, replace);
  }
  if (!written.ok()) return failed(written.error());
  // What counts is what can be read from there.
  const auto again = read_registry(target);
  if (!again.ok()) return failed(again.error());
  if (!again->problems.empty()) return problems_of(*again);
  if (again->registry != *written) {
    return failed({ErrorCode::conflict, name + ": does not hold what was just written: somebody "
                                               "else wrote there meanwhile"});
  }
  say(stdout, name + ": " + summary(*written) + " (exported in epoch " +
                  std::to_string(read->registry.epoch) + ")");
  return 0;
}

int wrong_usage() {
  std::fputs(kRegistryUsage, stderr);
  return 2;
}

}  // namespace

int registry_command(const Arguments& arguments) {
  runtime::Flags flags("bourse registry", kRegistryUsage);
  std::string output;
  bool replace = false;
  std::vector<std::string> words;
  flags.add("output", output, "export: write to this file instead of standard output");
  flags.add("replace", replace, "import: take the place of a registry that is there");
  flags.positional("WORDS", words, "export SOURCE, import FILE TARGET, or check SOURCE");
  std::vector<const char*> argv{"bourse registry"};
  for (const std::string& argument : arguments) argv.push_back(argument.c_str());
  const auto parsed = flags.parse(static_cast<int>(argv.size()), argv.data());
  if (!parsed.ok()) {
    std::fprintf(stderr, "bourse registry: %s\n", parsed.error().message.c_str());
    return 2;
  }
  if (!parsed.value()) {
    std::fputs(flags.output().c_str(), stdout);
    return 0;
  }
  if (words.empty()) return wrong_usage();
  const std::string verb = words.front();
  const char* ensemble = std::getenv("BOURSE_ZK");
  if (ensemble != nullptr && words.size() == (verb == "import" ? 2U : 1U)) {
    words.emplace_back(ensemble);
  }
  if (verb == "export" && words.size() == 2) return export_to(words[1], output);
  if (verb == "import" && words.size() == 3) return import_from(words[1], words[2], replace);
  if (verb == "check" && words.size() == 2) return check(words[1]);
  return wrong_usage();
}

}  // namespace bourse::cli
