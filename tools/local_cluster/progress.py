"""A progress line on a terminal, a line now and then where there is none."""

import shutil
import sys
import time

BAR_COLUMNS = 24
QUIET_INTERVAL_S = 10


class Progress:
    """Draws what the crawler reports: items of those expected, pages a second, errors, stages."""

    def __init__(self, expected, stream):
        self.expected = max(expected, 1)
        self.stream = stream
        self.terminal = stream.isatty()
        self.started = time.monotonic()
        self.last_quiet = self.started

    def show(self, report):
        now = time.monotonic()
        if not self.terminal and now - self.last_quiet < QUIET_INTERVAL_S:
            return
        self.last_quiet = now
        text = self.line(report, now - self.started)
        if self.terminal:
            width = shutil.get_terminal_size().columns - 1
            self.stream.write(f"\r{text[:width]}\x1b[K")
        else:
            self.stream.write(text + "\n")
        self.stream.flush()

    def line(self, report, seconds):
        share = min(report.get("items", 0) / self.expected, 1.0)
        filled = int(share * BAR_COLUMNS)
        bar = "#" * filled + "." * (BAR_COLUMNS - filled)
        rate = report.get("pages_per_second", report.get("pages", 0) / max(seconds, 0.1))
        text = f"[{bar}] {int(share * 100):3}%  {report.get('items', 0)} items  "
        text += f"{report.get('pages', 0)} pages  {rate:.0f} pages/s  "
        text += f"{report.get('errors', 0)} errors"
        for name, stage in report.get("stages", {}).items():
            text += f"  {name} {stage.get('workers', 0)}x{stage.get('queue', 0)}"
        return text

    def done(self):
        if self.terminal:
            self.stream.write("\r\x1b[K")
            self.stream.flush()


def default_stream(json_wanted):
    """With --json the last line of standard output is the answer; progress goes to the other."""
    return sys.stderr if json_wanted else sys.stdout
