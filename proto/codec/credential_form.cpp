#include "proto/codec/credential_form.hpp"

#include <algorithm>
#include <set>
#include <string>

#include "proto/codec/canonical.hpp"
#include "proto/codec/field_path.hpp"
#include "proto/codec/json.hpp"
#include "proto/codec/text_check.hpp"
#include "proto/v1/framework_info.pb.h"
#include "proto/v1/secret.pb.h"

namespace bourse::codec {

namespace {

namespace v1 = mesos::v1;

constexpr char kMany[] = R"({"credentials":[{"principal":"..","secret":".."}]})";
constexpr char kOne[] = R"({"principal":"..","secret":".."})";

// What the reader says of it may quote it, and it may be a secret.
Error not_of_form(const char* form) {
  return invalid(std::string("is not JSON of the form ") + form);
}

bool has_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

Result<Credential> checked(const v1::Credential& message, const std::string& at) {
  const std::string& principal = message.principal();
  if (principal.empty()) return invalid(at + "principal: is empty; give a name");
  if (principal.size() > limits::kMaxPrincipalBytes) {
    return invalid(at + "principal: has " + std::to_string(principal.size()) + " bytes; " +
                   std::to_string(limits::kMaxPrincipalBytes) + " are the most");
  }
  if (principal.find(':') != std::string::npos || has_control(principal)) {
    return invalid(at + "principal: " + shown(principal) +
                   " has a ':' or a control character, which HTTP's Basic cannot carry");
  }
  const std::string& secret = message.secret();
  if (secret.empty()) return invalid(at + "secret: is missing for " + shown(principal));
  if (secret.size() > limits::kMaxSecretBytes) {
    return invalid(at + "secret: of " + shown(principal) + " has " + std::to_string(secret.size()) +
                   " bytes; " + std::to_string(limits::kMaxSecretBytes) + " are the most");
  }
  if (has_control(secret)) {
    return invalid(at + "secret: of " + shown(principal) +
                   " has a control character, which HTTP's Basic cannot carry");
  }
  return Credential{principal, secret};
}

}  // namespace

Result<std::vector<Credential>> read_credentials(std::string_view text) {
  v1::Credentials file;
  if (!from_json(text, file).ok()) return not_of_form(kMany);
  if (file.credentials().empty()) {
    return invalid(std::string("credentials: is empty; give ") + kMany);
  }
  if (static_cast<std::size_t>(file.credentials_size()) > limits::kMaxCredentials) {
    return invalid("credentials: are " + std::to_string(file.credentials_size()) + "; " +
                   std::to_string(limits::kMaxCredentials) + " are the most");
  }
  std::vector<Credential> out;
  std::set<std::string> known;
  for (int i = 0; i < file.credentials_size(); ++i) {
    const std::string at = "credentials[" + std::to_string(i) + "].";
    auto one = checked(file.credentials(i), at);
    if (!one.ok()) return one.error();
    if (!known.insert(one->principal).second) {
      return invalid(at + "principal: " + shown(one->principal) + " is there twice; give it once");
    }
    out.push_back(std::move(one).value());
  }
  return out;
}

Result<Credential> read_credential(std::string_view text) {
  v1::Credential file;
  if (!from_json(text, file).ok()) return not_of_form(kOne);
  return checked(file, "");
}

FrameworkFacet with_principal(FrameworkFacet framework, std::string_view principal) {
  v1::FrameworkInfo info;
  // Ours, made by the codec: it parses.
  if (!parse_bounded(framework.description.bytes(), info)) return framework;
  info.set_principal(std::string(principal));
  framework.principal = std::string(principal);
  framework.description = canonical_blob(info);
  return framework;
}

}  // namespace bourse::codec
