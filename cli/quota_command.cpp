// quota list|get|set|remove and weight list|set: guarantees, limits and weights of roles.
#include <cstdio>
#include <cstdlib>
#include <map>
#include <nlohmann/json.hpp>

#include "cli/api.hpp"
#include "cli/commands.hpp"
#include "cli/invocation.hpp"
#include "cli/table.hpp"
#include "proto/codec/json.hpp"
#include "proto/v1/master_response.pb.h"

namespace bourse::cli {

namespace {

using Response = mesos::v1::master::Response;
using Scalars = google::protobuf::Map<std::string, mesos::v1::Value::Scalar>;

std::string amounts_text(const Scalars& amounts) {
  std::map<std::string, double> ordered;
  for (const auto& [name, scalar] : amounts) ordered[name] = scalar.value();
  std::string out;
  for (const auto& [name, value] : ordered) {
    if (!out.empty()) out += ' ';
    out += name + "=" + amount_text(value);
  }
  return out.empty() ? "-" : out;
}

// The master's `consumptions`, by role: beyond Mesos, so that its messages have no place for them.
// Empty for a master that does not tell.
using Consumptions = std::map<std::string, nlohmann::ordered_json>;

Consumptions consumptions_in(const std::string& body) {
  Consumptions out;
  const auto answer = nlohmann::ordered_json::parse(body, nullptr, false);
  const auto path = nlohmann::ordered_json::json_pointer("/get_quota/consumptions");
  if (!answer.is_object() || !answer.contains(path) || !answer[path].is_array()) return out;
  for (const auto& one : answer[path]) {
    const auto consumed = one.find("consumed");
    if (!one.is_object() || consumed == one.end() || !consumed->is_object()) continue;
    const auto role = one.find("role");
    if (role != one.end() && role->is_string()) out[role->get<std::string>()] = *consumed;
  }
  return out;
}

std::string consumed_text(const Consumptions& all, const std::string& role) {
  const auto it = all.find(role);
  if (it == all.end()) return "-";
  Scalars amounts;
  for (const auto& [name, value] : it->second.items()) {
    if (value.is_number()) amounts[name].set_value(value.get<double>());
  }
  return amounts_text(amounts);
}

// "cpus=4,mem=1024" as a JSON object of scalars; nothing where it is not that.
std::optional<std::string> amounts_json(const std::string& text) {
  std::string out;
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t end = std::min(text.find(',', at), text.size());
    const std::string one = text.substr(at, end - at);
    const std::size_t equals = one.find('=');
    if (equals == 0 || equals == std::string::npos) return std::nullopt;
    const std::string amount = one.substr(equals + 1);
    char* rest = nullptr;
    std::strtod(amount.c_str(), &rest);
    if (amount.empty() || *rest != '\0') return std::nullopt;
    if (amount.find_first_not_of("+-0123456789.eE") != std::string::npos) return std::nullopt;
    if (!out.empty()) out += ',';
    out += json_text(one.substr(0, equals)) + ":{\"value\":" + amount + "}";
    at = end + 1;
  }
  return "{" + out + "}";
}

int wrong_words_for_quota(const char* sentence) {
  std::fprintf(stderr, "bourse %s\n", sentence);
  return 2;
}

int show_quotas(const Arguments& arguments, bool one) {
  Invocation invocation(one ? "quota get" : "quota list",
                        "Shows what roles are guaranteed, may have and have consumed of it.");
  std::vector<std::string> roles;
  if (one) invocation.flags().positional("ROLE", roles, "the role");
  if (const auto code = invocation.parse({arguments.begin() + 1, arguments.end()})) return *code;
  if (one && roles.size() != 1) return wrong_words_for_quota("quota get: give one role");
  Api api(invocation);
  const std::string call = "{\"type\":\"GET_QUOTA\"}";
  if (!one) {
    if (const auto code = answered_as_json(invocation, api, call)) return *code;
  }
  const auto body = api.call(call);
  if (!body.ok()) return failed(body.error());
  Response response;
  if (const Status read = codec::from_json(*body, response); !read.ok()) {
    return failed(read.error());
  }
  const Consumptions consumed = consumptions_in(*body);
  Table table({"ROLE", "GUARANTEES", "LIMITS", "CONSUMED"});
  for (const auto& config : response.get_quota().status().configs()) {
    if (one && config.role() != roles.front()) continue;
    if (one && invocation.json()) {
      auto shown = nlohmann::ordered_json::parse(codec::to_json(config));
      if (consumed.contains(config.role())) shown["consumed"] = consumed.at(config.role());
      std::printf("%s\n", shown.dump().c_str());
      return 0;
    }
    table.add({config.role(), amounts_text(config.guarantees()), amounts_text(config.limits()),
               consumed_text(consumed, config.role())});
  }
  if (table.empty() && one) {
    return failed({ErrorCode::not_found, "role '" + roles.front() + "' has no quota"});
  }
  std::printf("%s", table.empty() ? "no role has a quota\n" : table.text().c_str());
  return 0;
}

int write(const Invocation& invocation, const std::string& call, const std::string& done) {
  Api api(invocation);
  return call_and_say(invocation, api, call, done);
}

int set_quota(const Arguments& arguments) {
  Invocation invocation(
      "quota set", "Says what a role is guaranteed and may have at most; both replace what was.");
  std::string guarantees;
  std::string limits;
  bool force = false;
  std::vector<std::string> roles;
  invocation.flags().add("guarantee", guarantees, "kept for it, as cpus=4,mem=1024");
  invocation.flags().add("limit", limits, "the most it may hold, as cpus=8,mem=4096");
  invocation.flags().add("force", force,
                         "below what it uses, or above what there is, all the same");
  invocation.flags().positional("ROLE", roles, "the role");
  if (const auto code = invocation.parse({arguments.begin() + 1, arguments.end()})) return *code;
  if (roles.size() != 1) return wrong_words_for_quota("quota set: give one role");
  const auto guaranteed = amounts_json(guarantees);
  const auto limited = amounts_json(limits);
  if (!guaranteed || !limited || (guarantees.empty() && limits.empty())) {
    return wrong_words_for_quota(
        "quota set: give --guarantee or --limit as NAME=AMOUNT,... (cpus=4,mem=1024)");
  }
  return write(invocation,
               "{\"type\":\"UPDATE_QUOTA\",\"update_quota\":{\"force\":" +
                   std::string(force ? "true" : "false") +
                   ",\"quota_configs\":[{\"role\":" + json_text(roles.front()) +
                   ",\"guarantees\":" + *guaranteed + ",\"limits\":" + *limited + "}]}}",
               printable(roles.front()) + " has its quota");
}

int remove_quota(const Arguments& arguments) {
  Invocation invocation("quota remove", "Takes a role's guarantees and limits away.");
  std::vector<std::string> roles;
  invocation.flags().positional("ROLE", roles, "the role");
  if (const auto code = invocation.parse({arguments.begin() + 1, arguments.end()})) return *code;
  if (roles.size() != 1) return wrong_words_for_quota("quota remove: give one role");
  return write(
      invocation,
      "{\"type\":\"REMOVE_QUOTA\",\"remove_quota\":{\"role\":" + json_text(roles.front()) + "}}",
      printable(roles.front()) + " has no quota any more");
}

int list_weights(const Arguments& arguments) {
  Invocation invocation("weight list", "Shows the weights that were set; all others are 1.");
  if (const auto code = invocation.parse({arguments.begin() + 1, arguments.end()})) return *code;
  Api api(invocation);
  const std::string call = "{\"type\":\"GET_WEIGHTS\"}";
  if (const auto code = answered_as_json(invocation, api, call)) return *code;
  Response response;
  if (const Status asked = api.call(call, response); !asked.ok()) return failed(asked.error());
  Table table({"ROLE", ">WEIGHT"});
  for (const auto& info : response.get_weights().weight_infos()) {
    table.add({info.role(), amount_text(info.weight())});
  }
  std::printf("%s", table.empty() ? "every role has the weight 1\n" : table.text().c_str());
  return 0;
}

int set_weight(const Arguments& arguments) {
  Invocation invocation("weight set", "A role of weight 2 gets twice what one of weight 1 gets.");
  std::vector<std::string> words;
  invocation.flags().positional("ROLE WEIGHT", words, "the role, and its weight");
  if (const auto code = invocation.parse({arguments.begin() + 1, arguments.end()})) return *code;
  const auto weight = words.size() == 2 ? amounts_json("weight=" + words[1]) : std::nullopt;
  if (!weight)
    return wrong_words_for_quota("weight set: give a role and a number (weight set web 2.5)");
  return write(invocation,
               "{\"type\":\"UPDATE_WEIGHTS\",\"update_weights\":{\"weight_infos\":[{\"role\":" +
                   json_text(words[0]) + ",\"weight\":" + words[1] + "}]}}",
               printable(words[0]) + " has the weight " + printable(words[1]));
}

constexpr char kQuotaUsage[] =
    "usage: bourse quota VERB [FLAGS]\n\n"
    "  list          what roles are guaranteed, may have and have consumed of it\n"
    "  get ROLE      of one role\n"
    "  set ROLE      --guarantee=cpus=4,... --limit=cpus=8,mem=4096 [--force]\n"
    "  remove ROLE   takes both away\n";
constexpr char kWeightUsage[] =
    "usage: bourse weight VERB [FLAGS]\n\n"
    "  list              the weights that were set; all others are 1\n"
    "  set ROLE WEIGHT   a role of weight 2 gets twice what one of weight 1 gets\n";

int help(const char* usage) {
  std::printf("%s\nEvery verb takes --help, --master=HOST:PORT (or BOURSE_MASTER) and --json.\n",
              usage);
  return 0;
}

bool asks_for_help(const std::string& word) {
  return word == "help" || word == "--help" || word == "-h";
}

}  // namespace

int quota_command(const Arguments& arguments) {
  const std::string word = arguments.empty() ? "" : arguments.front();
  if (asks_for_help(word)) return help(kQuotaUsage);
  if (word == "list") return show_quotas(arguments, false);
  if (word == "get") return show_quotas(arguments, true);
  if (word == "set") return set_quota(arguments);
  if (word == "remove") return remove_quota(arguments);
  return wrong_words_for_quota("quota: give list, get ROLE, set ROLE or remove ROLE");
}

int weight_command(const Arguments& arguments) {
  const std::string word = arguments.empty() ? "" : arguments.front();
  if (asks_for_help(word)) return help(kWeightUsage);
  if (word == "list") return list_weights(arguments);
  if (word == "set") return set_weight(arguments);
  return wrong_words_for_quota("weight: give list or set ROLE WEIGHT");
}

}  // namespace bourse::cli
