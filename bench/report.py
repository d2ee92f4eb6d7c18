"""How the measurements of servers side by side are printed."""

import os
import platform
import sys
import time


def progress(text):
    """One line on the terminal that overwrites itself."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\033[K{text}")
        sys.stderr.flush()


def machine():
    with open("/proc/cpuinfo") as file:
        names = [line.partition(":")[2].strip() for line in file if line.startswith("model name")]
    return {"date": time.strftime("%Y-%m-%d"), "processor": names[0] if names else platform.machine(), "processors": os.cpu_count(),
            "kernel": platform.release(), "load": os.getloadavg()[0]}


def describe(server):
    return {"command": server.command, "version": server.version()}


def print_head(described):
    m = machine()
    print(f"{m['date']}: {m['processor']}, {m['processors']} processors, Linux {m['kernel']}, "
          f"load {m['load']:.1f} at the end\n")
    for name, server in described.items():
        print(f"- {name}: `{server['command']}` ({server['version']})")
    print()


def with_ratios(values, digits):
    """Each value as text, those behind the first with their ratio to it."""
    texts = [f"{value:,.{digits}f}" for value in values]
    first = values[0]
    return texts[:1] + [f"{text} ({value / first:.2f})" if first else text
                        for text, value in zip(texts[1:], values[1:])]


def print_table(head, rows):
    """A Markdown table that can also be read as it is."""
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    for row in [head, ["-" * width for width in widths], *rows]:
        print("| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |")
