#include "api/authentication_flags.hpp"

#include "proto/codec/credential_form.hpp"
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
            "{\"credentials\":[{\"principal\":\"..\",\"secret\":\"..\"}]}");
}

Result<Authentication> AuthenticationFlags::take(std::string realms) const {
  Authentication out{rules, {}, std::move(realms)};
  if (credentials.empty()) {
    if (!rules.any()) return out;
    return invalid(
        "--credentials: is missing beside --authenticate-http-...: give the file that says whose "
        "secrets are right");
  }
  const auto text = runtime::read_secret_file(credentials);
  if (!text.ok()) return Error{text.error().code, "--credentials: " + text.error().message};
  auto accounts = codec::read_credentials(text.value());
  Status good = accounts.ok() ? check_hashes(accounts.value()) : Status(accounts.error());
  if (!good.ok()) return invalid("--credentials: " + credentials + ": " + good.error().message);
  out.accounts = std::move(accounts).value();
  return out;
}

Result<Credential> credential_in(const std::string& path) {
  const auto text = runtime::read_secret_file(path);
  if (!text.ok()) return text.error();
  auto credential = codec::read_credential(text.value());
  if (!credential.ok()) return invalid(path + ": " + credential.error().message);
  return credential;
}

}  // namespace bourse::api
