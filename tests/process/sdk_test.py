"""The SDK as an outside project sees it: installed, found by CMake, compiled against, run."""

import os
import pathlib
import subprocess
import unittest

from cluster_case import ClusterCase

SOURCE = pathlib.Path(os.environ["BOURSE_SOURCE"])
BUILD = pathlib.Path(os.environ["BOURSE_BUILD"])


class InstalledSdk(ClusterCase):
    def run_tool(self, *argv):
        done = subprocess.run([str(a) for a in argv], capture_output=True, text=True, timeout=300)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def test_hello_is_built_against_the_installed_sdk_and_runs(self):
        prefix = self.dir / "prefix"
        self.run_tool("cmake", "--install", BUILD, "--component", "sdk", "--prefix", prefix)
        project = self.dir / "hello"
        self.run_tool("cmake", "-S", SOURCE / "examples/hello", "-B", project,
                      f"-DCMAKE_PREFIX_PATH={prefix}", "-DCMAKE_BUILD_TYPE=Debug")
        self.run_tool("cmake", "--build", project)
        self.start_master()
        self.start_agent()
        self.wait_agents(1)
        out = self.run_tool(project / "hello", f"127.0.0.1:{self.link_port}")
        self.assertEqual(out.count("TASK_FINISHED"), 3, out)


if __name__ == "__main__":
    unittest.main()
