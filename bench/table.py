"""The table of bench/run: table.py [--markdown] BENCH.json. One line a figure: work, ours, goal, verdict, peers, ratio."""

import json
import sys


def number(value):
    if value is None:
        return "not measured"
    if isinstance(value, str):
        return value
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}" if value else "0"


def limit(op, value):
    return ("≥ " if op == ">=" else "≤ ") + number(value)


def cells(result):
    unit = result["unit"]
    goals = []
    if result["goal"]:
        goals.append(limit(result["goal"]["op"], result["goal"]["value"]) + (" " + unit if unit else ""))
    if result["ratio_goal"]:
        goals.append(limit(result["ratio_goal"]["op"], result["ratio_goal"]["value"]) + " × " + result["peers"][0]["name"])
    peers = ", ".join(f"{peer['name']} {number(peer['value'])}" for peer in result["peers"])
    ratio = f"{result['ratio']:.2f} ×" if result["ratio"] is not None else ""
    verdict = {True: "holds", False: "MISSED", None: ""}[result["holds"]]
    ours = number(result["value"]) + (" " + unit if unit and result["value"] is not None else "")
    text = result["text"] + (f" ({result['note']})" if result["note"] else "")
    return [text, ours, "; ".join(goals), verdict, peers, ratio]


HEAD = ["work", "ours", "goal", "", "beside it", "ratio"]


def plain(rows):
    widths = [min(78, max(len(row[i]) for row in rows + [HEAD])) for i in range(len(HEAD))]
    for row in [HEAD] + rows:
        print("  ".join(cell.rjust(width) if i == 1 else cell.ljust(width)
                        for i, (cell, width) in enumerate(zip(row, widths))).rstrip())


def markdown(rows):
    print("| " + " | ".join(HEAD) + " |")
    print("|" + "---|" * len(HEAD))
    for row in rows:
        print("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |")


def main():
    arguments = sys.argv[1:]
    as_markdown = "--markdown" in arguments
    with open(arguments[-1], encoding="utf-8") as file:
        results = json.load(file)["results"]
    rows = [cells(result) for result in results]
    (markdown if as_markdown else plain)(rows)


if __name__ == "__main__":
    main()
