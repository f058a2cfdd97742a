#include "agent/shell/sandboxes.hpp"

#include <filesystem>

#include "agent/shell/container_spec.hpp"

namespace bourse::agent {

namespace {

std::vector<std::string> split(const std::string& path) {
  std::vector<std::string> out;
  std::size_t begin = 0;
  while (begin < path.size()) {
    const std::size_t end = std::min(path.find('/', begin), path.size());
    if (end > begin) out.push_back(path.substr(begin, end - begin));
    begin = end + 1;
  }
  return out;
}

std::string join_from(const std::vector<std::string>& parts, std::size_t first) {
  std::string out;
  for (std::size_t i = first; i < parts.size(); ++i) out += (out.empty() ? "" : "/") + parts[i];
  return out;
}

Error no_such(const std::string& path) {
  return {ErrorCode::not_found, "path: '" + path + "' is no sandbox of this agent"};
}

}  // namespace

Result<Sandboxes::Place> Sandboxes::resolve(const std::string& agent_id,
                                            const std::string& path) const {
  std::vector<std::string> parts = split(path);
  std::size_t rest = 0;
  std::string agent, framework, executor, container;
  if (parts.size() >= 6 && parts[0] == "agents" && parts[2] == "sandbox") {
    // Names as they are: what they are on disk is our business.
    agent = parts[1];
    framework = path_component(parts[3]);
    executor = path_component(parts[4]);
    container = path_component(parts[5]);
    rest = 6;
  } else {
    const std::vector<std::string> root = split(work_dir_);
    if (parts.size() < root.size() + 8 || !std::equal(root.begin(), root.end(), parts.begin())) {
      return no_such(path);
    }
    parts.erase(parts.begin(), parts.begin() + static_cast<std::ptrdiff_t>(root.size()));
    const bool shaped = parts[0] == "slaves" && parts[2] == "frameworks" &&
                        parts[4] == "executors" && parts[6] == "runs";
    if (!shaped) return no_such(path);
    agent = parts[1];
    framework = parts[3];
    executor = parts[5];
    container = parts[7];
    rest = 8;
  }
  for (const std::string* name : {&agent, &framework, &executor, &container}) {
    if (name->empty() || *name == "." || *name == "..") return no_such(path);
  }
  if (path_component(agent) != path_component(agent_id)) return no_such(path);
  const std::string runs = work_dir_ + "/slaves/" + path_component(agent) + "/frameworks/" +
                           framework + "/executors/" + executor + "/runs/";
  if (container == "latest") {
    // Our own link in our own directory; the task cannot write there.
    std::error_code error;
    container = std::filesystem::read_symlink(runs + "latest", error).filename().string();
    if (error) return no_such(path);
  }
  return Place{runs + container, join_from(parts, rest)};
}

Result<std::vector<isolation::SandboxEntry>> Sandboxes::list(const std::string& agent_id,
                                                             const std::string& path) const {
  auto place = resolve(agent_id, path);
  if (!place.ok()) return place.error();
  auto files = isolation::SandboxFiles::open(place->sandbox_dir);
  if (!files.ok()) return no_such(path);
  return files->list(place->rest);
}

Result<isolation::SandboxChunk> Sandboxes::read(const std::string& agent_id,
                                                const std::string& path, std::int64_t offset,
                                                std::int64_t length) const {
  auto place = resolve(agent_id, path);
  if (!place.ok()) return place.error();
  auto files = isolation::SandboxFiles::open(place->sandbox_dir);
  if (!files.ok()) return no_such(path);
  return files->read(place->rest, offset, length);
}

}  // namespace bourse::agent
