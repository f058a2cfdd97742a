#include "api/authenticator.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <mutex>

#include "runtime/http_basic.hpp"
#include "tests/unit/runtime/http_fixture.hpp"

using namespace bourse;
using namespace bourse::api;
using runtime::HttpRequest;
using runtime::HttpResponder;
using runtime::HttpResponse;

namespace {

// Of "secret", with the least effort.
const char kHash[] =
    "$6$rounds=1000$k2XAnEHBqQ1Ct2aM$Kusx4StgTAJKgtQ8A1Ud4OEtpvLZ"
    "/2wzq/Tix/qeeqdrvuTHgR6KFuCyOP4TNp5lvuV.tmBxpDTp10bqrWJyv1";

// Some to be guessed at: one guess each, so that no limit is met.
std::vector<Credential> accounts() {
  std::vector<Credential> out{{"ops", "secret"}, {"hashed", kHash}};
  for (std::size_t i = 0; i <= limits::kMaxWaitingHashes; ++i) {
    out.push_back({"hashed" + std::to_string(i), kHash});
  }
  return out;
}

// Before an API that says who asks.
struct Realm {
  explicit Realm(Authenticator::Compare compare_arg = runtime::password_has_hash)
      : compare(std::move(compare_arg)) {}

  Authenticator::Compare compare;
  runtime::Loop loop;
  std::vector<std::string> heard;
  Authenticator authenticator{
      loop,
      {{true, true, true}, accounts(), "mesos-master"},
      [](const HttpRequest& request) {
        return request.path == "/health" ? Access::open : Access::readwrite;
      },
      [this](HttpRequest request, const HttpResponder& responder) {
        heard.push_back(request.principal + " " + request.body);
        responder.respond(HttpResponse::text(200, "told " + request.principal));
      },
      compare};
  std::unique_ptr<runtime::HttpServer> server =
      std::move(runtime::HttpServer::listen(loop, {}, authenticator.handler())).value();

  runtime::test::RawSocket ask(const std::string& user, const std::string& password,
                               const std::string& target = "/api/v1") {
    std::string headers = "Connection: close\r\n";
    if (!user.empty()) {
      headers += "Authorization: " + runtime::basic_authorization(user, password) + "\r\n";
    }
    runtime::test::RawSocket raw(server->port());
    raw.send(runtime::test::request_text("POST", target, headers, "body"));
    return raw;
  }
  std::string answer(runtime::test::RawSocket raw) {
    runtime::test::run_until(loop, [&] { return raw.ended(); });
    return raw.received();
  }
  std::string status(const std::string& user, const std::string& password,
                     const std::string& target = "/api/v1") {
    return answer(ask(user, password, target)).substr(9, 3);
  }
};

}  // namespace

TEST_CASE("who is not let in is told the realm, and the API behind hears nothing of it") {
  Realm world;
  const std::string refused = world.answer(world.ask("", ""));
  CHECK(refused.starts_with("HTTP/1.1 401 Unauthorized\r\n"));
  CHECK(refused.find("WWW-Authenticate: Basic realm=\"mesos-master-readwrite\"\r\n") !=
        std::string::npos);
  CHECK(world.status("ops", "wrong") == "401");
  CHECK(world.heard.empty());
  CHECK(world.status("ops", "secret") == "200");
  CHECK(world.heard == std::vector<std::string>{"ops body"});
  CHECK(world.status("", "", "/health") == "200");
  CHECK(world.heard.back() == " body");
  CHECK(world.authenticator.stats().refused == 2);
  CHECK(world.authenticator.stats().wrong_passwords == 1);
}

TEST_CASE("a hashed secret is compared beside the loop, once for all who ask with it") {
  Realm world;
  std::vector<runtime::test::RawSocket> crowd;
  for (int i = 0; i < 20; ++i) crowd.push_back(world.ask("hashed", "secret"));
  for (auto& one : crowd)
    CHECK(world.answer(std::move(one)).find("told hashed") != std::string::npos);
  CHECK(world.status("hashed", "wrong") == "401");
  CHECK(world.status("hashed", "secret") == "200");
  CHECK(world.authenticator.stats().wrong_passwords == 1);
}

TEST_CASE("an address that guesses is told to come again, and is counted") {
  Realm world;
  for (int i = 0; i < 10; ++i) CHECK(world.status("ops", "guess") == "401");
  const std::string limited = world.answer(world.ask("ops", "secret"));
  CHECK(limited.starts_with("HTTP/1.1 429 "));
  CHECK(limited.find("Retry-After: 1\r\n") != std::string::npos);
  CHECK(world.status("hashed", "secret") == "200");
  CHECK(world.authenticator.stats().limited >= 1);
}

TEST_CASE("more requests than may wait for a hash are told to come again, and none is lost") {
  std::mutex making;
  Realm world([&making](const std::string& password, const std::string&) {
    const std::lock_guard lock(making);
    return password == "secret";
  });
  std::unique_lock hold(making);  // no hash is made before the test lets it
  constexpr std::size_t kTooMany = 20;
  std::vector<runtime::test::RawSocket> crowd;
  for (std::size_t i = 0; i < limits::kMaxWaitingLogins + kTooMany; ++i) {
    crowd.push_back(world.ask("hashed", "secret"));
  }
  const auto answered = [&](std::string_view status) {
    return static_cast<std::size_t>(std::count_if(crowd.begin(), crowd.end(), [&](auto& one) {
      return one.ended() && one.received().starts_with(status);
    }));
  };
  REQUIRE(
      runtime::test::run_until(world.loop, [&] { return answered("HTTP/1.1 503 ") == kTooMany; }));
  CHECK(answered("HTTP/1.1 ") == kTooMany);
  CHECK(world.status("ops", "secret") == "200");  // who needs no hash does not wait
  hold.unlock();
  CHECK(runtime::test::run_until(
      world.loop, [&] { return answered("HTTP/1.1 200 ") == limits::kMaxWaitingLogins; }));
}

TEST_CASE("more hashes than may wait to be made are told to come again") {
  std::mutex making;
  Realm world([&making](const std::string& password, const std::string&) {
    const std::lock_guard lock(making);
    return password == "secret";
  });
  std::unique_lock hold(making);  // no hash is made before the test lets it
  std::vector<runtime::test::RawSocket> guesses;
  for (std::size_t i = 0; i <= limits::kMaxWaitingHashes; ++i) {
    guesses.push_back(world.ask("hashed" + std::to_string(i), "guess"));
  }
  const auto refused = [&](std::string_view status) {
    return std::count_if(guesses.begin(), guesses.end(), [&](auto& one) {
      return one.ended() && one.received().starts_with(status);
    });
  };
  REQUIRE(runtime::test::run_until(world.loop, [&] { return refused("HTTP/1.1 503 ") == 1; }));
  hold.unlock();
  CHECK(runtime::test::run_until(world.loop, [&] {
    return refused("HTTP/1.1 401 ") == static_cast<long>(limits::kMaxWaitingHashes);
  }));
}
