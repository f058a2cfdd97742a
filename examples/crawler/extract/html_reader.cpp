#include "examples/crawler/extract/html_reader.hpp"

#include <libxml/HTMLparser.h>

#include <algorithm>
#include <array>
#include <optional>

namespace bourse::crawler {
namespace {

constexpr std::size_t kMaxCaptureBytes = 1 << 20;
constexpr std::size_t kMaxMicroItems = 4'096;

inline bool is_blank(char c) {
  return static_cast<unsigned char>(c) <= ' ' &&
         (c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == '\f');
}

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool starts_with_word(std::string_view text, std::string_view lower_word) {
  return text.size() >= lower_word.size() &&
         std::equal(lower_word.begin(), lower_word.end(), text.begin(),
                    [](char word, char c) { return word == lower(c); });
}

std::string folded(std::string_view text) {
  std::string out;
  bool gap = false;
  for (const char c : text) {
    if (is_blank(c)) {
      gap = !out.empty();
    } else {
      if (gap) out += ' ';
      gap = false;
      out += c;
    }
  }
  return out;
}

// Whether a space-separated list (class, rel, itemprop) has this word.
bool has_word(std::string_view list, std::string_view word) {
  while (!list.empty()) {
    const std::size_t end = std::min(list.find_first_of(" \t\n\r"), list.size());
    if (list.substr(0, end) == word) return true;
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  return false;
}

class Attributes {
 public:
  explicit Attributes(const xmlChar** raw) : raw_(raw) {}

  std::optional<std::string_view> get(std::string_view name) const {
    for (const xmlChar** at = raw_; at != nullptr && *at != nullptr; at += 2) {
      if (name == reinterpret_cast<const char*>(at[0])) {
        return at[1] == nullptr ? std::string_view()
                                : std::string_view(reinterpret_cast<const char*>(at[1]));
      }
    }
    return std::nullopt;
  }
  std::string_view text(std::string_view name) const {
    return get(name).value_or(std::string_view());
  }
  bool any() const { return raw_ != nullptr; }

 private:
  const xmlChar** raw_;
};

enum class Into : std::uint8_t { json_ld, heading, sku, price, availability, property };

// Text being collected until the element it began in ends.
struct Capture {
  Into into = Into::heading;
  std::size_t depth = 0;
  std::string property;
  std::size_t scope = 0;
  std::string text;
};

constexpr std::size_t kNoScope = static_cast<std::size_t>(-1);

// A microdata item while the page is read; assembled into the tree at the end.
struct Scope {
  MicroItem item;
  std::string property;  // of the parent
  std::size_t parent = kNoScope;
};

class Reader {
 public:
  explicit Reader(std::size_t page_bytes) { visible_.reserve(page_bytes / 2); }

  void start(std::string_view name, Attributes attributes) {
    if (elements_.size() >= kMaxElementDepth) {
      ++too_deep_;
      return;
    }
    const Raw raw = name == "script" ? Raw::script : name == "style" ? Raw::style : Raw::no;
    elements_.push_back(
        {raw, raw != Raw::no || name == "noscript", name == "del" || name == "s", kNoScope});
    hidden_ += elements_.back().hidden ? 1 : 0;
    struck_ += elements_.back().struck ? 1 : 0;
    if (name == "script" && attributes.text("type") == "application/ld+json") {
      open(Into::json_ld);
    }
    if (name == "h1" && facts_.plain.heading.empty()) open(Into::heading);
    if (!attributes.any()) return;
    if (name == "a" || name == "area") add_link(attributes.text("href"));
    if (name == "link") link_element(attributes);
    if (name == "base" && facts_.base.empty()) facts_.base = attributes.text("href");
    if (name == "meta" && attributes.text("property") == "og:url" && facts_.canonical.empty()) {
      facts_.canonical = attributes.text("content");
    }
    microdata(name, attributes);
    plain(name, attributes);
  }

  void end() {
    if (too_deep_ > 0) {
      --too_deep_;
      return;
    }
    if (elements_.empty()) return;
    const std::size_t depth = elements_.size();
    while (!captures_.empty() && captures_.back().depth >= depth) {
      close(std::move(captures_.back()));
      captures_.pop_back();
    }
    hidden_ -= elements_.back().hidden ? 1 : 0;
    struck_ -= elements_.back().struck ? 1 : 0;
    if (elements_.back().scope != kNoScope) scope_ = scopes_[elements_.back().scope].parent;
    elements_.pop_back();
    gap_ = true;
  }

  void characters(std::string_view text) {
    for (Capture& capture : captures_) {
      const bool wanted = capture.into == Into::json_ld ? hidden_ > 0 : hidden_ == 0;
      if (wanted && capture.text.size() < kMaxCaptureBytes) capture.text += text;
    }
    if (hidden_ > 0) return;
    for (std::size_t at = 0; at < text.size();) {
      if (is_blank(text[at])) {
        gap_ = true;
        ++at;
        continue;
      }
      const std::size_t begin = at;
      while (at < text.size() && !is_blank(text[at])) ++at;
      if (gap_) visible_ += ' ';
      gap_ = false;
      visible_.append(text, begin, at - begin);
    }
  }

  // Inside a script or style element whose text nobody here looks at: the beginning of the tag that
  // ends it, else "".
  std::string_view ignored_until() const {
    if (too_deep_ > 0 || elements_.empty()) return {};
    const bool wanted = !captures_.empty() && captures_.back().into == Into::json_ld;
    if (wanted || elements_.back().raw == Raw::no) return {};
    return elements_.back().raw == Raw::script ? "</script" : "</style";
  }

  HtmlFacts finish() {
    while (!elements_.empty()) end();
    // Children come after their parents, so going backwards completes each before it moves.
    for (std::size_t i = scopes_.size(); i-- > 0;) {
      Scope& scope = scopes_[i];
      std::reverse(scope.item.children.begin(), scope.item.children.end());
      if (scope.parent != kNoScope && !scope.property.empty()) {
        scopes_[scope.parent].item.children.push_back({scope.property, std::move(scope.item)});
      } else {
        facts_.items.push_back(std::move(scope.item));
      }
    }
    std::reverse(facts_.items.begin(), facts_.items.end());
    facts_.text = digest_of(visible_);
    return std::move(facts_);
  }

 private:
  enum class Raw : std::uint8_t { no, script, style };
  struct Element {
    Raw raw = Raw::no;
    bool hidden = false;
    bool struck = false;
    std::size_t scope = kNoScope;  // the microdata item this element opened
  };

  void open(Into into, std::string_view property = {}) {
    captures_.push_back({into, elements_.size(), std::string(property), scope_, {}});
  }

  void close(Capture capture) {
    if (capture.into == Into::json_ld) {
      if (facts_.json_ld.size() < 64) facts_.json_ld.push_back(std::move(capture.text));
      return;
    }
    std::string text = folded(capture.text);
    switch (capture.into) {
      case Into::heading:
        facts_.plain.heading = std::move(text);
        break;
      case Into::sku:
        facts_.plain.sku = std::move(text);
        break;
      case Into::price:
        facts_.plain.price = std::move(text);
        break;
      case Into::availability:
        facts_.plain.availability = std::move(text);
        break;
      case Into::property:
        scopes_[capture.scope].item.properties.emplace_back(capture.property, std::move(text));
        break;
      case Into::json_ld:
        break;
    }
  }

  void add_link(std::string_view href) {
    if (!href.empty() && facts_.links.size() < kMaxLinksPerPage) facts_.links.emplace_back(href);
  }

  void link_element(const Attributes& attributes) {
    const std::string_view rel = attributes.text("rel");
    // A canonical link is worth more than og:url, wherever the two stand.
    if (has_word(rel, "canonical")) facts_.canonical = attributes.text("href");
    if (has_word(rel, "next")) add_link(attributes.text("href"));
  }

  void microdata(std::string_view name, const Attributes& attributes) {
    const std::string_view property = attributes.text("itemprop");
    if (attributes.get("itemscope") && scopes_.size() < kMaxMicroItems) {
      Scope scope;
      scope.item.type = attributes.text("itemtype");
      scope.property = property.substr(0, property.find(' '));
      scope.parent = scope_;
      scopes_.push_back(std::move(scope));
      scope_ = scopes_.size() - 1;
      elements_.back().scope = scope_;
      return;
    }
    if (property.empty() || scope_ == kNoScope) return;
    const auto given = value_attribute(name, attributes);
    std::string_view rest = property;
    while (!rest.empty()) {
      const std::size_t end = std::min(rest.find(' '), rest.size());
      const std::string_view word = rest.substr(0, end);
      rest.remove_prefix(std::min(end + 1, rest.size()));
      if (word.empty()) continue;
      if (given) {
        scopes_[scope_].item.properties.emplace_back(word, folded(*given));
      } else {
        open(Into::property, word);
      }
    }
  }

  // Where the HTML standard says that an element keeps its property's value.
  static std::optional<std::string_view> value_attribute(std::string_view name,
                                                         const Attributes& attributes) {
    if (const auto content = attributes.get("content")) return content;
    if (name == "a" || name == "link" || name == "area") return attributes.text("href");
    if (name == "img" || name == "source" || name == "iframe") return attributes.text("src");
    if (name == "data" || name == "meter") return attributes.text("value");
    return std::nullopt;
  }

  void plain(std::string_view name, const Attributes& attributes) {
    const std::string_view classes = attributes.text("class");
    const std::string_view id = attributes.text("id");
    if (classes.empty() && id.empty()) return;
    const auto called = [&](std::string_view word) {
      return id == word || has_word(classes, word);
    };
    PlainFacts& facts = facts_.plain;
    if (name == "img") {
      if (facts.image.empty() && (called("product-image") || called("main-image"))) {
        facts.image = attributes.text("src");
      }
      return;
    }
    const bool old = struck_ > 0 || called("old") || called("was") || called("old-price");
    if (facts.price.empty() && !old && (called("price") || called("product-price"))) {
      open(Into::price);
    }
    if (facts.sku.empty() && (called("sku") || called("article-number"))) open(Into::sku);
    if (facts.availability.empty() && (called("availability") || called("stock"))) {
      open(Into::availability);
    }
  }

  HtmlFacts facts_;
  std::vector<Element> elements_;
  std::size_t too_deep_ = 0;
  std::uint32_t hidden_ = 0;
  std::uint32_t struck_ = 0;
  std::vector<Capture> captures_;
  std::vector<Scope> scopes_;
  std::size_t scope_ = kNoScope;
  std::string visible_;
  bool gap_ = false;
};

void on_start(void* user, const xmlChar* name, const xmlChar** attributes) {
  static_cast<Reader*>(user)->start(reinterpret_cast<const char*>(name), Attributes(attributes));
}
void on_end(void* user, const xmlChar*) {
  static_cast<Reader*>(user)->end();
}
void on_characters(void* user, const xmlChar* text, int count) {
  static_cast<Reader*>(user)->characters(
      {reinterpret_cast<const char*>(text), static_cast<std::size_t>(count)});
}

// Where the next tag ends that seems to open a script or style element; the end of all when there
// is none. Whether it does (and not in a comment, say), the parser decides.
std::size_t behind_raw_tag(std::string_view html) {
  for (std::size_t at = html.find('<'); at != html.npos; at = html.find('<', at + 1)) {
    const std::string_view name = html.substr(at + 1);
    if (starts_with_word(name, "script") || starts_with_word(name, "style")) {
      const std::size_t end = html.find('>', at);
      return end == html.npos ? html.size() : end + 1;
    }
  }
  return html.size();
}

std::size_t find_tag(std::string_view html, std::string_view tag) {
  std::size_t at = html.find('<');
  while (at != html.npos && !starts_with_word(html.substr(at), tag)) at = html.find('<', at + 1);
  return std::min(at, html.size());
}

// Most of many pages is text of scripts and style sheets. The parser looks at every character of
// it, so such text is left out, once the parser has said that it is inside one.
void feed(htmlParserCtxtPtr parser, const Reader& reader, std::string_view html) {
  while (!html.empty()) {
    const std::size_t end = behind_raw_tag(html);
    htmlParseChunk(parser, html.data(), static_cast<int>(end), 0);
    html.remove_prefix(end);
    const std::string_view tag = reader.ignored_until();
    if (!tag.empty()) html.remove_prefix(find_tag(html, tag));
  }
  htmlParseChunk(parser, nullptr, 0, 1);
}

}  // namespace

std::string_view MicroItem::value(std::string_view property) const {
  for (const auto& [name, text] : properties) {
    if (name == property) return text;
  }
  return {};
}

const MicroItem* MicroItem::child(std::string_view property) const {
  for (const auto& [name, item] : children) {
    if (name == property) return &item;
  }
  return nullptr;
}

HtmlFacts read_html(std::string_view utf8) {
  Reader reader(utf8.size());
  if (utf8.empty()) return reader.finish();
  htmlSAXHandler events{};
  events.startElement = &on_start;
  events.endElement = &on_end;
  events.characters = &on_characters;
  events.cdataBlock = &on_characters;
  events.ignorableWhitespace = &on_characters;
  htmlParserCtxtPtr parser =
      htmlCreatePushParserCtxt(&events, &reader, nullptr, 0, nullptr, XML_CHAR_ENCODING_UTF8);
  if (parser == nullptr) return reader.finish();
  htmlCtxtUseOptions(
      parser, HTML_PARSE_NOERROR | HTML_PARSE_NOWARNING | HTML_PARSE_NONET | HTML_PARSE_IGNORE_ENC);
  feed(parser, reader, utf8);
  if (parser->myDoc != nullptr) xmlFreeDoc(parser->myDoc);
  htmlFreeParserCtxt(parser);
  return reader.finish();
}

}  // namespace bourse::crawler
