// item_of: from what a page's markup says to the item it sells, if it is an item's page. JSON-LD
// first, then microdata, then class names and headings; a later source fills what an earlier one
// left open. A page that shows several products (a category, teasers) sells none of them. Pure.
#pragma once

#include <optional>

#include "examples/crawler/extract/html_reader.hpp"
#include "examples/crawler/url/url.hpp"
#include "examples/crawler/work/work.hpp"

namespace bourse::crawler {

// `page` is where the page was fetched from; its host is the shop.
std::optional<Item> item_of(const HtmlFacts& facts, const Url& page);

// The page's own address by its own word, else `page`.
Url canonical_of(const HtmlFacts& facts, const Url& page);

}  // namespace bourse::crawler
