#include "model/fetch_list.hpp"

#include <algorithm>

#include "model/limits.hpp"

namespace bourse {

namespace {

constexpr std::size_t kMostNameBytes = 1024;

std::string_view scheme_of(std::string_view uri) {
  const std::size_t at = uri.find("://");
  return at == std::string_view::npos ? std::string_view() : uri.substr(0, at);
}

bool known(std::string_view scheme) {
  return scheme == "file" || scheme == "http" || scheme == "https";
}

// The last part of its path, without query and fragment.
std::string last_part(std::string_view uri) {
  const std::size_t scheme = uri.find("://");
  std::string_view path = scheme == std::string_view::npos ? uri : uri.substr(scheme + 3);
  path = path.substr(0, path.find_first_of("?#"));
  const std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? std::string() : std::string(path.substr(slash + 1));
}

bool stays_inside(std::string_view name) {
  std::size_t begin = 0;
  while (begin <= name.size()) {
    const std::size_t end = std::min(name.find('/', begin), name.size());
    const std::string_view part = name.substr(begin, end - begin);
    if (part.empty() || part == "." || part == "..") return false;
    begin = end + 1;
  }
  return true;
}

bool printable(std::string_view text) {
  return std::none_of(text.begin(), text.end(),
                      [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

}  // namespace

bool is_archive(std::string_view name) {
  for (const std::string_view end :
       {".tar", ".tgz", ".tbz2", ".txz", ".tar.bz2", ".tar.xz", ".tar.zst", ".zip", ".gz"}) {
    if (name.size() > end.size() && name.ends_with(end)) return true;
  }
  return false;
}

Result<FetchItem> make_fetch_item(std::string_view field, std::string uri, std::string output_file,
                                  bool executable, bool extract, bool cache) {
  const std::string at(field);
  if (uri.size() > limits::kMaxUriBytes) {
    return Error{ErrorCode::too_large, at + ".value: has " + std::to_string(uri.size()) +
                                           " bytes; at most " +
                                           std::to_string(limits::kMaxUriBytes)};
  }
  if (!printable(uri)) return invalid(at + ".value: has control characters");
  const std::string_view scheme = scheme_of(uri);
  if (!known(scheme) && (!scheme.empty() || !uri.starts_with('/'))) {
    return Error{ErrorCode::unsupported,
                 at + ".value: '" + uri +
                     "' is neither an absolute path nor of a scheme that this agent fetches "
                     "(file, http, https)"};
  }
  FetchItem item;
  item.name = output_file.empty() ? last_part(uri) : std::move(output_file);
  if (item.name.size() > kMostNameBytes || !printable(item.name) || !stays_inside(item.name)) {
    return invalid(at + ".output_file: '" + item.name.substr(0, kMostNameBytes) +
                   "' is no name of a file in the sandbox: give a relative path without '..'");
  }
  item.uri = std::move(uri);
  item.executable = executable;
  item.extract = extract && !executable && is_archive(item.name);
  item.cache = cache;
  return item;
}

std::vector<std::string> fetch_arguments(const std::vector<FetchItem>& items) {
  std::vector<std::string> out;
  for (const FetchItem& item : items) {
    std::string how = "-";
    if (item.executable) how += 'x';
    if (item.extract) how += 'e';
    if (item.cache) how += 'c';
    out.push_back(std::move(how));
    out.push_back(item.uri);
    out.push_back(item.name);
  }
  return out;
}

Result<std::vector<FetchItem>> read_fetch_arguments(const std::vector<std::string>& arguments) {
  if (arguments.size() % 3 != 0) return invalid("arguments: three make a file");
  std::vector<FetchItem> items;
  for (std::size_t i = 0; i < arguments.size(); i += 3) {
    const auto has = [&](char c) { return arguments[i].find(c) != std::string::npos; };
    if (!arguments[i].starts_with('-')) {
      return invalid("arguments: '" + arguments[i] + "' says not how to fetch '" +
                     arguments[i + 1] + "'");
    }
    auto item = make_fetch_item("argument", arguments[i + 1], arguments[i + 2], has('x'), has('e'),
                                has('c'));
    if (!item.ok()) return item.error();
    items.push_back(std::move(item).value());
  }
  return items;
}

}  // namespace bourse
