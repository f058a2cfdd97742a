// hello: a whole scheduler. Runs three tasks that say hello, and ends when they have.
//   hello 127.0.0.1:5060
#include <bourse/offer_matcher.hpp>
#include <bourse/scheduler.hpp>
#include <cstdio>

using namespace bourse::sdk;

class Hello : public Scheduler {
 public:
  Hello() {
    for (const char* name : {"one", "two", "three"}) {
      Shape shape;
      shape.task.id = name;
      shape.task.resources.cpu_milli = 100;
      shape.task.resources.memory_mb = 32;
      shape.task.command = Command{.shell = std::string("echo hello from ") + name};
      wanted_.push_back(shape);
    }
  }

  void on_offers(SchedulerDriver& driver, const std::vector<Offer>& offers) override {
    const Plan plan = match(wanted_, offers, {.strategy = Strategy::spread});
    for (const Placement& placement : plan.placements) {
      driver.launch(placement.offer_ids, placement.tasks);
      for (const TaskSpec& task : placement.tasks) {
        std::erase_if(wanted_, [&](const Shape& shape) { return shape.task.id == task.id; });
      }
    }
    driver.decline(plan.unused_offer_ids);
  }

  void on_update(SchedulerDriver& driver, const TaskUpdate& update) override {
    std::printf("%s %s %s\n", update.task_id.c_str(), name_of(update.state),
                update.message.c_str());
    if (is_terminal(update.state) && ++ended_ == 3) driver.stop();
  }

 private:
  std::vector<Shape> wanted_;
  int ended_ = 0;
};

int main(int argc, char** argv) {
  Hello hello;
  SchedulerDriver driver(hello, {.master = argc > 1 ? argv[1] : "127.0.0.1:5060", .name = "hello"});
  if (driver.run()) return 0;
  std::fprintf(stderr, "hello: %s\n", driver.error().c_str());
  return 1;
}
