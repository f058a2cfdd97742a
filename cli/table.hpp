// Table: rows of text in columns as wide as they need, for a terminal. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace bourse::cli {

class Table {
 public:
  // A name that starts with '>' is right-aligned (numbers).
  explicit Table(std::vector<std::string> columns);
  void add(std::vector<std::string> row);
  // Header and rows, all of it printable.
  std::string text() const;
  bool empty() const { return rows_.empty(); }

 private:
  std::vector<std::string> columns_;
  std::vector<bool> right_;
  std::vector<std::vector<std::string>> rows_;
};

// Control characters become '?': no name that somebody chose can drive the terminal.
std::string printable(std::string text);
// "1.5", "12.3 GB"
std::string amount_text(double value);
std::string megabytes_text(double megabytes);
// What people call agents, by id: the host, with the port where several share it, and the id where
// even that says nothing.
struct AgentPlace {
  std::string id;
  std::string host;
  int port = 0;
};
std::map<std::string, std::string> agent_names(const std::vector<AgentPlace>& agents);
// "3s", "4m", "2h", "5d" since then.
std::string age_text(std::int64_t since_ns, std::int64_t now_ns);

}  // namespace bourse::cli
