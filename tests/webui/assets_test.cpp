// The embedded files of the web UI, as the master will serve them.

#include "webui/assets.hpp"

#include <catch2/catch.hpp>

#include <string>

namespace bourse::webui {
namespace {

TEST_CASE("the embedded pages have an index that is found under the root path") {
  const Asset* index = find_asset("/");
  REQUIRE(index != nullptr);
  CHECK(index->path == "/index.html");
  CHECK(index->content_type == "text/html; charset=utf-8");
  CHECK(index == find_asset("/index.html"));
  CHECK_FALSE(index->immutable);
  CHECK(find_asset("/nosuch") == nullptr);
  CHECK(find_asset("") == nullptr);
}

TEST_CASE("every file that the index names is embedded") {
  const std::string index{find_asset("/")->bytes};
  std::size_t named = 0;
  for (std::size_t at = index.find("\"./"); at != std::string::npos;
       at = index.find("\"./", at + 1)) {
    const std::string path = index.substr(at + 2, index.find('"', at + 1) - at - 2);
    INFO(path);
    CHECK(find_asset(path) != nullptr);
    ++named;
  }
  CHECK(named >= 3);  // script, style, icon
}

TEST_CASE("embedded assets are sorted, typed, tagged and gzip is smaller where it is present") {
  std::string_view before;
  std::size_t transferred = 0;
  for (const Asset& asset : assets()) {
    INFO(asset.path);
    CHECK(before < asset.path);
    before = asset.path;
    CHECK_FALSE(asset.content_type.empty());
    CHECK_FALSE(asset.bytes.empty());
    CHECK(asset.etag.size() == 22);
    CHECK(asset.etag.front() == '"');
    CHECK(asset.immutable == (asset.path.substr(0, 8) == "/assets/"));
    if (!asset.gzip_bytes.empty()) {
      CHECK(asset.gzip_bytes.size() < asset.bytes.size());
      CHECK(asset.gzip_bytes.substr(0, 2) == "\x1f\x8b");
    }
    transferred += asset.gzip_bytes.empty() ? asset.bytes.size() : asset.gzip_bytes.size();
  }
  CHECK(transferred < 150'000);  // the whole UI as it crosses the wire, the font included
}

TEST_CASE("the embedded index needs nothing inline, so the content security policy can be strict") {
  const std::string_view index = find_asset("/")->bytes;
  CHECK(index.find("<script>") == std::string_view::npos);
  CHECK(index.find("<style") == std::string_view::npos);
  CHECK(index.find(" style=") == std::string_view::npos);
  CHECK(index.find(" onload=") == std::string_view::npos);
  CHECK(kContentSecurityPolicy.find("unsafe") == std::string_view::npos);
}

}  // namespace
}  // namespace bourse::webui
