/** One line of a plot: points in order of x. */
export interface Series {
  name: string
  points: ReadonlyArray<readonly [x: number, y: number]>
  /**
   * Any colour of SVG.
   *
   * @default one of five, by turns
   */
  color?: string
}

export interface PlotConfig {
  title: string
  xLabel: string
  yLabel: string
  series: Series[]
  /**
   * Whether each line is named beside the plot. Without, as for very many
   * lines, they are thin, and a name shows when pointed at.
   *
   * @default true
   */
  legend?: boolean
}

const WIDTH = 640
const HEIGHT = 360
const LEFT = 64
const TOP = 40
const LEGEND = 150
const BOTTOM = 48
const COLORS = ['#0b6e4f', '#c0392b', '#2c5aa0', '#b7791f', '#6b4fa0']

/** Draws lines as an SVG of their own, both axes from zero. Points that are not finite are left out. */
export function plotSvg ({ title, xLabel, yLabel, series, legend = true }: PlotConfig): string {
  const right = legend ? LEGEND : 24
  const points = series.flatMap((line) => line.points).filter(isFinitePoint)
  const maxX = Math.max(1e-9, ...points.map(([x]) => x))
  const maxY = Math.max(1e-9, ...points.map(([, y]) => y))
  const x = (value: number): string => (LEFT + (WIDTH - LEFT - right) * value / maxX).toFixed(1)
  const y = (value: number): string => (HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * value / maxY).toFixed(1)
  const ticks = [0, 0.25, 0.5, 0.75, 1]

  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="white"/>`,
    `<text x="${LEFT}" y="22" font-size="14">${escapeXml(title)}</text>`,
    ...ticks.map((tick) => `<path d="M${LEFT} ${y(tick * maxY)}H${WIDTH - right}" stroke="#ddd"/><text x="${LEFT - 6}" y="${y(tick * maxY)}" text-anchor="end" dominant-baseline="middle">${label(tick * maxY)}</text>`),
    ...ticks.map((tick) => `<text x="${x(tick * maxX)}" y="${HEIGHT - BOTTOM + 18}" text-anchor="middle">${label(tick * maxX)}</text>`),
    `<text x="${(LEFT + WIDTH - right) / 2}" y="${HEIGHT - 8}" text-anchor="middle">${escapeXml(xLabel)}</text>`,
    `<text transform="translate(14 ${HEIGHT / 2}) rotate(-90)" text-anchor="middle">${escapeXml(yLabel)}</text>`,
    ...series.map((line, i) => {
      const color = line.color ?? COLORS[i % COLORS.length]
      const path = line.points.filter(isFinitePoint).map(([a, b]) => `${x(a)},${y(b)}`).join(' ')
      const name = escapeXml(line.name)

      return legend
        ? `<polyline fill="none" stroke="${color}" stroke-width="2" points="${path}"/><text x="${WIDTH - right + 10}" y="${TOP + 18 * i + 10}" fill="${color}">${name}</text>`
        : `<polyline fill="none" stroke="${color}" stroke-opacity="0.6" points="${path}"><title>${name}</title></polyline>`
    }),
    '</svg>',
    ''
  ].join('\n')
}

/** Text as it may stand in XML, attributes included. */
export function escapeXml (text: string): string {
  return text.replace(/[<>&"]/g, (char) => `&#${char.charCodeAt(0)};`)
}

function isFinitePoint ([x, y]: readonly [number, number]): boolean {
  return Number.isFinite(x) && Number.isFinite(y)
}

function label (value: number): string {
  return Number.isInteger(value) || value >= 100 ? value.toFixed(0) : value.toPrecision(2)
}
