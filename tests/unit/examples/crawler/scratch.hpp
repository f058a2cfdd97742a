// A directory of its own for each test, gone at the end.
#pragma once

#include <stdlib.h>

#include <filesystem>
#include <string>

struct Scratch {
  Scratch() {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "bourse-crawler-test-XXXXXX").string();
    directory = ::mkdtemp(pattern.data());
  }
  ~Scratch() {
    std::error_code ignored;
    std::filesystem::remove_all(directory, ignored);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  std::string path(const std::string& name) const { return directory + "/" + name; }

  std::string directory;
};
