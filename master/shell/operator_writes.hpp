// What an operator's call asks the core to change. Pure; any thread. Refused: a call that is not
// served, or without what it is about.
#pragma once

#include <string>

#include "base/result.hpp"
#include "master/core/event.hpp"

namespace mesos::v1::master {
class Call;
}

namespace bourse::master {

Result<FromOperator> operation_of(const mesos::v1::master::Call& call);
// Of the answer when it is done, as Mesos has it.
int status_of_write(const mesos::v1::master::Call& call);
// Of the refusal when what it is about is not known.
int status_of_unknown(const mesos::v1::master::Call& call);

// The call, as JSON, that an older route (machine/down, ...) stands for, or what is wrong with its
// body.
Result<std::string> call_of_route(const std::string& route, const std::string& body);

}  // namespace bourse::master
