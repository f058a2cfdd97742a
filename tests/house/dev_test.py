"""./dev: a refusal is one sentence that says what and what to do; results are counted rightly."""

import os
import pathlib
import runpy
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest
import unittest.mock

from local_case import LocalCase
from planted import ROOT

from local_cluster import processes

sys.path.insert(0, str(ROOT / "tools/dev"))

import build
import machine
import programs
import suites

STUBS = {
    "dpkg-query": "#!/bin/sh\necho 'installed git'\n",
    "sudo": "#!/bin/sh\nexit 1\n",
    "id": "#!/bin/sh\necho 1000\n",
    "apt-get": "#!/bin/sh\necho called $* >>$CALLS\n",
    "df": "#!/bin/sh\necho head\necho / 9 9 90000000 1% /\n",
}


class SetupTest(unittest.TestCase):
    """tools/setup.sh on machines made of stubs."""

    def setUp(self):
        self.box = pathlib.Path(tempfile.mkdtemp(prefix="setup-"))
        self.addCleanup(shutil.rmtree, self.box)
        (self.box / "tools").mkdir()
        (self.box / "tools/packages.txt").write_text("# why\ngit\ncmake ninja-build # two\n")
        self.stub(**STUBS)

    def stub(self, **programs):
        directory = self.box / "bin"
        directory.mkdir(exist_ok=True)
        for name, text in programs.items():
            (directory / name).write_text(text)
            (directory / name).chmod(0o755)

    def start_setup(self):
        script = f"root={self.box}; . {ROOT}/tools/setup.sh; check_system() {{ :; }}"
        script += "; setup_packages"
        environment = {
            "PATH": f"{self.box}/bin:/usr/bin:/bin",
            "CALLS": str(self.box / "calls"),
            "TMPDIR": str(self.box),
        }
        return subprocess.Popen(
            ["bash", "-c", script],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )

    def run_setup(self):
        child = self.start_setup()
        out, errors = child.communicate()
        return subprocess.CompletedProcess(child.args, child.returncode, out, errors)

    def one_sentence(self, done, *parts):
        self.assertEqual(done.returncode, 1, done.stderr)
        said = [line for line in done.stderr.splitlines() if line.startswith("./dev: ")]
        self.assertEqual(len(said), 1, done.stderr)
        for part in parts:
            self.assertIn(part, said[0])

    def test_without_root_it_says_the_exact_command(self):
        done = self.run_setup()
        command = '"apt-get update && apt-get install --no-install-recommends cmake ninja-build"'
        self.one_sentence(done, "needs root", command)

    def test_with_sudo_it_installs_as_root_and_nothing_else_is_done_as_root(self):
        self.stub(
            sudo='#!/bin/sh\necho "sudo $*" >>"$CALLS"\n[ "$1" = -n ] && shift\nexec "$@"\n',
            true="#!/bin/sh\nexit 0\n",
        )
        done = self.run_setup()
        self.assertEqual(done.returncode, 0, done.stderr)
        calls = (self.box / "calls").read_text().splitlines()
        asked = [call for call in calls if call.startswith("sudo ")]
        self.assertEqual(asked[0], "sudo -n true")  # whether it works, before anything is promised
        for call in asked[1:]:
            self.assertRegex(call, "^sudo env DEBIAN_FRONTEND=noninteractive apt-get ")
        self.assertTrue(asked[-1].endswith("install --no-install-recommends cmake ninja-build"))
        direct = [call for call in calls if not call.startswith("sudo ")]
        self.assertEqual(len(direct), len(asked) - 1)  # every apt-get went through it

    def test_with_everything_installed_it_does_nothing(self):
        self.stub(**{"dpkg-query": "#!/bin/sh\nprintf 'installed %s\\n' git cmake ninja-build\n"})
        done = self.run_setup()
        self.assertEqual((done.returncode, done.stdout + done.stderr), (0, ""))
        self.assertFalse((self.box / "calls").exists())

    def test_as_root_it_installs_only_what_is_missing(self):
        self.stub(id="#!/bin/sh\necho 0\n")
        done = self.run_setup()
        self.assertEqual(done.returncode, 0, done.stderr)
        calls = (self.box / "calls").read_text().splitlines()
        self.assertTrue(calls[-1].endswith("install --no-install-recommends cmake ninja-build"))

    def test_a_full_disk_is_said_before_installing(self):
        self.stub(id="#!/bin/sh\necho 0\n", df="#!/bin/sh\necho head\necho / 9 9 90000 1% /\n")
        self.one_sentence(self.run_setup(), "87 MB are free", "free some space")
        self.assertFalse((self.box / "calls").exists())

    def test_a_failed_install_is_explained(self):
        self.stub(id="#!/bin/sh\necho 0\n")
        for words, said in {
            "Failed to fetch x": "check the network",
            "No space left on device": "the disk is full",
            "E: Unable to locate package cmake": "does not offer package cmake",
        }.items():
            with self.subTest(words):
                self.stub(**{"apt-get": f"#!/bin/sh\necho '{words}'\nexit 100\n"})
                self.one_sentence(self.run_setup(), said)

    def test_an_interruption_while_packages_install_ends_it_once_apt_get_has_ended(self):
        stopping = '#!/bin/sh\ntrap "echo ended >>$CALLS; exit 100" INT\n'
        forever = 'echo "called $*" >>$CALLS\nwhile :; do sleep 0.1; done\n'
        self.stub(id="#!/bin/sh\necho 0\n", **{"apt-get": stopping + forever})
        calls = self.box / "calls"
        child = self.start_setup()
        self.assertTrue(processes.wait_until(
            lambda: calls.exists() and "called" in calls.read_text(), 20))
        before = calls.read_text().splitlines()
        os.killpg(child.pid, signal.SIGINT)  # what Ctrl-C does: to everybody in the foreground
        try:
            _, errors = child.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            raise
        self.assertEqual(child.returncode, 130, errors)
        self.assertEqual(calls.read_text().splitlines(), [*before, "ended"])  # and not tried again
        self.assertIn("./dev: interrupted while packages were installed: run it again.", errors)

    def fetch_kernel(self):
        script = f"root={self.box}; . {ROOT}/tools/setup.sh; setup_kernel"
        environment = {"PATH": f"{self.box}/bin:/usr/bin:/bin", "CALLS": str(self.box / "calls"),
                       "TMPDIR": str(self.box)}
        return subprocess.run(["bash", "-c", script], env=environment, capture_output=True,
                              text=True, stdin=subprocess.DEVNULL, timeout=20)

    def test_the_kernel_of_the_emulated_machine_is_fetched_once_and_never_installed(self):
        unpack = '#!/bin/sh\nmkdir -p "$3/boot" && echo kernel >"$3/boot/vmlinuz-6.1"\n'
        self.stub(**{
            "apt-cache": "#!/bin/sh\necho '  Depends: linux-image-6.1-cloud-amd64'\n",
            "apt-get": '#!/bin/sh\necho "$*" >>$CALLS\n>"$3.deb"\n', "dpkg": unpack})
        for _ in range(2):
            done = self.fetch_kernel()
            self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual((self.box / "build/cgroup2-vmlinuz").read_text(), "kernel\n")
        self.assertEqual((self.box / "calls").read_text(),
                         "-q download linux-image-6.1-cloud-amd64\n")
        self.assertEqual(list(self.box.glob("dev-kernel*")), [])

    def test_a_kernel_that_cannot_be_fetched_is_one_sentence(self):
        self.stub(**{"apt-cache": "#!/bin/sh\nexit 1\n"})
        self.one_sentence(self.fetch_kernel(), "process.cgroup2 cannot run: check the network",
                          "./dev setup")
        self.assertEqual(list(self.box.glob("dev-kernel*")), [])

    def test_another_system_is_refused_by_name(self):
        script = f'. {ROOT}/tools/setup.sh; [() {{ false; }}; check_system'
        done = subprocess.run(["bash", "-c", script], capture_output=True, text=True)
        self.one_sentence(done, "Debian 12", "BOURSE_SKIP_SETUP=1")


