#include "link/notes.hpp"

#include "runtime/log.hpp"

namespace bourse::link {

namespace {

runtime::LogLevel level_of(Note::Level level) {
  switch (level) {
    case Note::Level::debug:
      return runtime::LogLevel::debug;
    case Note::Level::info:
      return runtime::LogLevel::info;
    case Note::Level::warning:
      return runtime::LogLevel::warning;
    case Note::Level::error:
      return runtime::LogLevel::error;
  }
  return runtime::LogLevel::info;
}

}  // namespace

void write_notes(const std::vector<Note>& notes) {
  for (const Note& note : notes) {
    const runtime::LogLevel level = level_of(note.level);
    if (!runtime::log_enabled(level)) continue;
    std::string text = note.code;
    for (const auto& [key, value] : note.fields) {
      text += runtime::render_log_line("", {{key, value}});
    }
    runtime::log(level, text);
  }
}

}  // namespace bourse::link
