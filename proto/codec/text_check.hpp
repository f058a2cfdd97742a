// Checks of text that comes from outside: UTF-8, ids, names, roles. Errors name the field, show the
// value (shortened, made printable) and say what would be right. Pure.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "proto/codec/field_path.hpp"

namespace bourse::codec {

bool is_utf8(std::string_view text);
// Appends `text` with each byte that is not UTF-8 as U+FFFD.
void append_as_utf8(std::string_view text, std::string& out);
// For error texts: quoted, at most 64 bytes, control characters and bad bytes replaced.
std::string shown(std::string_view value);

// An id that comes from outside: 1 to kMaxIdBytes bytes, UTF-8, no '/' and no control characters,
// not "." or ".." (ids become path segments).
Status check_id(std::string_view id, const FieldPath& at);
// Up to `most` bytes of UTF-8; may be empty.
Status check_text(std::string_view text, std::size_t most, const FieldPath& at);
// A role: "*", or path segments separated by '/', none empty, "." , ".." or "*", none starting with
// '-', no white space or control characters; at most kMaxRoleDepth segments.
Status check_role(std::string_view role, const FieldPath& at);
// What something is held in, for peers that may not know it: a role, or empty.
Status check_held_role(std::string_view role, const FieldPath& at);

}  // namespace bourse::codec
