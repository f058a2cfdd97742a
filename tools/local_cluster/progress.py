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
        seconds = now - self.started
        if self.terminal:
            self.draw(self.rows(report, seconds, shutil.get_terminal_size().columns - 1))
        else:
            self.stream.write(self.rows(report, seconds)[0] + "\n")
        self.stream.flush()

    def rows(self, report, seconds, width=None):
        """One row where all of it fits, else two: the crawl, and its stages. The bar shrinks before
        a number is cut: errors and stages are what a narrow terminal must still tell."""
        numbers, stages = self.numbers(report, seconds), self.stages(report)
        whole = f"{self.bar(report, BAR_COLUMNS)}{numbers}{stages and '  ' + stages}"
        if width is None or len(whole) <= width:
            return [whole]
        room = width - len(numbers) - len(self.bar(report, 0))
        rows = [self.bar(report, max(0, min(BAR_COLUMNS, room))) + numbers]
        return [row[:width] for row in rows + ([stages] if stages else [])]

    def share(self, report):
        return min(report.get("items", 0) / self.expected, 1.0)

    def bar(self, report, columns):
        filled = int(self.share(report) * columns)
        return "[" + "#" * filled + "." * (columns - filled) + "] "

    def numbers(self, report, seconds):
        rate = report.get("pages_per_second", report.get("pages", 0) / max(seconds, 0.1))
        text = f"{int(self.share(report) * 100):3}%  {report.get('items', 0)} items  "
        text += f"{report.get('pages', 0)} pages  {rate:.0f} pages/s  "
        return text + f"{report.get('errors', 0)} errors"

    def stages(self, report):
        return "  ".join(
            f"{name} {stage.get('workers', 0)}x{stage.get('queue', 0)}"
            for name, stage in report.get("stages", {}).items()
        )

    def draw(self, rows):
        """The cursor goes back to the first row, so that the next report is drawn over this one."""
        up = f"\x1b[{len(rows) - 1}A" if len(rows) > 1 else ""
        self.stream.write("\r" + "\x1b[K\n".join(rows) + f"\x1b[J{up}")

    def done(self):
        if self.terminal:
            self.stream.write("\r\x1b[J")
            self.stream.flush()


def default_stream(json_wanted):
    """With --json the last line of standard output is the answer; progress goes to the other."""
    return sys.stderr if json_wanted else sys.stdout
