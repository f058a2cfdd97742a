// why: what keeps a framework from being offered more, and what would help.
#include <cstdio>

#include "cli/api.hpp"
#include "cli/invocation.hpp"
#include "cli/table.hpp"
#include "proto/codec/json.hpp"
#include "proto/internal/operator_extension.pb.h"

namespace bourse::cli {

namespace {

using operator_extension::Explanation;

std::string percent_text(double share) {
  return amount_text(share * 100) + "%";
}

template <typename Numbers>
std::string numbers_text(const Numbers& numbers) {
  std::string out;
  for (const auto& number : numbers) {
    out += (out.empty() ? "" : "; ") + number.name() + ": " + number.value();
  }
  return out;
}

void print_role(const Explanation::Role& role) {
  std::printf("role %s: %s of the cluster, the role %s; %llu of %llu in line\n",
              printable(role.role()).c_str(), percent_text(role.share()).c_str(),
              percent_text(role.role_share()).c_str(), static_cast<unsigned long long>(role.rank()),
              static_cast<unsigned long long>(role.of()));
  if (!role.rule().empty()) {
    std::printf("  no offers: %s: %s\n", role.rule().c_str(), printable(role.change()).c_str());
  }
  if (role.has_looked_at()) {
    std::printf("  looked at %llu of %llu agents, evenly spread: what follows counts those\n",
                static_cast<unsigned long long>(role.looked_at()),
                static_cast<unsigned long long>(role.agents_in_all()));
  }
  for (const auto& wanted : role.wanted()) {
    std::printf("  wants %s: %llu on offer to it, %llu more would fit%s%s\n",
                printable(wanted.shape()).c_str(),
                static_cast<unsigned long long>(wanted.offered()),
                static_cast<unsigned long long>(wanted.fits()),
                wanted.numbers_size() > 0 ? "; " : "", numbers_text(wanted.numbers()).c_str());
  }
  Table table({">AGENTS", "KIND", "RULE", "NUMBERS", "WHAT WOULD HELP"});
  for (const auto& agents : role.agents()) {
    table.add({std::to_string(agents.count()), agents.kind(), agents.rule(),
               numbers_text(agents.numbers()), agents.change()});
  }
  if (!table.empty()) std::fputs(table.text().c_str(), stdout);
  if (role.refused_size() > 0) {
    std::printf("  refused since it subscribed: %s\n", numbers_text(role.refused()).c_str());
  }
}

}  // namespace

int why_command(const Arguments& arguments) {
  Invocation invocation("why", "What keeps a framework from offers, and what would help.");
  std::vector<std::string> ids;
  invocation.flags().positional("FRAMEWORK", ids, "id of the framework");
  if (const auto code = invocation.parse(arguments)) return *code;
  if (ids.size() != 1) {
    std::fputs("bourse why: give one framework id (bourse frameworks lists them)\n", stderr);
    return 2;
  }
  Api api(invocation);
  auto body =
      api.call(R"({"type":"EXPLAIN_FRAMEWORK","explain_framework":{"framework_id":{"value":)" +
               json_text(ids.front()) + "}}}");
  if (!body.ok()) return failed(body.error());
  if (invocation.json()) {
    std::printf("%s\n", body->c_str());
    return 0;
  }
  operator_extension::Response response;
  if (const Status ok = codec::from_json(*body, response); !ok.ok()) return failed(ok.error());
  for (const auto& role : response.explain_framework().roles()) print_role(role);
  if (response.explain_framework().roles().empty()) std::puts("it is in no role");
  return 0;
}

}  // namespace bourse::cli
