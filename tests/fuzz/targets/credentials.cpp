// Who says who asks: the header of a stranger, and the files of an operator.
#include <set>

#include "fuzz.hpp"
#include "proto/codec/credential_form.hpp"
#include "runtime/http_basic.hpp"

using namespace bourse;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = fuzz::text(data, size);
  if (const auto login = runtime::parse_basic_login(text)) {
    fuzz::must(login->user.find(':') == std::string::npos);
    const auto again =
        runtime::parse_basic_login(runtime::basic_authorization(login->user, login->password));
    fuzz::must(again.ok() && again->user == login->user && again->password == login->password);
  }
  if (const auto accounts = codec::read_credentials(text)) {
    std::set<std::string> names;
    for (const Credential& account : *accounts) {
      fuzz::must(!account.principal.empty() && !account.secret.empty());
      fuzz::must(names.insert(account.principal).second);
    }
  }
  if (const auto own = codec::read_credential(text)) {
    const auto login =
        runtime::parse_basic_login(runtime::basic_authorization(own->principal, own->secret));
    fuzz::must(login.ok() && login->user == own->principal && login->password == own->secret);
  }
  return 0;
}
