#include "examples/crawler/shopweb/site.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

#include "examples/crawler/gzip/gzip.hpp"
#include "examples/crawler/shopweb/encode.hpp"
#include "examples/crawler/shopweb/truth.hpp"

namespace bourse::crawler::shopweb {
namespace {

constexpr std::string_view kControlHost = "control.shopweb";
constexpr std::uint32_t kSlowMs = 1'200;

// The number at the front of `text`.
std::optional<std::uint32_t> number_at(std::string_view text) {
  std::uint32_t value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  return parsed.ec == std::errc{} ? std::optional<std::uint32_t>(value) : std::nullopt;
}

std::optional<std::uint32_t> number_after(std::string_view text, std::string_view prefix) {
  if (text.substr(0, prefix.size()) != prefix) return std::nullopt;
  return number_at(text.substr(prefix.size()));
}

std::string without_session(std::string_view target) {
  std::string out(target);
  const std::size_t session = out.find(";jsessionid=");
  if (session != std::string::npos) {
    const std::size_t end = std::min(out.find_first_of("?/", session), out.size());
    out.erase(session, end - session);
  }
  return out;
}

std::string parameter(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    const std::size_t end = std::min(query.find('&'), query.size());
    const std::string_view pair = query.substr(0, end);
    if (pair.substr(0, pair.find('=')) == name && pair.size() > name.size()) {
      return std::string(pair.substr(name.size() + 1));
    }
    query.remove_prefix(std::min(end + 1, query.size()));
  }
  return "";
}

Reply plain_reply(std::uint32_t status, std::string body) {
  Reply reply;
  reply.status = status;
  reply.content_type = "text/plain; charset=utf-8";
  reply.body = std::move(body);
  return reply;
}

Reply redirect_reply(const std::string& location) {
  Reply reply = plain_reply(301, "moved\n");
  reply.extra_headers = "Location: " + location + "\r\n";
  return reply;
}

Reply retry_later() {
  Reply reply = plain_reply(429, "too many requests\n");
  reply.extra_headers = "Retry-After: 1\r\n";
  return reply;
}

Reply html_reply(std::string utf8) {
  Reply reply;
  reply.content_type = "text/html";
  reply.body = std::move(utf8);
  return reply;
}

bool disallowed(std::string_view path, std::string_view query) {
  const auto starts = [&](std::string_view prefix) {
    return path.substr(0, prefix.size()) == prefix;
  };
  return starts("/cart") || starts("/account") || !parameter(query, "sort").empty() ||
         (starts("/outlet/") && !starts("/outlet/open"));
}

std::optional<std::uint32_t> item_index(const ShopWeb& web, const Shop& shop, std::string_view path,
                                        std::string_view query) {
  std::optional<std::uint32_t> id;
  switch (shop.url_style) {
    case UrlStyle::path:
      id = number_after(path, "/products/");
      break;
    case UrlStyle::query:
      if (path == "/item") id = number_at(parameter(query, "id"));
      break;
    case UrlStyle::html: {
      const std::size_t at = path.find("/article-");
      if (path.substr(0, 6) == "/shop/" && at != std::string_view::npos) {
        id = number_at(path.substr(at + 9));
      }
      break;
    }
  }
  if (!id || *id < 1'000 || *id - 1'000 >= web.config().items) return std::nullopt;
  return *id - 1'000;
}

// The pages of shops that mean harm or cannot do better. Nothing for other addresses.
std::optional<Reply> hostile_reply(const Shop& shop, const std::string& bomb,
                                   std::string_view path) {
  if (!shop.hostile) return std::nullopt;
  if (path == "/loop/a") return redirect_reply("/loop/b");
  if (path == "/loop/b") return redirect_reply("/loop/a");
  if (const auto hop = number_after(path, "/hop/")) {
    return redirect_reply("/hop/" + std::to_string(*hop + 1));
  }
  Reply reply = html_reply("<html><body>" + std::string(2'000, 'x'));
  if (path == "/lookbook") {
    reply.body = std::string(6'000'000, 'y');
  } else if (path == "/firehose") {
    reply.manner = Manner::firehose;
  } else if (path == "/drip") {
    reply.manner = Manner::drip;
  } else if (path == "/longer") {
    reply.manner = Manner::longer;
  } else if (path == "/shorter") {
    reply.manner = Manner::shorter;
  } else if (path == "/cut") {
    reply.manner = Manner::cut;
  } else if (path == "/bomb") {
    reply.body = bomb;
    reply.gzip = true;
  } else {
    return std::nullopt;
  }
  return reply;
}

}  // namespace

Site::Site(WebConfig config) : web_(config), bomb_(gzip_compressed(std::string(16'000'000, '\0'))) {
  for (const Shop& shop : web_.shops()) {
    states_.push_back(std::make_unique<ShopState>(config.unthrottled ? 0 : shop.rate_per_s));
  }
}

Reply Site::answer(const Request& request, Instant now) {
  std::string host = request.host.substr(0, request.host.find(':'));
  if (host == kControlHost) return answer_control(request);
  const Shop* shop = web_.find(host);
  if (shop == nullptr) return plain_reply(404, "no shop has the host name \"" + host + "\"\n");
  ShopState& state = *states_[shop->number];
  Reply reply;
  {
    const std::lock_guard<std::mutex> guard(state.lock);
    if (!state.meter.admit(now)) return retry_later();
    reply = answer_shop(*shop, state, request.target, state.meter.counts.requests);
    if (reply.status == 200 && reply.content_type == "text/html") {
      ++state.meter.counts.pages;
      state.meter.counts.page_bytes += reply.body.size();
    }
  }
  if (reply.content_type != "text/html" || reply.gzip) return reply;
  reply.content_type = html_content_type(shop->encoding);
  reply.body = in_shop_encoding(shop->encoding, std::move(reply.body));
  if (shop->gzip && request.accepts_gzip && reply.manner == Manner::plain) {
    reply.body = gzip_compressed(reply.body);
    reply.gzip = true;
  }
  return reply;
}

Reply Site::answer_shop(const Shop& shop, ShopState& state, std::string_view raw_target,
                        std::uint64_t visit) {
  const std::string target = without_session(raw_target);
  const std::size_t question = target.find('?');
  const std::string_view path = std::string_view(target).substr(0, question);
  const std::string_view query = question == std::string::npos
                                     ? std::string_view()
                                     : std::string_view(target).substr(question + 1);
  if (!shop.no_robots && disallowed(path, query)) {
    ++state.meter.counts.disallowed_fetches;
    return plain_reply(403, "robots.txt says no\n");
  }
  const PageContext context{web_, shop, filler_, visit};
  if (path == "/robots.txt") {
    return shop.no_robots ? plain_reply(404, "none\n") : plain_reply(200, robots_page(web_, shop));
  }
  if (path.substr(0, 8) == "/sitemap") {
    std::string body = sitemap_page(web_, shop, path);
    if (body.empty()) return plain_reply(404, "none\n");
    Reply reply = plain_reply(200, std::move(body));
    reply.content_type = "application/xml";
    if (path.substr(path.size() - 3) == ".gz") {
      // The file itself is compressed; the transfer is not, so no Content-Encoding.
      reply.content_type = "application/gzip";
      reply.body = gzip_compressed(reply.body);
    }
    return reply;
  }
  if (path == "/") return html_reply(home_page(context));
  for (std::uint32_t category = 0; category < web_.categories(); ++category) {
    if (path != "/c/" + web_.category_name(category)) continue;
    const std::uint32_t page = number_at(parameter(query, "page")).value_or(1);
    return html_reply(category_page(context, category, std::clamp(page, 1U, 100'000U)));
  }
  if (const auto index = item_index(web_, shop, path, query)) {
    return answer_item(shop, state, context, *index);
  }
  if (const auto id = number_after(path, "/p/"); id && *id >= 1'000) {
    if (*id - 1'000 < web_.config().items) {
      return redirect_reply(web_.item_path(shop, *id - 1'000));
    }
  }
  if (const auto year = number_after(path, "/calendar/"); year && shop.calendar) {
    const std::string_view after_year = path.substr(std::min(path.find('/', 10), path.size()));
    const auto month = number_after(after_year, "/");
    const std::string_view after_month =
        after_year.substr(std::min(after_year.find('/', 1), after_year.size()));
    const auto day = number_after(after_month, "/");
    if (month && day) return html_reply(calendar_page(context, *year, *month, *day));
  }
  if (path == "/outlet/open") return html_reply(plain_page(context, "Outlet"));
  if (auto reply = hostile_reply(shop, bomb_, path)) return *std::move(reply);
  return plain_reply(404, "not found\n");
}

Reply Site::answer_item(const Shop& shop, ShopState& state, const PageContext& context,
                        std::uint32_t index) {
  const Trouble trouble = web_.trouble_at(shop, index);
  const std::string key = web_.item_path(shop, index);
  const bool troubled =
      trouble != Trouble::none && state.asked[key]++ < web_.trouble_times(shop, index);
  if (troubled && trouble == Trouble::server_error) return plain_reply(500, "try again\n");
  if (troubled && trouble == Trouble::throttled) return retry_later();
  Reply reply = html_reply(item_page(context, index));
  if (troubled && trouble == Trouble::slow) reply.delay_ms = kSlowMs;
  if (troubled && trouble == Trouble::cut) reply.manner = Manner::cut;
  return reply;
}

Reply Site::answer_control(const Request& request) const {
  if (request.target == "/stats") {
    Reply reply = plain_reply(200, stats_json() + "\n");
    reply.content_type = "application/json";
    return reply;
  }
  if (request.target == "/truth") return plain_reply(200, truth_lines());
  if (request.target == "/hosts") return plain_reply(200, hosts_lines());
  return plain_reply(404, "control.shopweb has /stats, /truth and /hosts\n");
}

SiteTotals Site::totals() const {
  SiteTotals totals;
  for (const auto& state : states_) {
    const std::lock_guard<std::mutex> guard(state->lock);
    const MeterCounts& counts = state->meter.counts;
    totals.counts.requests += counts.requests;
    totals.counts.pages += counts.pages;
    totals.counts.page_bytes += counts.page_bytes;
    totals.counts.rate_violations += counts.rate_violations;
    totals.counts.disallowed_fetches += counts.disallowed_fetches;
    totals.counts.peak_per_s = std::max(totals.counts.peak_per_s, counts.peak_per_s);
  }
  return totals;
}

std::string Site::stats_json() const {
  std::vector<ShopCounts> shops;
  for (const Shop& shop : web_.shops()) {
    ShopState& state = *states_[shop.number];
    const std::lock_guard<std::mutex> guard(state.lock);
    shops.push_back(
        {shop.host, web_.config().unthrottled ? 0 : shop.rate_per_s, state.meter.counts});
  }
  return stats_object(totals(), shops);
}

std::string Site::truth_lines() const {
  std::string out;
  for (const Shop& shop : web_.shops()) {
    for (std::uint32_t index = 0; index < web_.config().items; ++index) {
      out += item_object(web_.item(shop, index)) + "\n";
    }
  }
  return out;
}

std::string Site::hosts_lines() const {
  std::string out;
  for (const Shop& shop : web_.shops()) out += shop.host + " " + address_ + "\n";
  return out;
}

}  // namespace bourse::crawler::shopweb
