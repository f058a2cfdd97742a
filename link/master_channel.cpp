#include "link/master_channel.hpp"

#include <algorithm>
#include <deque>

#include "model/leader_finder.hpp"
#include "model/limits.hpp"
#include "model/link_session.hpp"
#include "runtime/clock.hpp"

namespace bourse::link {

struct MasterChannel::Impl : std::enable_shared_from_this<MasterChannel::Impl> {
  Impl(runtime::Loop& loop_arg, MasterChannelOptions options_arg,
       MasterChannelHandlers handlers_arg)
      : loop(loop_arg),
        options(std::move(options_arg)),
        handlers(std::move(handlers_arg)),
        finder(options.masters, options.seed) {}

  runtime::Loop& loop;
  MasterChannelOptions options;
  MasterChannelHandlers handlers;
  LeaderFinder finder;
  std::unique_ptr<runtime::ZmqClient> client;
  std::uint64_t connection = 0;  // callbacks of an earlier one say nothing any more
  bool stands = false;           // as the owner was told
  runtime::Timer timer;
  bool held = false;              // the master has enough to do with what it got
  std::deque<std::string> queue;  // what waits till it wants more
  std::size_t queued_bytes = 0;
  std::string closing;  // why the master ends this connection, if it said so

  void step(const FinderInput& input) {
    const auto address = finder.step(runtime::monotonic_now(), input);
    if (address) {
      const std::uint64_t of = ++connection;
      // Not from inside a callback of the client that goes.
      loop.post([self = weak_from_this(), of] {
        if (const auto alive = self.lock(); alive && alive->connection == of) alive->connect();
      });
    }
    arm();
  }

  void arm() {
    const Instant at = finder.next_deadline();
    if (at == Instant::max()) return timer.cancel();
    timer = loop.after(std::max(at - runtime::monotonic_now(), Duration{}),
                       [this] { step(finder::Tick{}); });
  }

  void connect() {
    lost("the connection was given up");
    client.reset();
    runtime::ZmqClientOptions zmq;
    zmq.endpoint = "tcp://" + finder.address();
    zmq.limits = options.limits;
    runtime::ZmqClientHandlers on;
    on.on_connected = [this, of = connection] {
      if (of != connection || !client) return;
      (void)client->send(std::string(options.preamble));
      step(finder::Connected{});
      if (of != connection) return;
      stands = true;
      handlers.on_connected();
    };
    on.on_message = [this, of = connection](std::string_view bytes) {
      if (of == connection) on_message(bytes);
    };
    on.on_disconnected = [this, of = connection] {
      if (of != connection) return;
      lost(closing.empty() ? "the connection to the master was lost"
                           : "the master closed the connection: " + closing);
      const std::uint64_t before = connection;
      step(finder::Lost{});
      // When to come again the finder says, with its jitter. Left to itself libzmq would come
      // back sooner, and be given up, with all that was sent, once the finder wants to connect.
      if (connection == before) drop();
    };
    auto opened = runtime::ZmqClient::open(loop, std::move(zmq), std::move(on));
    if (!opened.ok()) return step(finder::Lost{});
    client = std::move(opened).value();
  }

  // Ends the connection, though not from inside one of its callbacks.
  void drop() {
    const std::uint64_t of = ++connection;
    loop.post([self = weak_from_this(), of] {
      if (const auto alive = self.lock(); alive && alive->connection == of) alive->client.reset();
    });
  }

  // The same connection as a new one: what stood behind it is another leader.
  void here() {
    lost("another master leads, behind " + finder.address());
    (void)client->send(std::string(options.preamble));
    step(finder::Here{});
    stands = true;
    handlers.on_connected();
  }

  void on_message(std::string_view bytes) {
    if (bytes == kHoldMessage) {
      held = true;
      return;
    }
    if (bytes == kGoOnMessage) return go_on();
    if (bytes.starts_with(kClosingPreamble)) {
      closing = bytes.substr(kClosingPreamble.size());
      if (handlers.on_closing) handlers.on_closing(closing);
      return;
    }
    if (bytes == kHereMessage) return here();
    if (!bytes.starts_with(kElsewherePreamble)) return handlers.on_message(bytes);
    lost("the master at " + finder.address() + " does not lead");
    step(finder::Elsewhere{std::string(bytes.substr(kElsewherePreamble.size()))});
  }

  Status send(std::string bytes) {
    if (!client || !stands) return Error{ErrorCode::unavailable, "no master is connected"};
    if (!held && queue.empty()) return client->send(std::move(bytes));
    if (queued_bytes + bytes.size() > limits::kChannelQueueBytes) {
      return Error{ErrorCode::full, "the master asked to hold, and " +
                                        std::to_string(queued_bytes) + " bytes wait; at most " +
                                        std::to_string(limits::kChannelQueueBytes) + " may"};
    }
    queued_bytes += bytes.size();
    queue.push_back(std::move(bytes));
    return {};
  }

  void go_on() {
    held = false;
    while (!held && client && !queue.empty()) {
      const std::size_t size = queue.front().size();
      // Full: what does not fit leaves a hole in the session, which then begins anew.
      (void)client->send(std::move(queue.front()));
      queue.pop_front();
      queued_bytes -= size;
    }
  }

  void lost(const std::string& reason) {
    held = false;
    queue.clear();
    queued_bytes = 0;
    closing.clear();
    if (!stands) return;
    stands = false;
    handlers.on_lost(reason);
  }
};

MasterChannel::MasterChannel(runtime::Loop& loop, MasterChannelOptions options,
                             MasterChannelHandlers handlers)
    : impl_(std::make_shared<Impl>(loop, std::move(options), std::move(handlers))) {}

MasterChannel::~MasterChannel() {
  ++impl_->connection;
  impl_->client.reset();
  impl_->timer.cancel();
}

void MasterChannel::start() {
  impl_->step(finder::Started{});
}

Status MasterChannel::send(std::string bytes) {
  return impl_->send(std::move(bytes));
}

void MasterChannel::registered() {
  impl_->step(finder::Registered{});
}

void MasterChannel::give_up() {
  Impl& impl = *impl_;
  impl.stands = false;
  impl.lost({});
  impl.drop();
  impl.step(finder::Lost{});
}

void MasterChannel::learned(const std::string& leader) {
  impl_->step(finder::Learned{leader});
}

std::size_t MasterChannel::queued_bytes() const {
  return impl_->queued_bytes + (impl_->client ? impl_->client->queued_bytes() : 0);
}

const std::string& MasterChannel::address() const {
  return impl_->finder.address();
}

}  // namespace bourse::link
