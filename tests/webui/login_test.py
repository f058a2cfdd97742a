"""The web page of a master that asks for principal and secret, in headless Chromium."""

import json
import os
import pathlib
import subprocess
import sys
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "process"))

from cluster_case import ClusterCase

LIMIT_S = 80


class WebLogin(ClusterCase):
    def test_the_page_asks_for_the_password_and_shows_the_cluster_to_who_has_it(self):
        credentials = self.dir / "credentials"
        credentials.touch(0o600)
        credentials.write_text(json.dumps({"credentials": [
            {"principal": "ops", "secret": "open: sesame"}]}))
        self.start_master("--authenticate-http-readonly", "--authenticate-http-readwrite",
                          f"--credentials={credentials}")
        self.start_agent("a", "--hostname=login.test")
        done = subprocess.run(
            [os.environ["NODE"], "--test", "--test-reporter=tap", str(HERE / "login_test.mjs")],
            cwd=HERE, capture_output=True, text=True, timeout=LIMIT_S,
            env={**os.environ, "BOURSE_URL": f"http://127.0.0.1:{self.http_port}"})
        self.assertEqual(done.returncode, 0, done.stdout[-4000:] + done.stderr[-2000:])
        self.assertIn("# pass 2", done.stdout)


if __name__ == "__main__":
    unittest.main()
