#include "model/service_command.hpp"

#include <algorithm>

#include "model/limits.hpp"

namespace bourse::service {

namespace {

Error unknown_app(const AppId& id) {
  return {ErrorCode::not_found, "app: '" + id.raw() + "' is not in the book"};
}

struct Applier {
  Book& to;

  Status operator()(const SetFramework& c) const {
    to.framework_id = c.framework_id;
    to.next_incarnation = std::max(to.next_incarnation, c.next_incarnation);
    return {};
  }

  Status operator()(const PutApp& c) const {
    const auto it = to.apps.find(c.app_id);
    if (it == to.apps.end()) {
      AppRecord record;
      record.incarnation = c.incarnation;
      record.current = c.version;
      record.next_number = std::max<std::uint64_t>(1, c.next_number);
      to.apps.emplace(c.app_id, std::move(record));
      to.next_incarnation = std::max(to.next_incarnation, c.incarnation + 1);
      return {};
    }
    AppRecord& record = it->second;
    if (record.incarnation != c.incarnation) {
      return Error{ErrorCode::conflict, "app: '" + c.app_id.raw() + "' is incarnation " +
                                            std::to_string(record.incarnation) + ", not " +
                                            std::to_string(c.incarnation)};
    }
    if (c.version.version <= record.current.version) {
      return Error{ErrorCode::conflict, "app: '" + c.app_id.raw() + "' is at version " +
                                            std::to_string(record.current.version) +
                                            ", which is not below " +
                                            std::to_string(c.version.version)};
    }
    record.earlier.push_back(std::move(record.current));
    if (record.earlier.size() > limits::kMaxEarlierVersions) record.earlier.pop_front();
    record.current = c.version;
    record.next_number = std::max(record.next_number, c.next_number);
    return {};
  }

  Status operator()(const RemoveApp& c) const {
    const auto it = to.apps.find(c.app_id);
    if (it == to.apps.end()) return unknown_app(c.app_id);
    it->second.removing = true;
    return {};
  }

  Status operator()(const ForgetApp& c) const {
    if (to.apps.erase(c.app_id) == 0) return unknown_app(c.app_id);
    return {};
  }

  Status operator()(const AddInstance& c) const {
    const auto it = to.apps.find(c.app_id);
    if (it == to.apps.end()) return unknown_app(c.app_id);
    AppRecord& record = it->second;
    if (!record.instances.emplace(c.instance.number, c.instance).second) {
      return Error{ErrorCode::already_exists, "app: '" + c.app_id.raw() + "' has an instance " +
                                                  std::to_string(c.instance.number) + " already"};
    }
    record.next_number = std::max(record.next_number, c.instance.number + 1);
    return {};
  }

  Status operator()(const EndInstance& c) const {
    const auto it = to.apps.find(c.app_id);
    if (it == to.apps.end()) return unknown_app(c.app_id);
    if (it->second.instances.erase(c.number) == 0) {
      return Error{ErrorCode::not_found,
                   "app: '" + c.app_id.raw() + "' has no instance " + std::to_string(c.number)};
    }
    return {};
  }
};

}  // namespace

Status apply(Book& book, const ServiceCommand& command) {
  return std::visit(Applier{book}, command);
}

std::vector<ServiceCommand> snapshot(const Book& book) {
  std::vector<ServiceCommand> out;
  out.emplace_back(SetFramework{book.framework_id, book.next_incarnation});
  for (const auto& [id, app] : book.apps) {
    for (const AppVersion& version : app.earlier) {
      out.emplace_back(PutApp{id, app.incarnation, version, app.next_number});
    }
    out.emplace_back(PutApp{id, app.incarnation, app.current, app.next_number});
    for (const auto& [number, instance] : app.instances) {
      out.emplace_back(AddInstance{id, instance});
    }
    if (app.removing) out.emplace_back(RemoveApp{id});
  }
  return out;
}

}  // namespace bourse::service
