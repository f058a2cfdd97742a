#include "model/maintenance_schedule.hpp"

#include <catch2/catch.hpp>

using namespace bourse;

namespace {

MaintenanceSchedule schedule() {
  return {{{{{"a.example", ""}, {"", "10.0.0.2"}}, {WallTime{200}, Duration::seconds(60)}},
           {{{"a.example", "10.0.0.1"}, {"b.example", "10.0.0.9"}}, {WallTime{100}, std::nullopt}},
           {{{"c.example", ""}}, {WallTime{50}, std::nullopt}}},
          {{"c.example", ""}}};
}

}  // namespace

TEST_CASE("a machine covers the agents of which all that it names is so") {
  const MaintenanceSchedule planned = schedule();
  const ScheduleIndex index(planned);
  struct Case {
    const char* hostname;
    const char* ip;
    std::int64_t start;  // 0: not planned
    bool down;
  };
  for (const Case& one :
       {Case{"A.Example", "10.0.0.1", 100, false},  // the earlier of two windows
        Case{"a.example", "10.0.0.7", 200, false}, Case{"x.example", "10.0.0.2", 200, false},
        Case{"b.example", "10.0.0.9", 100, false}, Case{"b.example", "10.0.0.8", 0, false},
        Case{"x.example", "", 0, false}, Case{"c.example", "10.0.0.3", 0, true},
        Case{"C.example", "10.0.0.2", 200, true}}) {
    INFO(one.hostname << " " << one.ip);
    for (const Planned& found :
         {index.find(one.hostname, one.ip), planned_for(planned, one.hostname, one.ip)}) {
      CHECK((found.unavailability ? found.unavailability->start.ns : 0) == one.start);
      CHECK(found.down == one.down);
    }
  }
}
