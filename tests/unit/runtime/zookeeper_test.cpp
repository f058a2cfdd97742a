// One session against one real server that stays up: what is asked is answered, what is refused is
// not sent. What happens when servers die is in zookeeper_loss_test.cpp.
#include "runtime/zookeeper.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>

#include "tests/unit/runtime/zookeeper_fixture.hpp"

namespace bourse::runtime::test {

namespace {

ZookeeperOptions shared(Duration timeout = Duration::seconds(30)) {
  return options_for(shared_server().addresses(), timeout);
}

std::vector<std::string> open_sockets() {
  std::vector<std::string> out;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code gone;
    const std::string target = std::filesystem::read_symlink(entry.path(), gone).string();
    if (target.rfind("socket:", 0) == 0) out.push_back(entry.path().filename().string());
  }
  return out;
}

}  // namespace

TEST_CASE("nodes are created, read, listed, changed and removed, and each refusal has its code",
          "[zookeeper]") {
  Loop loop;
  ZkClient client(loop);
  client.connect(shared());
  CHECK(client.states.back().session_id != 0);
  CHECK(client.states.back().timeout == Duration::seconds(30));
  const std::string root = fresh_path("nodes");

  CHECK(client.create(root, "one").text == root);
  CHECK(client.create(root).code == ZkCode::node_exists);
  CHECK(client.create(root + "/a/b").code == ZkCode::no_node);
  CHECK(client.create(root + "/bytes", std::string("a\0b", 3)).code == ZkCode::ok);
  CHECK(client.get(root + "/bytes").text == std::string("a\0b", 3));
  CHECK(client.create(root + "/empty").code == ZkCode::ok);
  CHECK(client.get(root + "/empty").text.empty());

  const auto read = client.get(root);
  CHECK(read.code == ZkCode::ok);
  CHECK(read.text == "one");
  CHECK(read.stat.version == 0);
  CHECK(read.stat.children == 2);
  CHECK(read.stat.czxid != 0);
  CHECK(client.get(root + "/none").code == ZkCode::no_node);

  const auto changed = client.set(root, "two", 0);
  CHECK(changed.code == ZkCode::ok);
  CHECK(changed.stat.version == 1);
  CHECK(changed.stat.mzxid > changed.stat.czxid);
  CHECK(client.set(root, "three", 0).code == ZkCode::bad_version);
  CHECK(client.exists(root).stat.version == 1);
  CHECK(client.exists(root + "/none").code == ZkCode::no_node);

  auto names = client.children(root).names;
  std::sort(names.begin(), names.end());
  CHECK(names == std::vector<std::string>{"bytes", "empty"});
  CHECK(client.remove(root).code == ZkCode::not_empty);
  CHECK(client.remove(root + "/bytes", 7).code == ZkCode::bad_version);
  CHECK(client.remove(root + "/bytes", 0).code == ZkCode::ok);

  CHECK(client.create(root + "/mine", "", {.ephemeral = true}).code == ZkCode::ok);
  CHECK(client.create(root + "/mine/child").code == ZkCode::no_children_for_ephemerals);
  CHECK(client.exists(root + "/mine").stat.ephemeral_owner == client.session->session_id());
  const auto first = client.create(root + "/n-", "", {.ephemeral = true, .sequential = true});
  const auto second = client.create(root + "/n-", "", {.ephemeral = true, .sequential = true});
  CHECK(first.text.size() == root.size() + 3 + 10);
  CHECK(first.text < second.text);

  for (const std::string bad : {"", "a", "/a/", "/a//b", "/a/../b", "/a\nb"}) {
    CHECK(client.get(bad).code == ZkCode::invalid);
  }
}

TEST_CASE("a multi is carried out whole or not at all, and names the operation that failed",
          "[zookeeper]") {
  Loop loop;
  ZkClient client(loop);
  client.connect(shared());
  const std::string root = fresh_path("multi");
  client.create(root);

  const auto done = client.multi({ZkOp::create(root + "/a", "1"), ZkOp::set(root + "/a", "2", 0),
                                  ZkOp::check(root + "/a", 1),
                                  ZkOp::create(root + "/s-", "", {.sequential = true}),
                                  ZkOp::create(root + "/b", ""), ZkOp::remove(root + "/b", 0)});
  REQUIRE(done.code == ZkCode::ok);
  REQUIRE(done.results.size() == 6);
  CHECK(done.results[0].created == root + "/a");
  CHECK(done.results[1].version == 1);
  CHECK(done.results[3].created.rfind(root + "/s-0", 0) == 0);
  CHECK(client.get(root + "/a").text == "2");

  const auto undone = client.multi(
      {ZkOp::set(root + "/a", "3"), ZkOp::check(root + "/a", 7), ZkOp::remove(root + "/a")});
  CHECK(undone.code == ZkCode::bad_version);
  REQUIRE(undone.results.size() == 3);
  CHECK(undone.results[0].code == ZkCode::rolled_back);
  CHECK(undone.results[1].code == ZkCode::bad_version);
  CHECK(undone.results[2].code == ZkCode::rolled_back);
  CHECK(client.get(root + "/a").text == "2");

  CHECK(client.multi({}).code == ZkCode::ok);
  CHECK(client.multi({ZkOp::remove("no slash")}).code == ZkCode::invalid);
}

