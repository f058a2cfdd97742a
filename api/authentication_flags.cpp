#include "api/authentication_flags.hpp"

#include <csignal>

#include "api/authenticator.hpp"
#include "proto/codec/credential_form.hpp"
#include "runtime/log.hpp"
#include "runtime/password.hpp"
#include "runtime/secret_file.hpp"

namespace bourse::api {

namespace {

Status check_hashes(const std::vector<Credential>& accounts) {
  for (const Credential& account : accounts) {
    if (!runtime::is_password_hash(account.secret)) continue;
    if (runtime::is_usable_hash(account.secret)) continue;
    return invalid("secret: of '" + account.principal +
                   "' begins as a hash does and is none that crypt(3) here knows; give all of "
                   "what mkpasswd printed, or the secret itself");
  }
  return {};
}

}  // namespace

void AuthenticationFlags::add(runtime::Flags& flags, bool with_schedulers) {
  flags.add("authenticate-http-readonly", rules.readonly,
            "let only those read who give principal and secret (HTTP Basic); /api/v1 may write "
            "and is not among the reads");
  flags.add("authenticate-http-readwrite", rules.readwrite,
            "let only those use what may write, /api/v1 above all, who give principal and secret");
  if (with_schedulers) {
    flags.add("authenticate-http-frameworks", rules.scheduler,
              "let only frameworks subscribe over HTTP that give principal and secret");
  }
  flags.add("credentials", credentials,
            "file of principals and their secrets, or hashes of these: "
            "{\"credentials\":[{\"principal\":\"..\",\"secret\":\"..\"}]}; SIGHUP reads it anew");
}

Result<Authentication> AuthenticationFlags::take(std::string realms) const {
  Authentication out{rules, {}, std::move(realms)};
  if (credentials.empty()) {
    if (!rules.any()) return out;
    return invalid(
        "--credentials: is missing beside --authenticate-http-...: give the file that says whose "
        "secrets are right");
  }
  auto accounts = accounts_in(credentials);
  if (!accounts.ok()) {
    return Error{accounts.error().code, "--credentials: " + accounts.error().message};
  }
  out.accounts = std::move(accounts).value();
  out.file = credentials;
  return out;
}

Result<std::vector<Credential>> accounts_in(const std::string& path) {
  const auto text = runtime::read_secret_file(path);
  if (!text.ok()) return text.error();
  auto accounts = codec::read_credentials(text.value());
  Status good = accounts.ok() ? check_hashes(accounts.value()) : Status(accounts.error());
  if (!good.ok()) return invalid(path + ": " + good.error().message);
  return accounts;
}

runtime::SignalWatch reread_on_hangup(runtime::Loop& loop, const Authentication& settings,
                                      Authenticator& authenticator) {
  if (settings.file.empty()) return {};
  return loop.on_signals({SIGHUP}, [file = settings.file, &authenticator](int) {
    auto accounts = accounts_in(file);
    if (!accounts.ok()) {
      return runtime::log_error("--credentials: not read anew, those of before go on",
                                {{"reason", accounts.error().message}});
    }
    runtime::log_info("--credentials: read anew", {{"accounts", std::to_string(accounts->size())}});
    authenticator.set_accounts(std::move(accounts).value());
  });
}

Result<Credential> credential_in(const std::string& path) {
  const auto text = runtime::read_secret_file(path);
  if (!text.ok()) return text.error();
  auto credential = codec::read_credential(text.value());
  if (!credential.ok()) return invalid(path + ": " + credential.error().message);
  return credential;
}

}  // namespace bourse::api
