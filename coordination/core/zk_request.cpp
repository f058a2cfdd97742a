#include "coordination/core/zk_request.hpp"

#include "base/assert.hpp"

namespace bourse::coordination::zk {

namespace {

// Header, lengths, flags, access list: never more than this for one operation.
constexpr std::size_t kOverheadBytes = 96;

struct Sizer {
  std::size_t operator()(const Create& r) const {
    return kOverheadBytes + r.path.size() + r.data.size();
  }
  std::size_t operator()(const Set& r) const {
    return kOverheadBytes + r.path.size() + r.data.size();
  }
  std::size_t operator()(const Multi& r) const {
    std::size_t sum = kOverheadBytes;
    for (const Change& change : r.changes) sum += std::visit(*this, change);
    return sum;
  }
  template <typename Other>
  std::size_t operator()(const Other& r) const {
    return kOverheadBytes + r.path.size();
  }
};

}  // namespace

const char* name_of(Code code) {
  switch (code) {
    case Code::ok:
      return "ok";
    case Code::no_node:
      return "no_node";
    case Code::node_exists:
      return "node_exists";
    case Code::bad_version:
      return "bad_version";
    case Code::no_auth:
      return "no_auth";
    case Code::not_empty:
      return "not_empty";
    case Code::too_large:
      return "too_large";
    case Code::connection_loss:
      return "connection_loss";
    case Code::expired:
      return "expired";
    case Code::other:
      return "other";
  }
  UNREACHABLE();
}

std::size_t size_of(const Request& request) {
  return std::visit(Sizer{}, request);
}

}  // namespace bourse::coordination::zk
