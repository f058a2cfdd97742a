// What many readers of whole state cost: one text for all who wait, and no more than may be unsent.
#include "master/shell/classic_reads.hpp"

#include <sys/socket.h>

#include <catch2/catch.hpp>
#include <future>

#include "tests/unit/runtime/http_fixture.hpp"

using namespace bourse;
using namespace bourse::master;
using runtime::test::begins_with;
using runtime::test::request_text;
using runtime::test::run_until;

namespace {

struct World {
  explicit World(std::size_t most_unsent = WholeReads::kMostUnsentBytes)
      : whole(view, most_unsent),
        reads(
            whole, [this] { return published; }, [] { return ClassicMaster(); }) {
    reads.add_routes(http.router);
    view.start();
    tell(1);
    reach(1);
  }
  ~World() { view.stop(); }

  void tell(std::uint64_t sequence) {
    std::vector<Change> changes;
    changes.push_back(Change{sequence, change::WeightSet{}});
    view.push(std::move(changes));
    published = sequence;
  }
  // Waits for the view.
  void reach(std::uint64_t sequence) {
    std::promise<void> there;
    view.read(
        sequence, [&](View&) { there.set_value(); }, [] {});
    there.get_future().wait();
  }
  // The view's thread stands still until it is let go.
  std::promise<void> hold() {
    std::promise<void> go;
    const auto held = std::make_shared<std::promise<void>>();
    view.post([gone = std::make_shared<std::future<void>>(go.get_future()), held](View&) {
      held->set_value();
      gone->wait();
    });
    // Before it does, it may still take what is told it now.
    held->get_future().wait();
    return go;
  }
  // The same for the writer.
  std::promise<void> hold_writer() {
    std::promise<void> go;
    const auto gone = std::make_shared<std::future<void>>(go.get_future());
    whole.post_to_writer([gone] { gone->wait(); });
    return go;
  }
  std::unique_ptr<runtime::test::RawSocket> ask(const char* path) {
    auto socket = std::make_unique<runtime::test::RawSocket>(http.connect());
    socket->send(request_text("GET", path, "Connection: close\r\n"));
    const auto before = http.server->stats().requests;
    run_until(http.loop, [&] { return http.server->stats().requests > before; });
    return socket;
  }
  bool served(runtime::test::RawSocket& socket, const char* status) {
    run_until(http.loop, [&] { return socket.ended(); });
    return begins_with(socket.received(), std::string("HTTP/1.1 ") + status);
  }

  std::uint64_t published = 0;
  ViewService view{[] {}};
  runtime::test::HttpFixture http;
  WholeReads whole;
  ClassicReads reads;
};

}  // namespace

TEST_CASE("readers who ask for the same while the view is busy get one text") {
  World w;
  auto go = w.hold();
  std::vector<std::unique_ptr<runtime::test::RawSocket>> readers;
  for (const char* path : {"/state", "/master/state.json", "/state?jsonp=f", "/tasks"}) {
    readers.push_back(w.ask(path));
  }
  go.set_value();
  for (auto& reader : readers) CHECK(w.served(*reader, "200"));
  CHECK(w.whole.shared_answers() == 2);
  CHECK(readers[2]->received().find("f({") != std::string::npos);
  // What was made then is not kept for who comes later.
  CHECK(w.served(*w.ask("/state"), "200"));
  CHECK(w.whole.shared_answers() == 2);
}

TEST_CASE("a reader whose write was published later gets a text of his own") {
  World w;
  auto go = w.hold();
  const auto before = w.ask("/state");
  // The view hears of it behind the first reader, the second reader asks with it in mind.
  w.tell(2);
  const auto after = w.ask("/state");
  go.set_value();
  CHECK(w.served(*before, "200"));
  CHECK(w.served(*after, "200"));
  CHECK(w.whole.shared_answers() == 0);
}

TEST_CASE("a reader is told to come back while too much is not sent yet") {
  World w(1);
  std::vector<Change> agents;
  for (std::uint64_t i = 2; i <= 20'000; ++i) {
    AgentFacet facet;
    facet.id = AgentId("a" + std::to_string(i));
    change::AgentPut put;
    put.agent = std::make_shared<const AgentFacet>(std::move(facet));
    put.phase = AgentPhase::active;
    agents.push_back(Change{i, std::move(put)});
  }
  w.view.push(std::move(agents));
  w.published = 20'000;
  // It does not read what it has asked for.
  auto slow = std::make_unique<runtime::test::RawSocket>(w.http.connect(4096));
  slow->send(request_text("GET", "/slaves", "Connection: close\r\n"));
  char first = 0;
  run_until(w.http.loop,
            [&] { return ::recv(slow->fd(), &first, 1, MSG_PEEK | MSG_DONTWAIT) > 0; });
  const auto refused = w.ask("/tasks");
  CHECK(w.served(*refused, "503"));
  CHECK(refused->received().find("try again") != std::string::npos);
  // Once it is gone, so is what it held.
  slow.reset();
  run_until(w.http.loop, [&] { return w.served(*w.ask("/tasks"), "200"); });
}

TEST_CASE("while a text of the whole is written, small reads and Changes go on") {
  World w;
  auto go = w.hold_writer();
  const auto whole = w.ask("/state");
  w.tell(2);
  w.reach(2);  // else it never comes back
  go.set_value();
  CHECK(w.served(*whole, "200"));
}

TEST_CASE("who asks while an older text is written shares the next one") {
  World w;
  auto go = w.hold_writer();
  const auto first = w.ask("/state");
  w.tell(2);
  std::vector<std::unique_ptr<runtime::test::RawSocket>> later;
  for (int i = 0; i < 3; ++i) later.push_back(w.ask("/state"));
  go.set_value();
  CHECK(w.served(*first, "200"));
  for (auto& reader : later) CHECK(w.served(*reader, "200"));
  CHECK(w.whole.shared_answers() == 2);
}
