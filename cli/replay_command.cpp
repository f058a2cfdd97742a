// replay: a master's recording, played again through the same core.
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <fstream>
#include <iterator>
#include <optional>
#include <sstream>

#include <dirent.h>
#include <sys/stat.h>

#include "cli/api.hpp"
#include "cli/commands.hpp"
#include "cli/invocation.hpp"
#include "cli/replay_time.hpp"
#include "cli/table.hpp"
#include "master/record/replay.hpp"
#include "master/record/segment_name.hpp"
#include "master/record/story.hpp"
#include "runtime/flags.hpp"

namespace bourse::cli {

namespace {

using master::Replay;
using master::SegmentName;
using ull = unsigned long long;

constexpr char kReplayUsage[] =
    "usage: bourse replay DIR|FILE [--run=N] [--until=EVENT|TIME] [--explain=TASK] [--json]\n\n"
    "DIR is what a master was given as --recorder; FILE one segment of it, which is played "
    "alone.\n";

struct Options {
  std::vector<std::string> words;
  std::uint64_t run = 0;  // 0: the newest
  std::string until;
  std::string explain;
  bool json = false;
};

// What is to be played, in order.
struct Segments {
  std::vector<std::string> paths;
  std::uint64_t run = 0;  // 0: a single file
  std::vector<std::uint64_t> runs;
};

Result<Segments> find_segments(const std::string& place, std::uint64_t run) {
  struct stat status {};
  if (::stat(place.c_str(), &status) != 0) {
    return Error{ErrorCode::io, place + ": " + std::strerror(errno)};
  }
  if (!S_ISDIR(status.st_mode)) return Segments{{place}, 0, {}};
  DIR* entries = ::opendir(place.c_str());
  if (entries == nullptr) return Error{ErrorCode::io, place + ": " + std::strerror(errno)};
  std::vector<SegmentName> names;
  while (const dirent* entry = ::readdir(entries)) {
    if (const auto name = master::parse_segment_name(entry->d_name)) names.push_back(*name);
  }
  ::closedir(entries);
  std::sort(names.begin(), names.end());
  if (names.empty()) return invalid(place + ": has no recording of a master in it");
  Segments out;
  out.run = run == 0 ? names.back().run : run;
  for (const SegmentName& name : names) {
    if (out.runs.empty() || out.runs.back() != name.run) out.runs.push_back(name.run);
    if (name.run == out.run) out.paths.push_back(place + "/" + segment_name(name));
  }
  if (!out.paths.empty()) return out;
  return invalid("--run: " + place + " has no run " + std::to_string(run) + "; it has " +
                 std::to_string(out.runs.front()) + " to " + std::to_string(out.runs.back()));
}

Result<std::string> read_part(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream bytes;
  bytes << in.rdbuf();
  if (in.bad() || !in.is_open()) {
    return Error{ErrorCode::io, path + ": " + std::strerror(errno)};
  }
  return std::move(bytes).str();
}

Result<master::ReplayUntil> parse_until(const std::string& text) {
  master::ReplayUntil out;
  if (text.empty()) return out;
  if (text.size() <= 18 && text.find_first_not_of("0123456789") == std::string::npos) {
    out.sequence = std::stoull(text);
    return out;
  }
  const auto time = parse_utc(text);
  if (!time.ok()) return invalid("--until: " + time.error().message);
  out.time = *time;
  return out;
}

void say_line(const master::StoryLine& line, bool json) {
  if (json) {
    std::printf("{\"event\":%llu,\"time\":%s,\"by\":\"%s\",\"text\":%s}\n",
                static_cast<ull>(line.sequence), json_text(utc_text(line.at)).c_str(),
                line.effect ? "master" : "outside", json_text(line.text).c_str());
  } else {
    std::printf("%9llu  %s  %s%s\n", static_cast<ull>(line.sequence), utc_text(line.at).c_str(),
                line.effect ? "  " : "", printable(line.text).c_str());
  }
}

std::string end_text(const Replay& replay) {
  if (replay.stopped()) return "stopped there, as --until says";
  if (replay.ending()) return "the recording ends there: " + replay.ending()->reason;
  if (replay.cut_off()) {
    return "the recording is cut off there: the master was killed as it wrote, or still writes";
  }
  return "the recording just ends there: the master was killed, or still runs";
}

void sum_up_json(const Replay& replay, const Segments& segments, const Status& played) {
  const auto& header = *replay.header();
  const auto& state = replay.core().state();
  std::printf(
      "{\"run\":%llu,\"version\":%s,\"master_id\":%s,\"cluster_id\":%s,\"epoch\":%llu,"
      "\"segments\":%zu,\"first_event\":%llu,\"last_event\":%llu,\"from\":\"%s\",\"to\":\"%s\","
      "\"fingerprint\":\"%016llx\",\"fingerprints_equal\":%llu,\"last_equal_after\":%llu,"
      "\"agents\":%zu,\"frameworks\":%zu,\"tasks\":%zu,\"offers\":%zu,\"until_reached\":%s,"
      "\"cut_off\":%s,\"ending\":%s,\"error\":%s}\n",
      static_cast<ull>(header.run), json_text(header.build).c_str(),
      json_text(header.config.master_id).c_str(), json_text(state.cluster_id).c_str(),
      static_cast<ull>(state.epoch), segments.paths.size(), static_cast<ull>(replay.first()),
      static_cast<ull>(replay.sequence()), utc_text(replay.from()).c_str(),
      utc_text(replay.to()).c_str(), static_cast<ull>(replay.core().fingerprint()),
      static_cast<ull>(replay.marks()), static_cast<ull>(replay.marked()), state.agents.size(),
      state.frameworks.size(), state.tasks.size(), state.offers.size(),
      replay.stopped() ? "true" : "false", replay.cut_off() ? "true" : "false",
      replay.ending() ? json_text(replay.ending()->reason).c_str() : "null",
      played.ok() ? "null" : json_text(played.error().message).c_str());
}

void sum_up(const Replay& replay, const Segments& segments) {
  const auto& header = *replay.header();
  const auto& state = replay.core().state();
  std::string which = segments.run == 0 ? "one segment of run " + std::to_string(header.run)
                                        : "run " + std::to_string(header.run);
  if (segments.runs.size() > 1) {
    which += " (of " + std::to_string(segments.runs.front()) + " to " +
             std::to_string(segments.runs.back()) + ")";
  }
  std::printf("%s: master %s of cluster %s, epoch %llu, version %s\n", which.c_str(),
              printable(header.config.master_id).c_str(), printable(state.cluster_id).c_str(),
              static_cast<ull>(state.epoch), printable(header.build).c_str());
  std::printf("events %llu to %llu, %s to %s\n", static_cast<ull>(replay.first()),
              static_cast<ull>(replay.sequence()), utc_text(replay.from()).c_str(),
              utc_text(replay.to()).c_str());
  std::printf("%llu fingerprints compared and equal, the last after event %llu\n",
              static_cast<ull>(replay.marks()), static_cast<ull>(replay.marked()));
  std::printf("fingerprint %016llx: %zu agents, %zu frameworks, %zu tasks, %zu offers\n",
              static_cast<ull>(replay.core().fingerprint()), state.agents.size(),
              state.frameworks.size(), state.tasks.size(), state.offers.size());
  std::printf("%s\n", printable(end_text(replay)).c_str());
}

Status play_all(Replay& replay, const Segments& segments) {
  for (const std::string& path : segments.paths) {
    if (replay.stopped()) break;
    const auto bytes = read_part(path);
    if (!bytes.ok()) return bytes.error();
    if (const Status played = replay.play(*bytes, path); !played.ok()) return played;
  }
  if (replay.started()) return {};
  return Error{ErrorCode::corrupt, segments.paths.front() + ": is cut off before its first event"};
}

int replay_segments(const Options& options) {
  const auto segments = find_segments(options.words.front(), options.run);
  if (!segments.ok()) return failed(segments.error());
  const auto until = parse_until(options.until);
  if (!until.ok()) return failed(until.error());
  master::TaskStory story(TaskId(options.explain),
                          [&](const master::StoryLine& line) { say_line(line, options.json); });
  Replay::Watch watch;
  if (!options.explain.empty()) {
    watch = [&](const master::ReplayStep& step) { story.watch(step); };
  }
  Replay replay(*until, std::move(watch));
  const Status played = play_all(replay, *segments);
  if (!options.explain.empty() && story.lines() == 0 && !options.json) {
    std::printf("no event touched a task '%s'\n", printable(options.explain).c_str());
  }
  if (replay.started() && options.json) sum_up_json(replay, *segments, played);
  if (replay.started() && !options.json && played.ok()) sum_up(replay, *segments);
  return played.ok() ? 0 : failed(played.error());
}

}  // namespace

int replay_command(const Arguments& arguments) {
  runtime::Flags flags("bourse replay", kReplayUsage);
  Options options;
  flags.add("run", options.run, "which of the runs in DIR; the newest unless given");
  flags.add("until", options.until,
            "stop after the event of this number, or before the first one after this time "
            "(2026-01-31T12:00:00Z)");
  flags.add("explain", options.explain, "tell everything that touched the task of this id");
  flags.add("json", options.json, "one JSON object in a line each, the sum last");
  flags.positional("PLACE", options.words, "DIR or FILE");
  std::vector<const char*> argv{"bourse replay"};
  for (const std::string& argument : arguments) argv.push_back(argument.c_str());
  const auto parsed = flags.parse(static_cast<int>(argv.size()), argv.data());
  if (!parsed.ok()) {
    std::fprintf(stderr, "bourse replay: %s\n", parsed.error().message.c_str());
    return 2;
  }
  if (!parsed.value()) {
    std::fputs(flags.output().c_str(), stdout);
    return 0;
  }
  if (options.words.size() != 1) {
    std::fputs(kReplayUsage, stderr);
    return 2;
  }
  return replay_segments(options);
}

}  // namespace bourse::cli
