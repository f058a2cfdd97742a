// The commands of `bourse`. Each parses its own flags, prints, and returns the exit code: 0 done,
// 1 it could not (one sentence on stderr), 2 wrong usage.
#pragma once

#include <string>
#include <vector>

namespace bourse::cli {

using Arguments = std::vector<std::string>;  // after the command's name

int state_command(const Arguments& arguments);
int agents_command(const Arguments& arguments);
int frameworks_command(const Arguments& arguments);
int why_command(const Arguments& arguments);
int tasks_command(const Arguments& arguments);
int logs_command(const Arguments& arguments);
int exec_command(const Arguments& arguments);
// drain, deactivate, reactivate, gone: the first of the arguments of `agents`.
bool is_upkeep(const std::string& word);
int upkeep_command(const Arguments& arguments);
int kill_command(const Arguments& arguments);
int teardown_command(const Arguments& arguments);
int crawl_command(const Arguments& arguments);
int registry_command(const Arguments& arguments);
int app_command(const Arguments& arguments);
int replay_command(const Arguments& arguments);
int quota_command(const Arguments& arguments);        // list, get, set, remove
int weight_command(const Arguments& arguments);       // list, set
int maintenance_command(const Arguments& arguments);  // schedule, status, start, stop
int reserve_command(const Arguments& arguments);
int unreserve_command(const Arguments& arguments);
int volume_command(const Arguments& arguments);  // list, create, destroy, grow, shrink
int operations_command(const Arguments& arguments);

}  // namespace bourse::cli
