#include "agent/shell/notes.hpp"

#include "runtime/log.hpp"

namespace bourse::agent {

void write_notes(const std::vector<Note>& notes) {
  for (const Note& note : notes) {
    std::string text = note.code;
    for (const auto& [key, value] : note.fields) {
      text += ' ';
      text += runtime::render_log_line("", {{key, value}});
    }
    switch (note.level) {
      case Note::Level::debug:
        runtime::log_debug(text);
        break;
      case Note::Level::info:
        runtime::log_info(text);
        break;
      case Note::Level::warning:
        runtime::log_warning(text);
        break;
      case Note::Level::error:
        runtime::log_error(text);
        break;
    }
  }
}

}  // namespace bourse::agent
