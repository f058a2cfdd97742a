// Notes of a core as log lines. Any thread.
#pragma once

#include <vector>

#include "model/note.hpp"

namespace bourse::agent {

void write_notes(const std::vector<Note>& notes);

}  // namespace bourse::agent
