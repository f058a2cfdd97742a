#include "proto/codec/service_entries.hpp"

#include <algorithm>
#include <set>
#include <string_view>
#include <tuple>

#include "base/assert.hpp"
#include "model/limits.hpp"
#include "proto/codec/service_records.hpp"

namespace bourse::codec {

namespace {

using namespace bourse::service;

// Earlier versions share this many values, so that an app can be forgotten in one write.
constexpr std::uint64_t kSlots = 10;
constexpr std::size_t kLengthBytes = 4;

constexpr const char* kFrameworkKey = "framework";

std::string app_key(const AppId& id) {
  return "app/" + id.raw();
}

std::string earlier_key(const AppId& id, std::uint64_t slot) {
  return "earlier/" + id.raw() + "/" + std::to_string(slot);
}

std::string instance_key(const AppId& id, std::uint64_t number) {
  return "instance/" + id.raw() + "/" + std::to_string(number);
}

void append(const ServiceCommand& command, std::string& out) {
  const std::string record = encode_service_command(command);
  for (std::size_t i = 0; i < kLengthBytes; ++i) {
    out.push_back(static_cast<char>(record.size() >> (8 * i)));
  }
  out += record;
}

std::string framework_value(const Book& book) {
  std::string out;
  append(SetFramework{book.framework_id, book.next_incarnation}, out);
  return out;
}

std::string app_value(const AppId& id, const AppRecord& app) {
  std::string out;
  append(PutApp{id, app.incarnation, app.current, app.next_number}, out);
  if (app.removing) append(RemoveApp{id}, out);
  return out;
}

// Empty: no version has this slot.
std::string earlier_value(const AppId& id, const AppRecord& app, std::uint64_t slot) {
  std::string out;
  for (const AppVersion& version : app.earlier) {
    if (version.version % kSlots == slot) append(PutApp{id, app.incarnation, version, 0}, out);
  }
  return out;
}

std::string instance_value(const AppId& id, const InstanceRecord& instance) {
  std::string out;
  append(AddInstance{id, instance}, out);
  return out;
}

// What a command touches, told before it is applied.
class Touched {
 public:
  void note(const Book& book, const ServiceCommand& command) {
    std::visit([&](const auto& c) { add(book, c); }, command);
  }

  // As the book says now.
  std::vector<ServiceChange> changes(const Book& book) const {
    std::vector<ServiceChange> out;
    if (framework_) out.emplace_back(kFrameworkKey, framework_value(book));
    for (const AppId& id : apps_) {
      const AppRecord* app = find(book, id);
      out.emplace_back(app_key(id), app ? std::optional(app_value(id, *app)) : std::nullopt);
    }
    for (const auto& [id, slot] : slots_) {
      const AppRecord* app = find(book, id);
      std::string value = app ? earlier_value(id, *app, slot) : std::string();
      out.emplace_back(earlier_key(id, slot),
                       value.empty() ? std::nullopt : std::optional(std::move(value)));
    }
    for (const auto& [id, number] : instances_) {
      const AppRecord* app = find(book, id);
      std::optional<std::string> value;
      if (app != nullptr && app->instances.contains(number)) {
        value = instance_value(id, app->instances.at(number));
      }
      out.emplace_back(instance_key(id, number), std::move(value));
    }
    return out;
  }

 private:
  static const AppRecord* find(const Book& book, const AppId& id) {
    const auto it = book.apps.find(id);
    return it == book.apps.end() ? nullptr : &it->second;
  }

  void add(const Book&, const SetFramework&) { framework_ = true; }
  void add(const Book& book, const PutApp& c) {
    apps_.insert(c.app_id);
    const AppRecord* app = find(book, c.app_id);
    if (app == nullptr) {
      framework_ = true;  // which incarnation is next outlives the app
      return;
    }
    slots_.emplace(c.app_id, app->current.version % kSlots);
    if (app->earlier.size() >= limits::kMaxEarlierVersions) {
      slots_.emplace(c.app_id, app->earlier.front().version % kSlots);
    }
  }
  void add(const Book&, const RemoveApp& c) { apps_.insert(c.app_id); }
  void add(const Book& book, const ForgetApp& c) {
    apps_.insert(c.app_id);
    const AppRecord* app = find(book, c.app_id);
    if (app == nullptr) return;
    for (const AppVersion& version : app->earlier) {
      slots_.emplace(c.app_id, version.version % kSlots);
    }
  }
  void add(const Book&, const AddInstance& c) { instances_.emplace(c.app_id, c.instance.number); }
  void add(const Book&, const EndInstance& c) {
    instances_.emplace(c.app_id, c.number);
    apps_.insert(c.app_id);  // which number is next outlives the instance
  }

  bool framework_ = false;
  std::set<AppId> apps_;
  std::set<std::pair<AppId, std::uint64_t>> slots_;
  std::set<std::pair<AppId, std::uint64_t>> instances_;
};

// Of one entry, or of all of them.
struct Found {
  std::vector<SetFramework> frameworks;
  std::vector<PutApp> puts;
  std::vector<AddInstance> instances;
  std::vector<RemoveApp> removals;
};

Error at(const std::string& key, ErrorCode code, const std::string& why) {
  return {code, "service entry '" + key + "': " + why};
}

// Whether an entry of this key may hold this command.
struct Belongs {
  const std::string& key;

