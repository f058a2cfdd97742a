#include "examples/crawler/wire/messages.hpp"

#include "examples/crawler/wire/bytes.hpp"

namespace bourse::crawler {
namespace {

enum class Kind : std::uint8_t {
  configure = 1,
  fetch_order,
  page,
  store_work,
  fetch_report,
  page_report,
  stage_load,
  answer_began,
};

ByteWriter begun(Kind kind) {
  ByteWriter writer;
  writer.number(static_cast<std::uint64_t>(kind));
  return writer;
}

void write(ByteWriter& writer, const std::vector<std::string>& texts) {
  writer.number(texts.size());
  for (const std::string& text : texts) writer.text(text);
}

std::vector<std::string> read_texts(ByteReader& reader) {
  std::vector<std::string> texts(reader.count());
  for (std::string& text : texts) text = reader.text();
  return texts;
}

std::uint32_t read_small(ByteReader& reader) {
  return static_cast<std::uint32_t>(reader.number());
}

PageKind read_kind(ByteReader& reader) {
  const std::uint64_t kind = reader.number();
  return kind <= 2 ? static_cast<PageKind>(kind) : PageKind::page;
}

Outcome read_outcome(ByteReader& reader) {
  const std::uint64_t outcome = reader.number();
  return outcome < kOutcomes ? static_cast<Outcome>(outcome) : Outcome::lost;
}

void write(ByteWriter& writer, const Page& page) {
  writer.reserve(page.body.size() + page.headers.size() + page.url.size() + 128);
  writer.number(page.order);
  writer.text(page.url);
  writer.number(static_cast<std::uint64_t>(page.kind));
  writer.number(page.attempt);
  writer.number(page.status);
  writer.text(page.content_type);
  writer.text(page.headers);
  writer.text(page.body);
}

Page read_page(ByteReader& reader) {
  Page page;
  page.order = reader.number();
  page.url = reader.text();
  page.kind = read_kind(reader);
  page.attempt = read_small(reader);
  page.status = read_small(reader);
  page.content_type = reader.text();
  page.headers = reader.text();
  page.body = reader.text();
  return page;
}

void write(ByteWriter& writer, const Item& item) {
  writer.text(item.shop);
  writer.text(item.sku);
  writer.text(item.name);
  writer.signed_number(item.price_cents);
  writer.text(item.currency);
  writer.number(static_cast<std::uint64_t>(item.stock));
  writer.text(item.image);
  writer.text(item.url);
}

Item read_item(ByteReader& reader) {
  Item item;
  item.shop = reader.text();
  item.sku = reader.text();
  item.name = reader.text();
  item.price_cents = reader.signed_number();
  item.currency = reader.text();
  const std::uint64_t stock = reader.number();
  item.stock = stock <= 3 ? static_cast<Stock>(stock) : Stock::unknown;
  item.image = reader.text();
  item.url = reader.text();
  return item;
}

StageMessage read_configure(ByteReader& reader) {
  Configure message;
  message.peers = read_texts(reader);
  message.paused = reader.number() != 0;
  message.hosts = reader.text();
  message.in_flight = read_small(reader);
  message.output = reader.text();
  message.shards = read_small(reader);
  message.warc = reader.number() != 0;
  return message;
}

StageMessage read_order(ByteReader& reader) {
  FetchOrder message;
  message.id = reader.number();
  message.url = reader.text();
  message.kind = read_kind(reader);
  message.attempt = read_small(reader);
  message.start_within_ms = read_small(reader);
  return message;
}

StageMessage read_store_work(ByteReader& reader) {
  StoreWork message;
  message.order = reader.number();
  message.shard = read_small(reader);
  if (reader.number() != 0) message.item = read_item(reader);
  if (reader.number() != 0) message.page = read_page(reader);
  return message;
}

StageMessage read_fetch_report(ByteReader& reader) {
  FetchReport message;
  message.id = reader.number();
  message.outcome = read_outcome(reader);
  message.status = read_small(reader);
  message.since_seen = Duration{reader.signed_number()};
  message.retry_after = Duration{reader.signed_number()};
  message.redirect_to = reader.text();
  message.body_bytes = reader.number();
  message.elapsed_ms = read_small(reader);
  return message;
}

StageMessage read_answer_began(ByteReader& reader) {
  AnswerBegan message;
  message.id = reader.number();
  message.since_seen = Duration{reader.signed_number()};
  return message;
}

StageMessage read_page_report(ByteReader& reader) {
  PageReport message;
  message.id = reader.number();
  message.outcome = read_outcome(reader);
  message.has_item = reader.number() != 0;
  message.links = read_texts(reader);
  message.sitemaps = read_texts(reader);
  message.robots = reader.text();
  message.content.high = reader.number();
  message.content.low = reader.number();
  message.outlinks.high = reader.number();
  message.outlinks.low = reader.number();
  return message;
}

StageMessage read_load(ByteReader& reader) {
  StageLoad message;
  message.queue = reader.number();
  message.in_flight = reader.number();
  message.done = reader.number();
  message.failed = reader.number();
  message.waiting_for_next = reader.number();
  message.trouble = reader.text();
  return message;
}

}  // namespace

std::string encode(const Configure& message) {
  ByteWriter writer = begun(Kind::configure);
  write(writer, message.peers);
  writer.number(message.paused ? 1 : 0);
  writer.text(message.hosts);
  writer.number(message.in_flight);
  writer.text(message.output);
  writer.number(message.shards);
  writer.number(message.warc ? 1 : 0);
  return writer.take();
}

std::string encode(const FetchOrder& message) {
  ByteWriter writer = begun(Kind::fetch_order);
  writer.number(message.id);
  writer.text(message.url);
  writer.number(static_cast<std::uint64_t>(message.kind));
  writer.number(message.attempt);
  writer.number(message.start_within_ms);
  return writer.take();
}

std::string encode(const Page& message) {
  ByteWriter writer = begun(Kind::page);
  write(writer, message);
  return writer.take();
}

std::string encode(const StoreWork& message) {
  ByteWriter writer = begun(Kind::store_work);
  writer.number(message.order);
  writer.number(message.shard);
  writer.number(message.item ? 1 : 0);
  if (message.item) write(writer, *message.item);
  writer.number(message.page ? 1 : 0);
  if (message.page) write(writer, *message.page);
  return writer.take();
}

std::string encode(const FetchReport& message) {
  ByteWriter writer = begun(Kind::fetch_report);
  writer.number(message.id);
  writer.number(static_cast<std::uint64_t>(message.outcome));
  writer.number(message.status);
  writer.signed_number(message.since_seen.ns);
  writer.signed_number(message.retry_after.ns);
  writer.text(message.redirect_to);
  writer.number(message.body_bytes);
  writer.number(message.elapsed_ms);
  return writer.take();
}

std::string encode(const AnswerBegan& message) {
  ByteWriter writer = begun(Kind::answer_began);
  writer.number(message.id);
  writer.signed_number(message.since_seen.ns);
  return writer.take();
}

std::string encode(const PageReport& message) {
  ByteWriter writer = begun(Kind::page_report);
  writer.number(message.id);
  writer.number(static_cast<std::uint64_t>(message.outcome));
  writer.number(message.has_item ? 1 : 0);
  write(writer, message.links);
  write(writer, message.sitemaps);
  writer.text(message.robots);
  writer.number(message.content.high);
  writer.number(message.content.low);
  writer.number(message.outlinks.high);
  writer.number(message.outlinks.low);
  return writer.take();
}

std::string encode(const StageLoad& message) {
  ByteWriter writer = begun(Kind::stage_load);
  writer.number(message.queue);
  writer.number(message.in_flight);
  writer.number(message.done);
  writer.number(message.failed);
  writer.number(message.waiting_for_next);
  writer.text(message.trouble);
  return writer.take();
}

Result<StageMessage> decode_stage_message(std::string_view bytes) {
  ByteReader reader(bytes);
  StageMessage message;
  switch (static_cast<Kind>(reader.number())) {
    case Kind::configure:
      message = read_configure(reader);
      break;
    case Kind::fetch_order:
      message = read_order(reader);
      break;
    case Kind::page:
      message = read_page(reader);
      break;
    case Kind::store_work:
      message = read_store_work(reader);
      break;
    case Kind::fetch_report:
      message = read_fetch_report(reader);
      break;
    case Kind::page_report:
      message = read_page_report(reader);
      break;
    case Kind::stage_load:
      message = read_load(reader);
      break;
    case Kind::answer_began:
      message = read_answer_began(reader);
      break;
    default:
      return invalid("stage message begins with a kind that this version does not know");
  }
  if (!reader.finished()) return invalid("stage message is cut off or too long for its kind");
  return message;
}

}  // namespace bourse::crawler
