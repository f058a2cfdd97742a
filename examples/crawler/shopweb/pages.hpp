// Pages: the HTML, XML and text that a shop of the ShopWeb answers with, in UTF-8 before the shop's
// own encoding is applied. Pure functions; any thread.
#pragma once

#include <cstdint>
#include <string>

#include "examples/crawler/shopweb/filler.hpp"
#include "examples/crawler/shopweb/shop.hpp"

namespace bourse::crawler::shopweb {

constexpr std::uint32_t kItemsPerCategoryPage = 24;

// What all pages of one answer share. `visit` goes into every link of shops with session ids and
// differs from request to request; everything else on a page does not.
struct PageContext {
  const ShopWeb& web;
  const Shop& shop;
  const Filler& filler;
  std::uint64_t visit = 0;
};

std::string robots_page(const ShopWeb& web, const Shop& shop);
// Empty when the shop has no such sitemap.
std::string sitemap_page(const ShopWeb& web, const Shop& shop, std::string_view path);

std::string home_page(const PageContext& context);
std::string category_page(const PageContext& context, std::uint32_t category, std::uint32_t page);
std::string item_page(const PageContext& context, std::uint32_t index);
std::string calendar_page(const PageContext& context, std::uint32_t year, std::uint32_t month,
                          std::uint32_t day);
std::string plain_page(const PageContext& context, std::string_view title);

// The part of an item page that says what the item is, in the shop's markup (markup.cpp).
std::string item_head(const Shop& shop, const Item& item);
std::string item_body(const Shop& shop, const Item& item);

std::string html_escaped(std::string_view text);
// "1234.50"
std::string plain_price(std::int64_t cents);

}  // namespace bourse::crawler::shopweb
