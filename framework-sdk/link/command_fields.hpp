// A command of the SDK as Mesos v1 has it. Private to the SDK; pure.
#pragma once

#include "bourse/types.hpp"

namespace mesos::v1 {
class CommandInfo;
}

namespace bourse::sdk {

void fill_command(const Command& from, mesos::v1::CommandInfo& to);
Command read_command(const mesos::v1::CommandInfo& from);

}  // namespace bourse::sdk
