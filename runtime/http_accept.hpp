// Whether a header like Accept or Accept-Encoding takes something, by Mesos' rules. Pure functions,
// any thread.
#pragma once

#include <initializer_list>
#include <string_view>

namespace bourse::runtime {

// `candidates` are the ways to name the thing, the most exact first: "application/json",
// "application/*", "*/*". The first candidate that the header names decides, whatever else is in
// it: taken unless its q is 0 or no number. Names compare without case; other q order nothing.
bool header_accepts(std::string_view header, std::initializer_list<std::string_view> candidates);

}  // namespace bourse::runtime