TEST_CASE("a closed session's ephemeral nodes vanish at once", "[zookeeper]") {
  Loop loop;
  ZkClient watcher(loop);
  watcher.connect(shared());
  const std::string root = fresh_path("closed");
  watcher.create(root);
  // The farewell races with the end of the connection, so it is said often. Without it a node stays
  // for the minute of the session's timeout.
  for (int i = 0; i < 25; ++i) {
    const std::string path = root + "/" + std::to_string(i);
    ZkClient owner(loop);
    owner.connect(shared(Duration::seconds(60)));
    REQUIRE(owner.create(path, "", {.ephemeral = true}).code == ZkCode::ok);
    REQUIRE(watcher.exists(path, true).code == ZkCode::ok);
    owner.ask_get(root);  // an answer that nobody reads
    owner.session.reset();
    REQUIRE(run_until(loop, [&] { return watcher.watches.size() == std::size_t(i) + 1; }));
    CHECK(watcher.watches.back() == ZkWatch{ZkEvent::deleted, path});
    CHECK(owner.answers() == 1);
  }
}

TEST_CASE("callbacks never run inside a call, and none runs once the session is destroyed",
          "[zookeeper]") {
  Loop loop;
  ZkClient client(loop);
  client.connect(shared());
  const std::string path = fresh_path("inside");
  bool inside = true;
  int answers = 0;
  client.session->create(path, "", {}, [&](ZkCode, const std::string&) {
    CHECK_FALSE(inside);
    ++answers;
    inside = true;
    client.session->get("bad", false, [&](ZkCode code, const std::string&, const ZkStat&) {
      CHECK_FALSE(inside);
      CHECK(code == ZkCode::invalid);
      ++answers;
      client.session.reset();  // in the middle of its answers
    });
    client.session->get(path, true, [&](ZkCode, const std::string&, const ZkStat&) { ++answers; });
    client.session->get("bad", false,
                        [&](ZkCode, const std::string&, const ZkStat&) { ++answers; });
    inside = false;
  });
  inside = false;
  REQUIRE(run_until(loop, [&] { return client.session == nullptr; }));
  const std::size_t states = client.states.size();
  loop.run_for(Duration::milliseconds(100));
  CHECK(answers == 2);
  CHECK(client.states.size() == states);
}

TEST_CASE("a request over 512 KiB is refused unsent, because a server would answer by hanging up",
          "[zookeeper]") {
  Loop loop;
  ZkClient client(loop);
  client.connect(shared());
  const std::string path = fresh_path("large");
  CHECK(client.create(path, std::string(511 << 10, 'x')).code == ZkCode::ok);
  CHECK(client.get(path).text.size() == 511u << 10);
  CHECK(client.set(path, std::string(512 << 10, 'x')).code == ZkCode::too_large);
  std::vector<ZkOp> many;
  for (int i = 0; i < 5; ++i) many.push_back(ZkOp::set(path, std::string(110 << 10, 'x')));
  CHECK(client.multi(many).code == ZkCode::too_large);
  CHECK(client.states.size() == 1);  // never suspended

  // What the limit is for.
  ZookeeperOptions unlimited = shared();
  unlimited.max_request_bytes = 4u << 20;
  ZkClient poisoner(loop);
  poisoner.connect(unlimited);
  CHECK(poisoner.set(path, std::string(1200 << 10, 'x')).code == ZkCode::connection_loss);
  CHECK(poisoner.states.back().phase != ZkPhase::expired);
}

TEST_CASE("with digest authentication a node is its creator's alone, without it everybody's",
          "[zookeeper]") {
  Loop loop;
  ZookeeperOptions options = shared();
  ZkClient open(loop);
  open.connect(options);
  options.digest_auth = "ada:right";
  ZkClient owner(loop);
  owner.connect(options);
  options.digest_auth = "ada:wrong";
  ZkClient stranger(loop);
  stranger.connect(options);

  const std::string closed = fresh_path("acl");
  const std::string common = fresh_path("acl");
  CHECK(owner.create(closed, "secret").code == ZkCode::ok);
  CHECK(owner.multi({ZkOp::create(closed + "/m", "secret")}).code == ZkCode::ok);
  for (ZkClient* other : {&open, &stranger}) {
    CHECK(other->get(closed).code == ZkCode::no_auth);
    CHECK(other->get(closed + "/m").code == ZkCode::no_auth);
    CHECK(other->set(closed, "mine").code == ZkCode::no_auth);
    CHECK(other->create(closed + "/child").code == ZkCode::no_auth);
    CHECK(other->multi({ZkOp::set(closed, "mine")}).code == ZkCode::no_auth);
  }
  CHECK(owner.get(closed).text == "secret");
  CHECK(owner.set(closed, "new").code == ZkCode::ok);

  CHECK(open.create(common, "for all").code == ZkCode::ok);
  CHECK(stranger.get(common).text == "for all");
  CHECK(stranger.set(common, "changed").code == ZkCode::ok);
}