class MachineTest(unittest.TestCase):
    def test_too_little_memory_is_said(self):
        with unittest.mock.patch("machine.memory_available_bytes", return_value=600 << 20):
            with self.assertRaisesRegex(machine.Refusal, "600 MB are free: close programs"):
                machine.build_jobs()

    def test_jobs_follow_memory_and_cores(self):
        with unittest.mock.patch("machine.cores", return_value=8):
            for gigabytes, jobs in ((2, 1), (4, 3), (100, 8)):
                size = unittest.mock.patch(
                    "machine.memory_available_bytes", return_value=gigabytes << 30
                )
                with size:
                    self.assertEqual(machine.build_jobs(), jobs)

    def test_a_full_disk_is_said(self):
        usage = unittest.mock.Mock(free=100 << 20)
        with unittest.mock.patch("shutil.disk_usage", return_value=usage):
            with self.assertRaisesRegex(machine.Refusal, "100 MB are free: free some space"):
                machine.check_disk(pathlib.Path("/nonexistent"))

    def test_an_old_compiler_is_said(self):
        with tempfile.TemporaryDirectory() as directory:
            old = pathlib.Path(directory, "old-compiler")
            old.write_text("#!/bin/sh\necho 10.2.1\n")
            old.chmod(0o755)
            with unittest.mock.patch.dict("os.environ", CXX=str(old)):
                with self.assertRaisesRegex(machine.Refusal, "10.2.1.*needs g[+][+] 12"):
                    machine.check_compiler("release")

    def test_a_build_that_filled_the_disk_or_the_memory_says_so(self):
        with tempfile.TemporaryDirectory() as directory:
            log = pathlib.Path(directory, "build.log")
            for words, said in {
                "fatal error: x.o: No space left on device": "the disk is full",
                "g++: fatal error: Killed signal terminated program cc1plus": "ran out of memory",
            }.items():
                log.write_text(words)
                with self.assertRaisesRegex(machine.Refusal, said):
                    build.explain(log, "building")

    def test_an_unknown_verb_is_one_sentence(self):
        done = subprocess.run(
            [sys.executable, "-B", str(ROOT / "tools/dev"), "dance"], capture_output=True, text=True
        )
        self.assertEqual(done.returncode, 2)
        self.assertEqual(done.stderr, './dev: there is no verb "dance": ./dev help lists them.\n')


