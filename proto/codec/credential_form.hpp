// Credentials as Mesos writes them in a file, and the principal of a framework. Errors name the
// field and never a secret. Pure; any thread.
#pragma once

#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "model/credential.hpp"
#include "model/facets.hpp"

namespace bourse::codec {

// {"credentials":[{"principal":"..","secret":".."}]}: at least one, each principal once, none with
// a ':' (Basic could not carry it).
Result<std::vector<Credential>> read_credentials(std::string_view text);
// {"principal":"..","secret":".."}: whom a client speaks for.
Result<Credential> read_credential(std::string_view text);

// The facet of a framework that named no principal, as if it had named this one.
FrameworkFacet with_principal(FrameworkFacet framework, std::string_view principal);

}  // namespace bourse::codec
