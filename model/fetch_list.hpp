// The files that a command wants in its sandbox before it starts (CommandInfo.uris): judged by the
// agent, fetched by a small program of its own. Values.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace bourse {

struct FetchItem {
  std::string uri;   // an absolute path, or file://, http://, https://
  std::string name;  // relative to the sandbox, without ".."
  bool executable = false;
  bool extract = false;  // it is an archive and is to be unpacked beside itself
  bool cache = false;

  bool operator==(const FetchItem&) const = default;
};

// What the framework asked for as an item. `output_file` empty: the last part of the uri, without
// its query. An executable is not unpacked, nor what is no archive by its name. The error names
// what is wrong after `field`.
Result<FetchItem> make_fetch_item(std::string_view field, std::string uri, std::string output_file,
                                  bool executable, bool extract, bool cache);

// By its name: .tar, .tgz, .tar.gz, .tbz2, .tar.bz2, .txz, .tar.xz, .tar.zst, .zip; .gz alone.
bool is_archive(std::string_view name);

// As the program's arguments, three to an item, and back.
std::vector<std::string> fetch_arguments(const std::vector<FetchItem>& items);
Result<std::vector<FetchItem>> read_fetch_arguments(const std::vector<std::string>& arguments);

}  // namespace bourse