TEST_CASE("what its creator made readable by all is read by anybody and changed by nobody else",
          "[zookeeper]") {
  Loop loop;
  ZookeeperOptions options = shared();
  ZkClient open(loop);
  open.connect(options);
  options.digest_auth = "ada:right";
  ZkClient owner(loop);
  owner.connect(options);

  const ZkCreate readable{.readable_by_all = true};
  const std::string root = fresh_path("readable");
  const std::string candidate = root + "/candidate";
  CHECK(owner.create(root, {}, readable).code == ZkCode::ok);
  CHECK(owner.multi({ZkOp::create(candidate, "who leads", readable)}).code == ZkCode::ok);
  CHECK(open.children(root).names == std::vector<std::string>{"candidate"});
  CHECK(open.get(candidate).text == "who leads");
  CHECK(open.set(candidate, "I do").code == ZkCode::no_auth);
  CHECK(open.remove(candidate).code == ZkCode::no_auth);
  CHECK(open.create(root + "/another", {}).code == ZkCode::no_auth);
  CHECK(owner.set(candidate, "still").code == ZkCode::ok);
  CHECK(open.get(candidate).text == "still");
}

TEST_CASE("a watch fires once, with its kind and path", "[zookeeper]") {
  Loop loop;
  ZkClient client(loop);
  client.connect(shared());
  const std::string root = fresh_path("watch");
  const std::string path = root + "/a";
  client.create(root);
  client.children(root, true);
  client.exists(path, true);
  client.create(path, "1");
  const auto told = [&](std::size_t count) {
    return run_until(loop, [&] { return client.watches.size() >= count; });
  };
  REQUIRE(told(2));
  CHECK(client.watches[0] == ZkWatch{ZkEvent::created, path});
  CHECK(client.watches[1] == ZkWatch{ZkEvent::children_changed, root});

  client.get(path, true);
  client.get(path, true);
  client.exists(path, true);
  client.set(path, "2");
  client.set(path, "3");
  REQUIRE(told(3));
  CHECK(client.watches[2] == ZkWatch{ZkEvent::changed, path});

  client.get(path, true);
  client.children(path, true);
  client.remove(path);
  REQUIRE(told(4));
  CHECK(client.watches[3] == ZkWatch{ZkEvent::deleted, path});
  client.get(path, true);  // no node, so no watch
  client.create(path, "4");
  client.get(path);
  CHECK(client.watches.size() == 4);
}

TEST_CASE("requests and watches over their limits are answered busy and not sent", "[zookeeper]") {
  Loop loop;
  ZookeeperOptions options = shared();
  options.max_outstanding = 8;
  options.max_watches = 2;
  ZkClient client(loop);
  client.connect(options);
  const std::string path = fresh_path("busy");
  client.create(path, "");
  client.noted.clear();
  client.asked = 0;
  for (int i = 0; i < 20; ++i) client.ask_set(path, std::to_string(i));
  REQUIRE(run_until(loop, [&] { return client.answers() == 20; }));
  CHECK(client.times_answered() == std::vector<int>(20, 1));
  const auto busy = std::count_if(client.noted.begin(), client.noted.end(),
                                  [](const auto& n) { return n.code == ZkCode::busy; });
  CHECK(busy == 12);
  CHECK(client.get(path).stat.version == 8);
  CHECK(client.session->stats().outstanding_bytes == 0);

  CHECK(client.get(path, true).code == ZkCode::ok);
  CHECK(client.exists(path + "-none", true).code == ZkCode::no_node);
  CHECK(client.get(path + "-none", true).code == ZkCode::no_node);  // the same path again
  CHECK(client.children(path, true).code == ZkCode::busy);
  client.set(path, "fires");
  CHECK(client.children(path, true).code == ZkCode::ok);

  options.max_outstanding_bytes = 100 << 10;
  ZkClient large(loop);
  large.connect(options);
  large.ask_set(path, std::string(60 << 10, 'x'));
  large.ask_set(path, std::string(60 << 10, 'x'));
  REQUIRE(run_until(loop, [&] { return large.answers() == 2; }));
  CHECK(large.noted[0].code == ZkCode::busy);  // the unsent one is answered first
  CHECK(large.noted[1].code == ZkCode::ok);
}

