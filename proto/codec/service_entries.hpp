// Service entries: the service scheduler's book as keys and values, for a store that keeps each app
// and each instance by itself ("framework", "app/ID", "earlier/ID/SLOT", "instance/ID/NUMBER"). A
// value holds commands, each as its record with its length before it. Any thread.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "model/service_command.hpp"

namespace bourse::codec {

// Nothing: the key is to be forgotten.
using ServiceChange = std::pair<std::string, std::optional<std::string>>;
using ServiceEntry = std::pair<std::string, std::string>;

// What a reader of the book must understand: a registry of masters has it not.
inline constexpr const char* kServiceBookFeature = "service-book";

// Applies the commands, which REQUIRES that each fits, and gives what a store has to change. No
// change of one command, and none of kMaxInstancesPerWrite instances, names more keys than the
// store takes at once.
std::vector<ServiceChange> apply_service_commands(service::Book& book,
                                                  const std::vector<ServiceCommand>& commands);
// The whole book: what an empty store has to be given.
std::vector<ServiceEntry> encode_service_book(const service::Book& book);
// An error names the key.
Result<service::Book> decode_service_book(const std::vector<ServiceEntry>& entries);

}  // namespace bourse::codec
