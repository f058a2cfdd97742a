// Runs every *.txt of a directory as a scenario and compares its transcript with the one written
// down. A file is a list of blocks: lines of verbs, "----", what they caused, an empty line. Lines
// that start with # are for readers. Usage: scenario_master DIRECTORY [--rewrite] [NAME...]
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>

#include "tests/scenarios/world.hpp"

namespace {

using namespace bourse::master::scenario;

struct Block {
  std::vector<std::string> lines;
  std::string expected;
};

std::vector<Block> read_blocks(const std::filesystem::path& path) {
  std::vector<Block> blocks(1);
  std::ifstream file(path);
  bool output = false;
  for (std::string line; std::getline(file, line);) {
    if (output && line.empty()) {
      output = false;
      blocks.emplace_back();
    } else if (output) {
      blocks.back().expected += line + "\n";
    } else if (line == "----") {
      output = true;
    } else if (!line.empty()) {
      blocks.back().lines.push_back(line);
    }
  }
  if (blocks.back().lines.empty()) blocks.pop_back();
  return blocks;
}

// The transcript of a block; its last line says what is wrong with a line of verbs.
std::string run_block(World& world, const Block& block) {
  world.out.str("");
  for (const std::string& line : block.lines) {
    if (line.starts_with("#")) continue;
    const std::string error = run_line(world, line);
    if (!error.empty()) world.out << "scenario error: " << error << "\n";
  }
  const std::string text = world.out.str();
  return text.empty() ? "nothing\n" : text;
}

bool run_file(const std::filesystem::path& path, bool rewrite) {
  World world;
  std::string rewritten;
  bool good = true;
  for (const Block& block : read_blocks(path)) {
    const std::string got = run_block(world, block);
    for (const std::string& line : block.lines) rewritten += line + "\n";
    rewritten += "----\n" + got + "\n";
    if (got.find("scenario error") != std::string::npos) good = false;
    if (rewrite || got == block.expected) continue;
    good = false;
    std::cout << path.stem().string() << "\n";
    for (const std::string& line : block.lines) std::cout << "    " << line << "\n";
    std::cout << "  expected:\n" << block.expected << "  got:\n" << got << "\n";
  }
  if (rewrite) {
    if (rewritten.ends_with("\n\n")) rewritten.pop_back();
    std::ofstream(path) << rewritten;
  }
  return good;
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> words(argv + 1, argv + argc);
  const bool rewrite = std::erase(words, "--rewrite") > 0;
  if (words.empty()) {
    std::cerr << "usage: scenario_master DIRECTORY [--rewrite] [NAME...]\n";
    return 2;
  }
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(words[0])) {
    if (entry.path().extension() != ".txt" || entry.path().filename() == "CMakeLists.txt") continue;
    const bool wanted = words.size() == 1 || std::find(words.begin() + 1, words.end(),
                                                       entry.path().stem()) != words.end();
    if (wanted) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  std::size_t failed = 0;
  for (const auto& file : files) failed += run_file(file, rewrite) ? 0 : 1;
  std::cout << files.size() << " scenarios, " << failed << " failed\n";
  return failed == 0 && !files.empty() ? 0 : 1;
}
