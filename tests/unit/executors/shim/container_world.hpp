// A real agent's container runtime in a directory of its own, with a real shim beneath it, for
// tests. Drives it with poll, collects its events, and at the end insists that nothing is left: no
// process, no cgroup, no mount.
#pragma once

#include <catch2/catch.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "agent/isolation/container.hpp"

namespace bourse::isolation::testing {

bool is_root();
// Prints why and returns true when the condition does not hold: `if (skip_unless(...)) return;`.
bool skip_unless(bool condition, const char* reason);

// Polls until the condition holds; false after the deadline.
bool eventually(const std::function<bool()>& condition, int timeout_ms = 10'000);

// Removed, with all below it, by the destructor. On tmpfs unless `parent` says otherwise.
class TempDir {
 public:
  explicit TempDir(const std::string& parent = "/dev/shm");
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  const std::string& path() const { return path_; }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

// A tmpfs of that size; gone, mount and all, with the destructor even when a test fails.
class SmallDisk {
 public:
  explicit SmallDisk(const std::string& size);
  ~SmallDisk();
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;
  const std::string& path() const { return path_; }

 private:
  TempDir dir_;
  std::string path_;
};

std::string contents_of(const std::string& path);
// Bytes; -1 when absent.
long long size_of(const std::string& path);
// Living processes whose command line or environment contains the text.
std::vector<pid_t> processes_with(const std::string& text);
// How often the places appear in this process's mount table.
std::size_t mounts_at(const std::vector<std::string>& places);

class ContainerWorld {
 public:
  explicit ContainerWorld(RuntimeOptions options = {});
  ~ContainerWorld();

  // Closes the runtime as a dying agent would: no goodbye to anybody.
  void agent_dies();
  // A new agent on the same directory. Its recovered containers are in `recovered`.
  void agent_returns();
  // Checks that an orderly end leaves nothing. Called by the destructor too.
  void finish();

  ContainerRuntime& runtime() { return *runtime_; }
  const std::string& tag() const { return tag_; }
  std::string id(const std::string& name) const { return tag_ + "-" + name; }
  std::string sandbox(const std::string& name) const;
  std::string run_dir(const std::string& name) const;
  const RuntimeOptions& options() const { return options_; }

  // A container that runs the command with /bin/sh and PATH set.
  ContainerSpec shell(const std::string& name, const std::string& command) const;
  void launch(const ContainerSpec& spec) { REQUIRE(status_text(runtime_->launch(spec)) == "ok"); }
  static std::string status_text(const Status& status) {
    return status.ok() ? "ok" : status.error().message;
  }

  // One turn of the agent's loop.
  void turn(int timeout_ms = 20);
  bool turn_until(const std::function<bool()>& condition, int timeout_ms = 20'000);

  template <typename Event>
  const Event* find(const std::string& name) const {
    for (const ContainerEvent& event : events) {
      if (const auto* wanted = std::get_if<Event>(&event)) {
        if (wanted->container_id == id(name)) return wanted;
      }
    }
    return nullptr;
  }
  template <typename Event>
  Event wait(const std::string& name, int timeout_ms = 20'000) {
    const bool came = turn_until([&] { return find<Event>(name) != nullptr; }, timeout_ms);
    INFO("events so far: " << describe_events());
    REQUIRE(came);
    return *find<Event>(name);
  }
  // Until the container ended in any way; then releases it.
  ExitRecord wait_exit(const std::string& name, int timeout_ms = 20'000);
  void release(const std::string& name);
  std::string describe_events() const;
  // How many of its containers' directories exist in any cgroup hierarchy.
  std::vector<std::string> cgroup_dirs() const;

  std::vector<ContainerEvent> events;
  std::vector<RecoveredContainer> recovered;

 private:
  void open();
  std::vector<std::string> watched_mounts() const;

  TempDir dir_;
  std::string tag_;
  RuntimeOptions options_;
  std::unique_ptr<ContainerRuntime> runtime_;
  std::size_t mounts_before_ = 0;
  bool finished_ = false;
};

}  // namespace bourse::isolation::testing
