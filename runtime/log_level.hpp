// How much the log says, while the program runs. Any thread.
#pragma once

#include "runtime/log.hpp"

namespace bourse::runtime {

// As log_open() was told.
LogLevel log_level_at_start();
// Until it is set again or the log is opened anew.
void set_log_level(LogLevel level);

}  // namespace bourse::runtime
