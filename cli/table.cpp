#include "cli/table.hpp"

#include <algorithm>
#include <cstdio>

#include "base/assert.hpp"

namespace bourse::cli {

namespace {

// Columns a text takes: bytes that do not continue a UTF-8 character.
std::size_t width_of(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  }));
}

}  // namespace

std::string printable(std::string text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte < 0x20 || byte == 0x7f) text[i] = '?';
    // U+0080 to U+009F: to a terminal some of them begin a command, as ESC [ does.
    if (byte != 0xc2 || i + 1 == text.size()) continue;
    const auto next = static_cast<unsigned char>(text[i + 1]);
    if (next >= 0x80 && next < 0xa0) text.replace(i, 2, "?");
  }
  return text;
}

Table::Table(std::vector<std::string> columns) {
  for (std::string& name : columns) {
    const bool right = !name.empty() && name.front() == '>';
    right_.push_back(right);
    columns_.push_back(right ? name.substr(1) : std::move(name));
  }
}

void Table::add(std::vector<std::string> row) {
  ASSERT(row.size() == columns_.size());
  for (std::string& cell : row) cell = printable(std::move(cell));
  rows_.push_back(std::move(row));
}

std::string Table::text() const {
  std::vector<std::size_t> widths;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    std::size_t width = width_of(columns_[i]);
    for (const auto& row : rows_) width = std::max(width, width_of(row[i]));
    widths.push_back(width);
  }
  std::string out;
  const auto line = [&](const std::vector<std::string>& cells) {
    std::string text;
    for (std::size_t i = 0; i < cells.size(); ++i) {
      const std::string gap(widths[i] - width_of(cells[i]), ' ');
      if (i > 0) text += "  ";
      text += right_[i] ? gap + cells[i] : cells[i] + gap;
    }
    while (!text.empty() && text.back() == ' ') text.pop_back();
    out += text + "\n";
  };
  line(columns_);
  for (const auto& row : rows_) line(row);
  return out;
}

std::string amount_text(double value) {
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, "%.2f", value);
  std::string text = buffer;
  while (text.back() == '0') text.pop_back();
  if (text.back() == '.') text.pop_back();
  return text;
}

std::string megabytes_text(double megabytes) {
  if (megabytes < 1024) return amount_text(megabytes) + " MB";
  if (megabytes < 1024 * 1024) return amount_text(megabytes / 1024) + " GB";
  return amount_text(megabytes / 1024 / 1024) + " TB";
}

std::string age_text(std::int64_t since_ns, std::int64_t now_ns) {
  const std::int64_t seconds = std::max<std::int64_t>(now_ns - since_ns, 0) / 1'000'000'000;
  if (seconds < 120) return std::to_string(seconds) + "s";
  if (seconds < 7200) return std::to_string(seconds / 60) + "m";
  if (seconds < 172'800) return std::to_string(seconds / 3600) + "h";
  return std::to_string(seconds / 86'400) + "d";
}

std::map<std::string, std::string> agent_names(const std::vector<AgentPlace>& agents) {
  const auto with_port = [](const AgentPlace& agent) {
    return agent.port > 0 ? agent.host + ":" + std::to_string(agent.port) : agent.host;
  };
  std::map<std::string, int> hosts;
  std::map<std::string, int> places;
  for (const AgentPlace& agent : agents) {
    ++hosts[agent.host];
    ++places[with_port(agent)];
  }
  std::map<std::string, std::string> out;
  for (const AgentPlace& agent : agents) {
    const std::string place = with_port(agent);
    if (hosts[agent.host] == 1) {
      out[agent.id] = agent.host;
    } else {
      // Several on one port: one that was given up, and who came after it.
      out[agent.id] = places[place] == 1 ? place : agent.host + " " + agent.id;
    }
  }
  return out;
}

}  // namespace bourse::cli