class SuitesTest(unittest.TestCase):
    def test_cases_are_counted_as_the_programs_report_them(self):
        catch = "All tests passed (10 assertions in 3 test cases)\n"
        mixed = "test cases:  5 |  3 passed | 2 failed\nassertions: 9 | 7 passed | 2 failed\n"
        python = "Ran 4 tests in 0.1s\n\nFAILED (failures=1, skipped=1)\n"
        self.assertEqual(suites.count_cases(catch, True), (3, 0))
        self.assertEqual(suites.count_cases(mixed, False), (3, 2))
        self.assertEqual(suites.count_cases(python, False), (2, 1))
        self.assertEqual(suites.count_cases("anything", True), (1, 0))
        self.assertEqual(suites.count_cases("killed", False), (0, 1))

    def test_a_program_that_fails_after_its_cases_passed_counts_as_failed(self):
        catch = "All tests passed (10 assertions in 3 test cases)\n==1==ERROR: LeakSanitizer\n"
        self.assertEqual(suites.count_cases(catch, False), (3, 1))

    def test_a_test_that_the_report_does_not_mention_failed(self):
        suite = suites.Suite("unit", 10, {"unit.a": ["a"]})
        outcomes = suites.read_outcomes(pathlib.Path("/nonexistent"), suite, "the limit ended")
        self.assertEqual([(o.failed, o.output) for o in outcomes], [(1, "the limit ended")])

    def test_a_wrong_suite_name_is_told_the_right_ones(self):
        known = [suites.Suite("unit", 10, {"unit.base": []})]
        self.assertEqual(len(suites.select(known, ["unit.base"])), 1)
        with self.assertRaisesRegex(machine.Refusal, "the suites are unit"):
            suites.select(known, ["units"])

    def test_a_wrong_suite_name_is_refused_before_anything_is_built(self):
        with tempfile.TemporaryDirectory() as directory:
            listed = 'add_test(unit.base "true")\n'
            listed += 'set_tests_properties(unit.base PROPERTIES LABELS "unit")\n'
            pathlib.Path(directory, "CTestTestfile.cmake").write_text(listed)
            configured = []
            with unittest.mock.patch("build.build_dir", lambda _preset: pathlib.Path(directory)), \
                    unittest.mock.patch("build.build") as built, \
                    unittest.mock.patch("build.run_logged", lambda *_: configured.append(1)):
                verbs = runpy.run_path(str(ROOT / "tools/dev/__main__.py"))
                with self.assertRaisesRegex(machine.Refusal, "units.: the suites are unit"):
                    verbs["verb_test"](["units"])
        self.assertEqual(len(configured), 2)  # the name may be that of a test that is new
        built.assert_not_called()


