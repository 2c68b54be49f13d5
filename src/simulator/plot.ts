/** One line of a plot: points in order of x. */
export interface Series {
  name: string
  points: ReadonlyArray<readonly [x: number, y: number]>
}

export interface PlotConfig {
  title: string
  xLabel: string
  yLabel: string
  series: Series[]
}

const WIDTH = 640
const HEIGHT = 360
const LEFT = 64
const TOP = 40
const RIGHT = 150
const BOTTOM = 48
const COLORS = ['#0b6e4f', '#c0392b', '#2c5aa0', '#b7791f', '#6b4fa0']

/** Draws lines as an SVG of their own, both axes from zero. */
export function plotSvg ({ title, xLabel, yLabel, series }: PlotConfig): string {
  const points = series.flatMap((line) => line.points)
  const maxX = Math.max(...points.map(([x]) => x))
  const maxY = Math.max(...points.map(([, y]) => y))
  const x = (value: number): string => (LEFT + (WIDTH - LEFT - RIGHT) * value / maxX).toFixed(1)
  const y = (value: number): string => (HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * value / maxY).toFixed(1)
  const ticks = [0, 0.25, 0.5, 0.75, 1]

  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="white"/>`,
    `<text x="${LEFT}" y="22" font-size="14">${title}</text>`,
    ...ticks.map((tick) => `<path d="M${LEFT} ${y(tick * maxY)}H${WIDTH - RIGHT}" stroke="#ddd"/><text x="${LEFT - 6}" y="${y(tick * maxY)}" text-anchor="end" dominant-baseline="middle">${label(tick * maxY)}</text>`),
    ...ticks.map((tick) => `<text x="${x(tick * maxX)}" y="${HEIGHT - BOTTOM + 18}" text-anchor="middle">${label(tick * maxX)}</text>`),
    `<text x="${(LEFT + WIDTH - RIGHT) / 2}" y="${HEIGHT - 8}" text-anchor="middle">${xLabel}</text>`,
    `<text transform="translate(14 ${HEIGHT / 2}) rotate(-90)" text-anchor="middle">${yLabel}</text>`,
    ...series.map((line, i) => `<polyline fill="none" stroke="${COLORS[i % COLORS.length]}" stroke-width="2" points="${line.points.map(([a, b]) => `${x(a)},${y(b)}`).join(' ')}"/>` +
      `<text x="${WIDTH - RIGHT + 10}" y="${TOP + 18 * i + 10}" fill="${COLORS[i % COLORS.length]}">${line.name}</text>`),
    '</svg>',
    ''
  ].join('\n')
}

function label (value: number): string {
  return Number.isInteger(value) || value >= 100 ? value.toFixed(0) : value.toPrecision(2)
}
