"""Configures and builds build/<preset>, and prints what each phase took."""

import contextlib
import shutil
import subprocess
import sys
import time

from machine import BUILD, ROOT, Refusal, build_jobs, check_compiler, check_disk


@contextlib.contextmanager
def phase(name):
    started = time.monotonic()
    print(f"{name:<12}", end="", flush=True)
    try:
        yield
    except BaseException:
        print(f"failed after {time.monotonic() - started:.1f} s", flush=True)
        raise
    print(f"took {time.monotonic() - started:.1f} s", flush=True)


def build_dir(preset):
    return BUILD / preset


def explain(log, what):
    """One sentence where the machine, not the code, is at fault; else the first error."""
    text = log.read_text(errors="replace")
    if "No space left on device" in text:
        raise Refusal(
            f"the disk is full: free some space on the disk of {BUILD} (./dev clean removes old "
            "builds) and run it again."
        )
    if "Killed signal terminated program" in text or "out of memory" in text.lower():
        raise Refusal(
            "the compiler ran out of memory: close programs or add memory and run it again."
        )
    lines = text.splitlines()
    marks = ("FAILED:", "CMake Error")
    first = next((i for i, line in enumerate(lines) if any(m in line for m in marks)), 0)
    print("\n".join(lines[first : first + 60]), file=sys.stderr)
    raise Refusal(f"{what} failed; the whole output is in {log.relative_to(ROOT)}.", exit_code=1)


def run_logged(command, log, what):
    with open(log, "w", encoding="utf-8") as output:
        child = start(command, output)
        with ended_with_us(child):
            child.wait()
    if child.returncode != 0:
        explain(log, what)


def start(command, output, **options):
    try:
        return subprocess.Popen(
            command, stdout=output, stderr=subprocess.STDOUT, cwd=ROOT, **options
        )
    except OSError as error:
        raise Refusal(f"{command[0]} could not be started ({error}): ./dev setup installs it.")


@contextlib.contextmanager
def ended_with_us(child):
    """An interrupted build ends ninja in its own way, so that no compiler is left running."""
    try:
        yield
    except BaseException:
        child.terminate()
        child.wait()
        raise


def run_showing_progress(command, log, what):
    """Shows ninja's own last line on a terminal; elsewhere the log alone has it."""
    if not sys.stdout.isatty():
        return run_logged(command, log, what)
    width = shutil.get_terminal_size().columns - 14
    with open(log, "w", encoding="utf-8") as output:
        child = start(command, subprocess.PIPE, text=True)
        with ended_with_us(child):
            for line in child.stdout:
                output.write(line)
                if line.startswith("["):
                    print(f"\r{'building':<12}{line.strip()[:width]}\x1b[K", end="", flush=True)
            child.wait()
    print(f"\r{'building':<12}\x1b[K", end="", flush=True)
    if child.returncode != 0:
        explain(log, what)


def configured(directory):
    """True when the build files are there; ninja itself notices a changed CMakeLists.txt."""
    presets = ROOT / "CMakePresets.json"
    ninja = directory / "build.ninja"
    return ninja.exists() and ninja.stat().st_mtime > presets.stat().st_mtime


def configure(preset, again=False):
    directory = build_dir(preset)
    if configured(directory) and not again:
        return
    check_compiler(preset)
    with phase("configuring"):
        directory.mkdir(parents=True, exist_ok=True)
        run_logged(["cmake", "--preset", preset], directory / "configure.log", "configuring")


def says(command):
    """What a short command says, or "" when it failed: the build itself tells why."""
    child = start(command, subprocess.PIPE, text=True)
    with ended_with_us(child):
        said = child.communicate()[0]
    return said if child.returncode == 0 else ""


def up_to_date(directory, targets):
    """True when ninja has nothing to do, whatever memory and disk there are to do it with."""
    if not configured(directory):
        return False
    # Sources are found by globs, which a dry run takes for changed always. So they are looked at
    # first, and then ninja is asked under a name for its file that it does not know how to make.
    asked = directory / "asked.ninja"
    if not asked.is_symlink():
        asked.symlink_to("build.ninja")
    ninja = ["ninja", "-C", str(directory)]
    if not says([*ninja, "build.ninja"]):
        return False
    return "ninja: no work to do." in says([*ninja, "-f", asked.name, "-n", *targets])


def build(preset, targets=()):
    directory = build_dir(preset)
    if up_to_date(directory, targets):
        with phase("building"):
            return
    check_compiler(preset)
    check_disk(directory)
    jobs = build_jobs()
    configure(preset)
    command = ["ninja", "-C", str(directory), f"-j{jobs}", *targets]
    with phase("building"):
        run_showing_progress(command, directory / "build.log", "building")


def clean():
    if not BUILD.exists():
        return 0
    for name, how in (("cluster", "./dev down first"), ("demo", "end it with Ctrl-C in its "
                      "terminal; if it was killed, ./dev down tidies up after it")):
        if (BUILD / name / "state.json").exists():
            raise Refusal(f"a local {name} is running out of build/: {how}.")
    shutil.rmtree(BUILD)
    return 0
