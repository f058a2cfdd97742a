#include "examples/crawler/extract/sitemap.hpp"

#include <libxml/parser.h>
#include <zlib.h>

#include <algorithm>
#include <cstring>

namespace bourse::crawler {
namespace {

class SitemapReader {
 public:
  void start(std::string_view name) {
    if (name == "sitemap") in_index_ = true;
    if (name == "url") in_index_ = false;
    in_loc_ = name == "loc";
    text_.clear();
  }
  void characters(std::string_view text) {
    if (in_loc_ && text_.size() < 4'096) text_ += text;
  }
  void end(std::string_view name) {
    if (name == "loc" && !text_.empty()) {
      auto& list = in_index_ ? sitemap.sitemaps : sitemap.pages;
      if (list.size() < kMaxSitemapUrls) list.push_back(text_);
    }
    in_loc_ = false;
  }

  Sitemap sitemap;

 private:
  bool in_index_ = false;
  bool in_loc_ = false;
  std::string text_;
};

void on_start(void* user, const xmlChar* name, const xmlChar*, const xmlChar*, int, const xmlChar**,
              int, int, const xmlChar**) {
  static_cast<SitemapReader*>(user)->start(reinterpret_cast<const char*>(name));
}
void on_end(void* user, const xmlChar* name, const xmlChar*, const xmlChar*) {
  static_cast<SitemapReader*>(user)->end(reinterpret_cast<const char*>(name));
}
void on_location_text(void* user, const xmlChar* text, int count) {
  static_cast<SitemapReader*>(user)->characters(
      {reinterpret_cast<const char*>(text), static_cast<std::size_t>(count)});
}
void ignore_message(void*, const char*, ...) {}

Result<std::string> unpacked(std::string_view body) {
  z_stream stream{};
  constexpr int kGzip = 15 + 16;
  if (inflateInit2(&stream, kGzip) != Z_OK) {
    return Error{ErrorCode::unsupported, "zlib does not start"};
  }
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(body.data()));
  stream.avail_in = static_cast<uInt>(body.size());
  std::string out;
  int state = Z_OK;
  while (state == Z_OK && out.size() < kMaxSitemapBytes) {
    const std::size_t before = out.size();
    out.resize(std::min(before + 262'144, kMaxSitemapBytes));
    stream.next_out = reinterpret_cast<Bytef*>(out.data() + before);
    stream.avail_out = static_cast<uInt>(out.size() - before);
    state = inflate(&stream, Z_NO_FLUSH);
    out.resize(out.size() - stream.avail_out);
    if (out.size() == before) break;
  }
  inflateEnd(&stream);
  if (state == Z_STREAM_END) return out;
  if (out.size() >= kMaxSitemapBytes) {
    return Error{ErrorCode::too_large, "sitemap unpacks to more than 50 MB"};
  }
  return Error{ErrorCode::corrupt, "sitemap is not a whole gzip file"};
}

}  // namespace

Result<Sitemap> read_sitemap(std::string_view body) {
  std::string storage;
  if (body.substr(0, 2) == "\x1F\x8B") {
    Result<std::string> plain = unpacked(body);
    if (!plain.ok()) return plain.error();
    storage = std::move(plain).value();
    body = storage;
  }
  SitemapReader reader;
  xmlSAXHandler events{};
  events.initialized = XML_SAX2_MAGIC;
  events.startElementNs = &on_start;
  events.endElementNs = &on_end;
  events.characters = &on_location_text;
  events.cdataBlock = &on_location_text;
  events.warning = &ignore_message;
  events.error = &ignore_message;
  xmlParserCtxtPtr parser = xmlCreatePushParserCtxt(&events, &reader, nullptr, 0, nullptr);
  if (parser == nullptr) return Error{ErrorCode::full, "no memory for an XML parser"};
  xmlCtxtUseOptions(parser, XML_PARSE_NONET | XML_PARSE_RECOVER);
  const bool whole = xmlParseChunk(parser, body.data(), static_cast<int>(body.size()), 1) == 0;
  if (parser->myDoc != nullptr) xmlFreeDoc(parser->myDoc);
  xmlFreeParserCtxt(parser);
  if (!whole && reader.sitemap.pages.empty() && reader.sitemap.sitemaps.empty()) {
    return Error{ErrorCode::corrupt, "sitemap is not XML"};
  }
  return std::move(reader.sitemap);
}

}  // namespace bourse::crawler