TEST_CASE("a session that its server gave up is told expired, and nothing is sent after that",
          "[zookeeper]") {
  Loop loop;
  Loop other_loop;
  ZkClient watcher(other_loop);
  watcher.connect(shared());
  ZkClient sleeper(loop);
  sleeper.connect(shared(Duration::milliseconds(400)));
  const std::string path = fresh_path("expired");
  REQUIRE(sleeper.create(path, "", {.ephemeral = true}).code == ZkCode::ok);
  const std::string lasting = fresh_path("expired");
  REQUIRE(watcher.create(lasting, "before").code == ZkCode::ok);
  REQUIRE(watcher.exists(path, true).code == ZkCode::ok);
  // Its loop stands still, as that of a stopped process, until the server has given it up.
  REQUIRE(run_until(other_loop, [&] { return !watcher.watches.empty(); }));

  const int before = sleeper.ask_set(lasting, "zombie");
  const int multi_before = sleeper.ask_multi({ZkOp::set(lasting, "zombie")});
  REQUIRE(sleeper.until(ZkPhase::expired));
  const auto code_of = [&](int number) {
    REQUIRE(run_until(loop, [&] {
      return std::any_of(sleeper.noted.begin(), sleeper.noted.end(),
                         [&](const auto& n) { return n.number == number; });
    }));
    return std::find_if(sleeper.noted.begin(), sleeper.noted.end(),
                        [&](const auto& n) { return n.number == number; })
        ->code;
  };
  CHECK(code_of(before) == ZkCode::connection_loss);
  CHECK(code_of(multi_before) == ZkCode::connection_loss);
  CHECK(sleeper.multi({ZkOp::set(lasting, "zombie")}).code == ZkCode::expired);
  CHECK(sleeper.get(lasting).code == ZkCode::expired);
  CHECK(watcher.get(lasting).text == "before");
  const auto wakeups = sleeper.session->stats().wakeups;
  loop.run_for(Duration::milliseconds(300));
  CHECK(sleeper.session->stats().wakeups <= wakeups + 1);
  CHECK(sleeper.states.back().phase == ZkPhase::expired);
}

TEST_CASE("the last contact is when the answered request was sent, and heartbeats renew it",
          "[zookeeper]") {
  Loop loop;
  ZkClient client(loop);
  client.connect(shared(Duration::seconds(2)));
  const Instant opened = client.session->last_contact();
  CHECK(opened > Instant{});
  CHECK(opened <= monotonic_now());
  REQUIRE(run_until(loop, [&] { return client.session->last_contact() > opened; }));  // idle

  const int number = client.ask_get("/");
  const Instant sent = monotonic_now();
  // The answer lies unread in the socket while this process does something else.
  Loop other_loop;
  ZkClient other(other_loop);
  other.connect(shared());
  for (int i = 0; i < 20; ++i) other.get("/");
  const Instant before_reading = monotonic_now();
  bool answered = false;
  Instant contact;
  while (!answered) {
    loop.run_for(Duration::milliseconds(1));
    for (const auto& noted : client.noted) answered = answered || noted.number == number;
    contact = client.session->last_contact();
  }
  CHECK(contact <= sent);
  CHECK(contact < before_reading);
}

TEST_CASE("sessions leave no descriptor behind, and none of theirs is inherited", "[zookeeper]") {
  shared_server();
  Loop loop;
  const auto before = open_sockets();
  {
    ZkClient client(loop);
    client.connect(shared());
    const auto during = open_sockets();
    CHECK(during.size() > before.size());
    for (const std::string& fd : during) {
      CHECK((::fcntl(std::stoi(fd), F_GETFD) & FD_CLOEXEC) != 0);
    }
  }
  CHECK(open_sockets() == before);
}

TEST_CASE("options that cannot work are refused in a sentence", "[zookeeper]") {
  Loop loop;
  const auto refusal = [&](ZookeeperOptions options) {
    const auto opened = ZookeeperSession::open(loop, std::move(options), nullptr, nullptr);
    REQUIRE_FALSE(opened.ok());
    return opened.error().message;
  };
  CHECK(refusal({}) == "a ZooKeeper session needs at least one server");
  CHECK(refusal({.servers = {"here"}}) == "ZooKeeper server 'here' has no port: write here:2181");
  CHECK(refusal({.servers = {"a:1"}, .session_timeout = Duration::milliseconds(5)}) ==
        "ZooKeeper session timeout 5 ms: take 100 ms to one hour");
  CHECK(refusal({.servers = {"a:1"}, .digest_auth = "ada"}) ==
        "ZooKeeper digest authentication must be user:password");
}

}  // namespace bourse::runtime::test
