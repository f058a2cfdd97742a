// What an operator's call asks the core to change. Pure; any thread. Refused: a call that is not
// served, or without what it is about.
#pragma once

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

}  // namespace bourse::master
