// bourse-crawl-check: does the result of a crawl equal the truth? Exits 0 when it does, 1 when not,
// 2 when it cannot tell.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "examples/crawler/check/check.hpp"
#include "examples/crawler/command_line.hpp"
#include "examples/crawler/store/item_store.hpp"

namespace {

using namespace bourse::crawler;

bool read_file(const std::string& path, std::string& text) {
  std::ifstream file(path, std::ios::binary);
  text.assign(std::istreambuf_iterator<char>(file), {});
  if (file.is_open()) return true;
  std::fprintf(stderr, "bourse-crawl-check: cannot read %s\n", path.c_str());
  return false;
}

bool add_databases_in(const std::string& directory, std::vector<std::string>& item_files) {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(directory, error)) {
    const std::string name = entry.path().filename().string();
    if (name.rfind("items", 0) == 0 && entry.path().extension() == ".sqlite") {
      item_files.push_back(entry.path().string());
    }
  }
  std::sort(item_files.begin(), item_files.end());
  if (!error && !item_files.empty()) return true;
  std::fprintf(stderr, "bourse-crawl-check: %s has no items*.sqlite\n", directory.c_str());
  return false;
}

int report(const CheckResult& result, std::int64_t violations, bool json) {
  const bool exact = result.exact() && violations == 0;
  if (json) {
    const nlohmann::ordered_json object{
        {"items_expected", result.items_expected},   {"items_found", result.items_found},
        {"items_missing", result.items_missing},     {"items_extra", result.items_extra},
        {"items_duplicate", result.items_duplicate}, {"items_wrong", result.items_wrong},
        {"pacing_violations", violations},           {"exact", exact}};
    std::printf("%s\n", object.dump().c_str());
  } else {
    for (const std::string& line : result.examples) std::printf("  %s\n", line.c_str());
    std::printf(
        "%llu expected, %llu found: %llu missing, %llu extra, %llu doubled, %llu wrong; "
        "%lld violations: %s\n",
        static_cast<unsigned long long>(result.items_expected),
        static_cast<unsigned long long>(result.items_found),
        static_cast<unsigned long long>(result.items_missing),
        static_cast<unsigned long long>(result.items_extra),
        static_cast<unsigned long long>(result.items_duplicate),
        static_cast<unsigned long long>(result.items_wrong), static_cast<long long>(violations),
        exact ? "exact" : "NOT exact");
  }
  return exact ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  std::string truth_file;
  std::string stats_file;
  std::vector<std::string> item_files;
  std::string output;
  bool json = false;
  CLI::App app{"Compares stored items with the truth of the web they come from."};
  app.add_option("--truth", truth_file, "What shopweb wrote with --truth")->required();
  app.add_option("--items", item_files, "Result databases; several when the store was sharded");
  app.add_option("--output", output, "Directory of a crawl: all items*.sqlite in it");
  app.add_option("--stats", stats_file, "What shopweb wrote with --stats: violations count too");
  app.add_flag("--json", json, "One JSON object");
  if (const auto code = read_command_line(app, "bourse-crawl-check", argc, argv)) return *code;

  if (!output.empty() && !add_databases_in(output, item_files)) return 2;
  std::string text;
  if (!read_file(truth_file, text)) return 2;
  const auto expected = parse_truth(text);
  std::vector<Item> found;
  for (const std::string& path : item_files) {
    auto items = read_items(path);
    if (!items.ok()) {
      std::fprintf(stderr, "bourse-crawl-check: %s\n", items.error().message.c_str());
      return 2;
    }
    found.insert(found.end(), items->begin(), items->end());
  }
  if (!expected.ok()) {
    std::fprintf(stderr, "bourse-crawl-check: %s\n", expected.error().message.c_str());
    return 2;
  }
  std::int64_t violations = 0;
  if (!stats_file.empty()) {
    if (!read_file(stats_file, text)) return 2;
    const auto stats = nlohmann::json::parse(text, nullptr, false);
    if (!stats.is_object() || !stats.contains("violations")) {
      std::fprintf(stderr, "bourse-crawl-check: %s has no \"violations\"\n", stats_file.c_str());
      return 2;
    }
    violations = stats["violations"].get<std::int64_t>();
  }
  return report(check_items(*expected, found), violations, json);
}
