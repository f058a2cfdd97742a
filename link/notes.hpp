// What cores want an operator to read, as log lines: "code key=value ...". Any thread.
#pragma once

#include <vector>

#include "model/note.hpp"

namespace bourse::link {

void write_notes(const std::vector<Note>& notes);

}  // namespace bourse::link