RUN = """
import pathlib, sys
sys.path[:0] = [{tools!r} + "/dev", {tools!r}]
import build, suites
build.build_dir = lambda preset: pathlib.Path({build!r})
suites.load_suites = lambda: ({{"unit": suites.Suite("unit", {limit})}}, 60)
sys.exit(suites.run("release", []))
"""


DEV = """
import pathlib, runpy, sys
sys.path[:0] = [{tools!r} + "/dev", {tools!r}]
import build
build.build_dir = lambda preset: pathlib.Path({build!r})
sys.argv = ["dev", "demo", "--port=0"]
runpy.run_path({tools!r} + "/dev/__main__.py", run_name="__main__")
"""


# As CMake writes it where sources are found by globs: to look at them is always to be done.
GLOBBED = """
rule look
 command = true
 generator = 1
 restat = 1
rule configure
 command = touch build.ninja
 generator = 1
rule compile
 command = touch $out
build look_always | stamp: look
build build.ninja: configure stamp
build program: compile source
default program
"""


class LittleRoomTest(unittest.TestCase):
    """A machine with too little memory or disk to build on."""

    def setUp(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="built-"))
        self.addCleanup(shutil.rmtree, self.directory)
        for name, text in (("source", ""), ("stamp", ""), ("build.ninja", GLOBBED)):
            (self.directory / name).write_text(text)
        for what, value in (("build.build_dir", lambda _preset: self.directory),
                            ("build.check_disk", lambda _directory: None),
                            ("machine.memory_available_bytes", lambda: 600 << 20)):
            patch = unittest.mock.patch(what, value)
            patch.start()
            self.addCleanup(patch.stop)

    def test_what_is_built_already_runs_however_little_memory_is_free(self):
        with self.assertRaisesRegex(machine.Refusal, "600 MB are free"):
            build.build("release")
        subprocess.run(["ninja", "-C", self.directory], check=True, capture_output=True)
        build.build("release")
        build.build("release", ["program"])
        (self.directory / "source").touch()
        os.utime(self.directory / "source", (2e9, 2e9))
        with self.assertRaisesRegex(machine.Refusal, "600 MB are free"):
            build.build("release", ["program"])


class BenchWordsTest(unittest.TestCase):
    found = {"allocation-cycle": [], "failover": []}

    def test_the_name_of_a_bench_may_stand_before_between_and_after_the_flags(self):
        for words in (("failover", "--json", "--kills", "5"),
                      ("--json", "failover", "--kills", "5"),
                      ("--json", "--kills", "5", "failover")):
            names, flags = programs.split_words(words, self.found)
            self.assertEqual((names, flags), (["failover"], ["--json", "--kills", "5"]))

    def test_a_word_that_is_no_bench_and_no_value_is_told_the_benches(self):
        for words in (("failure",), ("--json", "failure"), ("--kills=5", "failure"),
                      ("--kills", "5", "failure")):
            with self.assertRaisesRegex(machine.Refusal, 'no bench is called "failure": there are '
                                        "allocation-cycle, failover"):
                programs.split_words(words, self.found)

    def test_a_check_of_goals_is_asked_of_each_bench_and_one_that_fails_fails_it(self):
        asked = []

        def run(command, **_):
            asked.append((command, os.environ.get("BOURSE_BENCH_CHECK")))
            return subprocess.CompletedProcess(command, 1 if command[0] == "b" else 0)

        with unittest.mock.patch.dict(os.environ), \
                unittest.mock.patch("programs.with_quiet_build"), \
                unittest.mock.patch("programs.benches", lambda: {"a": ["a"], "b": ["b"]}), \
                unittest.mock.patch("programs.subprocess.run", run):
            self.assertEqual(programs.bench(["a", "--json"]), 0)
            self.assertEqual(programs.bench(["--check", "--quick"]), 1)
        self.assertEqual(asked, [(["a", "--json"], None), (["a", "--quick"], "1"),
                                 (["b", "--quick"], "1")])


