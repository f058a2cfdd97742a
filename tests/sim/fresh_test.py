"""Seeds that nobody has run before. The first is drawn and printed; a failure names its seed."""

import os
import unittest

from sim_case import SimCase

SECONDS = float(os.environ.get("BOURSE_SIM_SECONDS", "45"))


class FreshSeedsTest(SimCase):
    def test_every_promise_is_kept_under_fresh_seeds_and_one_of_twenty_runs_the_same_twice(self):
        said = self.kept("--seconds", SECONDS)
        print(
            f"{said['seeds']} seeds from {said['first_seed']}, {said['simulated_seconds']} s "
            f"simulated, {said['seeds_per_minute_per_core']} seeds a minute on one core",
            flush=True,
        )
        self.assertGreater(said["seeds"], 0)
        if said["seeds"] >= 20:
            self.assertGreater(said["seeds_run_twice"], 0)


if __name__ == "__main__":
    unittest.main()
