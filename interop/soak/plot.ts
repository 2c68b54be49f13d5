/** A line of the plot: what was counted at which second. */
export interface Series {
  label: string
  color: string
  points: Array<{ second: number, value: number }>
}

const WIDTH = 960
const HEIGHT = 360
const MARGIN = 48

/** Lines over time as an SVG, many thin ones on common axes that start at 0. */
export function plot (title: string, series: Series[]): string {
  const points = series.flatMap((each) => each.points)
  const seconds = Math.max(1, ...points.map(({ second }) => second))
  const top = Math.max(1, ...points.map(({ value }) => value))
  const x = (second: number): number => MARGIN + second / seconds * (WIDTH - 2 * MARGIN)
  const y = (value: number): number => HEIGHT - MARGIN - value / top * (HEIGHT - 2 * MARGIN)
  const lines = series.map(({ label, color, points }) => {
    const path = points.map(({ second, value }) => `${x(second).toFixed(1)},${y(value).toFixed(1)}`).join(' ')

    return `  <polyline fill="none" stroke="${color}" stroke-opacity="0.6" points="${path}"><title>${label}</title></polyline>`
  })
  const text = (at: number, down: number, content: string | number): string => `  <text x="${at}" y="${down}">${content}</text>`

  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12">`,
    `  <rect width="${WIDTH}" height="${HEIGHT}" fill="white"/>`,
    text(MARGIN, 24, title),
    text(8, y(top) + 4, top),
    text(8, y(0) + 4, 0),
    text(x(seconds) - 24, HEIGHT - 16, `${Math.round(seconds)} s`),
    `  <path d="M${MARGIN} ${y(top)}V${y(0)}H${x(seconds)}" fill="none" stroke="black"/>`,
    ...lines,
    '</svg>',
    ''
  ].join('\n')
}