class InterruptedBuildTest(unittest.TestCase):
    """./dev demo, interrupted while ninja and a compiler (which only sleeps) are at work."""

    def interrupt(self, nap, end):
        with tempfile.TemporaryDirectory() as directory:
            rules = f"rule slow\n command = sleep {nap}\nbuild programs: slow\n"
            pathlib.Path(directory, "build.ninja").write_text(rules)
            script = DEV.format(tools=str(ROOT / "tools"), build=directory)
            child = subprocess.Popen(
                [sys.executable, "-B", "-c", script],
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL,
                text=True, start_new_session=True)
            self.assertTrue(processes.wait_until(lambda: LocalCase.sleepers(nap), 20))
            end(child.pid)
            _, err = child.communicate(timeout=20)
        self.assertEqual((child.returncode, err), (130, ""))
        self.assertTrue(processes.wait_until(lambda: not LocalCase.sleepers(nap), 5))

    def test_an_interruption_while_it_builds_leaves_no_compiler_running(self):
        nap = str(220000 + os.getpid())
        for name, end in {
            "Ctrl-C, which a terminal sends to the whole group": lambda pid: os.killpg(
                pid, signal.SIGINT),
            "an interrupt of ./dev alone": lambda pid: os.kill(pid, signal.SIGINT),
            "a request to end": lambda pid: os.kill(pid, signal.SIGTERM),
        }.items():
            with self.subTest(name):
                self.interrupt(nap, end)


class RunTest(unittest.TestCase):
    """./dev test over a hand-written list of tests."""

    def run_tests(self, limit_s=60, program="sh", **tests):
        with tempfile.TemporaryDirectory() as directory:
            lines = []
            for name, script in tests.items():
                lines.append(f'add_test(unit.{name} "{program}" "-c" "{script}")')
                lines.append(f'set_tests_properties(unit.{name} PROPERTIES LABELS "unit")')
            pathlib.Path(directory, "CTestTestfile.cmake").write_text("\n".join(lines))
            script = RUN.format(tools=str(ROOT / "tools"), build=directory, limit=limit_s)
            # The failing test's log is named relative to the checkout.
            script = script.replace("import build, suites", "import build, suites, machine")
            script = script.replace("sys.exit", f"suites.ROOT = {directory!r}\nsys.exit")
            return subprocess.run(
                [sys.executable, "-B", "-c", script], capture_output=True, text=True, timeout=50
            )

    def test_the_last_line_counts_and_the_exit_status_follows(self):
        done = self.run_tests(a="true", b="true")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(done.stdout.splitlines()[-1], "2 passed, 0 failed")

    def test_a_failure_is_shown_with_its_output_and_how_to_run_it_again(self):
        done = self.run_tests(a="echo silent; true", b="echo the reason; false")
        self.assertEqual(done.returncode, 1)
        self.assertEqual(done.stdout.splitlines()[-1], "1 passed, 1 failed")
        self.assertIn("FAILED unit.b", done.stdout)
        self.assertIn("the reason", done.stdout)
        self.assertIn("again:    ./dev test unit.b", done.stdout)
        self.assertNotIn("silent", done.stdout)

    def test_a_test_whose_program_is_not_there_fails_and_is_not_called_skipped(self):
        done = self.run_tests(program="/nowhere/to-be-found", a="true")
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertEqual(done.stdout.splitlines()[-1], "0 passed, 1 failed")
        self.assertIn("Unable to find executable: /nowhere/to-be-found", done.stdout)

    def test_each_suite_prints_its_time_and_its_limit(self):
        done = self.run_tests(a="true")
        self.assertRegex(
            done.stdout, r"(?m)^unit +took \d+[.]\d s \(limit 60 s\): 1 passed, 0 failed$")
        self.assertRegex(done.stdout, r"(?m)^all suites took \d+ min \d+ s\n1 passed, 0 failed$")

    def test_a_suite_that_reaches_its_limit_is_ended_and_fails(self):
        nap = 300000 + os.getpid()
        done = self.run_tests(limit_s=2, a=f"sleep {nap}")
        self.assertEqual(done.stdout.splitlines()[-1], "0 passed, 1 failed")
        self.assertIn("the suite's limit of 2 s ended before this test did", done.stdout)
        self.assert_no_sleeper(nap)

    def test_a_test_that_leaves_a_process_behind_fails_its_suite(self):
        nap = 400000 + os.getpid()
        done = self.run_tests(a=f"setsid --fork sleep {nap} >/dev/null 2>&1")
        self.assertEqual(done.stdout.splitlines()[-1], "1 passed, 1 failed")
        self.assertIn("left processes running", done.stdout)
        self.assert_no_sleeper(nap)

    def assert_no_sleeper(self, nap):
        self.assertEqual(LocalCase.sleepers(str(nap)), [])


if __name__ == "__main__":
    unittest.main()
