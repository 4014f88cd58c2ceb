"""The plot of growth: plot.py SIZES > SVG. Two panels over the number of records, both axes logarithmic: above, the time that
work takes (a straight line of slope one is linear); below, the time of one look-up (level is flat)."""

import json
import math
import sys

WIDTH, PANEL, LEFT, RIGHT, TOP, GAP = 760, 300, 70, 190, 40, 70
COLOURS = ["#0b6e99", "#c2571a", "#3b7d3b", "#7a4fa3"]


def bounds(values):
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    return low, max(high, low + 1)


def power(exponent):
    return f'10<tspan dy="-5" font-size="9">{exponent}</tspan>'


class Panel:
    def __init__(self, top, title, unit, xs, series):
        self.top, self.title, self.unit, self.xs, self.series = top, title, unit, xs, series
        self.x0, self.x1 = bounds(xs)
        self.y0, self.y1 = bounds([y for _, ys in series for y in ys])

    def x(self, value):
        return LEFT + (math.log10(value) - self.x0) / (self.x1 - self.x0) * (WIDTH - LEFT - RIGHT)

    def y(self, value):
        return self.top + PANEL - (math.log10(value) - self.y0) / (self.y1 - self.y0) * PANEL

    def grid(self):
        for exponent in range(self.x0, self.x1 + 1):
            x = self.x(10**exponent)
            yield f'<line x1="{x:.1f}" y1="{self.top}" x2="{x:.1f}" y2="{self.top + PANEL}" stroke="#ddd"/>'
            yield f'<text x="{x:.1f}" y="{self.top + PANEL + 18}" text-anchor="middle">{power(exponent)}</text>'
        for exponent in range(self.y0, self.y1 + 1):
            y = self.y(10**exponent)
            yield f'<line x1="{LEFT}" y1="{y:.1f}" x2="{WIDTH - RIGHT}" y2="{y:.1f}" stroke="#ddd"/>'
            yield f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{power(exponent)}</text>'

    def lines(self):
        ends = []
        for (name, ys), colour in zip(self.series, COLOURS):
            points = [(self.x(x), self.y(y)) for x, y in zip(self.xs, ys)]
            path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
            yield f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>'
            for x, y in points:
                yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colour}"/>'
            ends.append([points[-1][1], name, colour])
        below = -math.inf
        for y, name, colour in sorted(ends):
            below = max(y + 4, below + 15)
            yield f'<text x="{WIDTH - RIGHT + 12}" y="{below:.1f}" fill="{colour}">{name}</text>'

    def draw(self):
        yield f'<text x="{LEFT}" y="{self.top - 12}" font-weight="bold">{self.title}, {self.unit}</text>'
        yield from self.grid()
        yield from self.lines()


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        sizes = [json.loads(line) for line in file]
    records = [size["records"] for size in sizes]
    work = Panel(TOP, "Work", "seconds", records, [
        ("import, all of it", [size["import_us"] * size["records"] / 1e6 for size in sizes]),
        ("mirroring, all of it", [size["mirror_us"] * size["records"] / 1e6 for size in sizes]),
    ])
    looks = Panel(TOP + PANEL + GAP, "Look-ups", "microseconds", records, [
        ("a value's page", [size["value_us"] for size in sizes]),
        ("a proof", [size["proof_us"] for size in sizes]),
        ("a tile", [size["tile_us"] for size in sizes]),
        ("a round, one new record", [size["one_ms"] * 1000 for size in sizes]),
    ])
    height = TOP + 2 * PANEL + GAP + 50
    print(f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}" '
          'font-family="sans-serif" font-size="12">')
    print(f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>')
    for panel in (work, looks):
        print("\n".join(panel.draw()))
    print(f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{height - 10}" text-anchor="middle">records</text>')
    print("</svg>")


if __name__ == "__main__":
    main()
