// in_shop_encoding: a page's UTF-8 turned into the bytes its shop sends. Pure; any thread.
#pragma once

#include <string>

#include "examples/crawler/shopweb/shop.hpp"

namespace bourse::crawler::shopweb {

std::string in_shop_encoding(Encoding encoding, std::string utf8);
// The Content-Type an HTML page of such a shop is sent with.
const char* html_content_type(Encoding encoding);

}  // namespace bourse::crawler::shopweb