  bool operator()(const SetFramework&) const { return key == kFrameworkKey; }
  bool operator()(const PutApp& c) const {
    return key == app_key(c.app_id) || key == earlier_key(c.app_id, c.version.version % kSlots);
  }
  bool operator()(const RemoveApp& c) const { return key == app_key(c.app_id); }
  bool operator()(const AddInstance& c) const {
    return key == instance_key(c.app_id, c.instance.number);
  }
  bool operator()(const ForgetApp&) const { return false; }
  bool operator()(const EndInstance&) const { return false; }
};

struct Sorter {
  Found& out;

  void operator()(SetFramework&& c) const { out.frameworks.push_back(std::move(c)); }
  void operator()(PutApp&& c) const { out.puts.push_back(std::move(c)); }
  void operator()(RemoveApp&& c) const { out.removals.push_back(std::move(c)); }
  void operator()(AddInstance&& c) const { out.instances.push_back(std::move(c)); }
  void operator()(ForgetApp&&) const {}
  void operator()(EndInstance&&) const {}
};

Status read_entry(const ServiceEntry& entry, Found& out) {
  const std::string& key = entry.first;
  const bool known = key == kFrameworkKey || key.starts_with("app/") ||
                     key.starts_with("earlier/") || key.starts_with("instance/");
  if (!known) return at(key, ErrorCode::unsupported, "this build does not know what it is about");
  std::string_view rest = entry.second;
  if (rest.empty()) return at(key, ErrorCode::corrupt, "is empty");
  while (!rest.empty()) {
    if (rest.size() < kLengthBytes) return at(key, ErrorCode::corrupt, "cut off");
    std::size_t size = 0;
    for (std::size_t i = 0; i < kLengthBytes; ++i) {
      size |= static_cast<std::size_t>(static_cast<unsigned char>(rest[i])) << (8 * i);
    }
    rest.remove_prefix(kLengthBytes);
    if (size > rest.size()) return at(key, ErrorCode::corrupt, "cut off");
    Result<ServiceCommand> command = decode_service_command(rest.substr(0, size));
    rest.remove_prefix(size);
    if (!command) return at(key, command.error().code, command.error().message);
    if (!std::visit(Belongs{key}, command.value())) {
      return at(key, ErrorCode::corrupt, "holds what belongs elsewhere");
    }
    std::visit(Sorter{out}, std::move(command).value());
  }
  return {};
}

template <typename Commands>
Status apply_all(Book& book, const Commands& commands) {
  for (const auto& command : commands) {
    const Status applied = service::apply(book, ServiceCommand(command));
    if (!applied.ok()) return Error{ErrorCode::corrupt, applied.error().message};
  }
  return {};
}

// Without the present one an app's earlier versions would pass for it.
Status check_present(const Found& found, const std::set<AppId>& present) {
  for (const PutApp& put : found.puts) {
    if (!present.contains(put.app_id)) {
      return at(earlier_key(put.app_id, put.version.version % kSlots), ErrorCode::corrupt,
                "its app is missing");
    }
  }
  return {};
}

}  // namespace

std::vector<ServiceChange> apply_service_commands(Book& book,
                                                  const std::vector<ServiceCommand>& commands) {
  Touched touched;
  for (const ServiceCommand& command : commands) {
    touched.note(book, command);
    const Status applied = service::apply(book, command);
    ASSERT(applied.ok());
  }
  return touched.changes(book);
}

std::vector<ServiceEntry> encode_service_book(const Book& book) {
  std::vector<ServiceEntry> out;
  out.emplace_back(kFrameworkKey, framework_value(book));
  for (const auto& [id, app] : book.apps) {
    out.emplace_back(app_key(id), app_value(id, app));
    for (std::uint64_t slot = 0; slot < kSlots; ++slot) {
      std::string value = earlier_value(id, app, slot);
      if (!value.empty()) out.emplace_back(earlier_key(id, slot), std::move(value));
    }
    for (const auto& [number, instance] : app.instances) {
      out.emplace_back(instance_key(id, number), instance_value(id, instance));
    }
  }
  return out;
}

Result<Book> decode_service_book(const std::vector<ServiceEntry>& entries) {
  Found found;
  std::set<AppId> present;
  for (const ServiceEntry& entry : entries) {
    if (const Status read = read_entry(entry, found); !read.ok()) return read.error();
    if (entry.first.starts_with("app/")) present.insert(AppId(entry.first.substr(4)));
  }
  std::sort(found.puts.begin(), found.puts.end(), [](const PutApp& a, const PutApp& b) {
    return std::tie(a.app_id, a.version.version) < std::tie(b.app_id, b.version.version);
  });
  Book book;
  Status ok = check_present(found, present);
  if (ok.ok()) ok = apply_all(book, found.frameworks);
  if (ok.ok()) ok = apply_all(book, found.puts);
  if (ok.ok()) ok = apply_all(book, found.instances);
  if (ok.ok()) ok = apply_all(book, found.removals);
  if (!ok.ok()) return ok.error();
  return book;
}

}  // namespace bourse::codec
