#include "runtime/zookeeper_addresses.hpp"

#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "runtime/loop_impl.hpp"

namespace bourse::runtime {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

struct NamedServer {
  std::string host;
  std::string port;
  bool numeric = false;
};

namespace {

NamedServer split(const std::string& text) {
  const std::size_t colon = text.rfind(':');
  NamedServer server{text.substr(0, colon), text.substr(colon + 1), false};
  if (server.host.front() == '[') server.host = server.host.substr(1, server.host.size() - 2);
  // "localhost" is fixed here so that no resolver thread is started for it.
  if (server.host == "localhost") server.host = "127.0.0.1";
  error_code error;
  asio::ip::make_address(server.host, error);
  server.numeric = !error;
  return server;
}

void add(std::vector<std::string>& list, const std::string& address, const std::string& port) {
  // The C client wants IPv6 addresses without brackets.
  const std::string entry = address + ":" + port;
  if (std::find(list.begin(), list.end(), entry) == list.end()) list.push_back(entry);
}

}  // namespace

struct ZookeeperAddresses::Impl : std::enable_shared_from_this<Impl> {
  explicit Impl(Loop& loop) : resolver(context_of(loop)) {}

  void next(std::size_t index);
  void finish();

  tcp::resolver resolver;
  std::vector<NamedServer> servers;
  std::vector<std::string> list;
  std::string error;
  std::vector<std::string> found;  // by the look-up under way
  std::string missing;
  Task done;
  bool live = true;
};

// One after the other: the resolver has one thread anyway.
void ZookeeperAddresses::Impl::next(std::size_t index) {
  for (; index < servers.size() && servers[index].numeric; ++index) {
    add(found, servers[index].host, servers[index].port);
  }
  if (index == servers.size()) return finish();
  resolver.async_resolve(servers[index].host, servers[index].port,
                         [self = shared_from_this(), index](
                             const error_code& failed, const tcp::resolver::results_type& results) {
                           if (!self->live) return;
                           const NamedServer& server = self->servers[index];
                           if (failed) {
                             self->missing =
                                 "cannot resolve '" + server.host + "': " + failed.message();
                           }
                           for (const auto& entry : results) {
                             add(self->found, entry.endpoint().address().to_string(), server.port);
                           }
                           self->next(index + 1);
                         });
}

void ZookeeperAddresses::Impl::finish() {
  std::sort(found.begin(), found.end());
  if (!found.empty()) list = found;
  error = missing;
  Task told = std::move(done);
  done = nullptr;
  told();
}

ZookeeperAddresses::ZookeeperAddresses(Loop& loop, const std::vector<std::string>& servers)
    : impl_(std::make_shared<Impl>(loop)) {
  for (const std::string& server : servers) impl_->servers.push_back(split(server));
  if (!fixed()) return;
  for (const NamedServer& server : impl_->servers) add(impl_->list, server.host, server.port);
  std::sort(impl_->list.begin(), impl_->list.end());
}

ZookeeperAddresses::~ZookeeperAddresses() {
  impl_->live = false;
  impl_->resolver.cancel();
}

bool ZookeeperAddresses::fixed() const {
  return std::all_of(impl_->servers.begin(), impl_->servers.end(),
                     [](const NamedServer& server) { return server.numeric; });
}

const std::vector<std::string>& ZookeeperAddresses::list() const {
  return impl_->list;
}

const std::string& ZookeeperAddresses::error() const {
  return impl_->error;
}

void ZookeeperAddresses::look_up(Task done) {
  if (fixed() || impl_->done) return;
  impl_->done = std::move(done);
  impl_->found.clear();
  impl_->missing.clear();
  impl_->next(0);
}

}  // namespace bourse::runtime
