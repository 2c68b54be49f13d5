import { escapeXml } from './plot.ts'

/** The bars of one colour. */
export interface BarSeries {
  name: string
  values: number[]
}

const COLORS = ['#0b7285', '#d9480f', '#5f3dc4', '#868e96', '#2b8a3e', '#a61e4d']
const WIDTH = 720
const BAR_HEIGHT = 18

function short (value: number): string {
  if (value >= 10_000) {
    return `${(value / 1_000).toFixed(1)}k`
  }

  return value >= 100 ? value.toFixed(0) : value.toPrecision(3)
}

export interface BarPlotConfig {
  title: string
  /** What the numbers are, below the title. */
  unit: string
  /** One for each value of every series. */
  labels: string[]
  series: BarSeries[]
}

/** Draws horizontal bars as an SVG of their own: a group for each label, a bar for each series. */
export function barSvg ({ title, unit, labels, series }: BarPlotConfig): string {
  const top = 46
  const left = 150
  const group = BAR_HEIGHT * series.length + 14
  const max = Math.max(...series.flatMap(({ values }) => values), 1e-9)
  const height = top + group * labels.length + 10
  const bars = labels.flatMap((label, g) => [
    `<text x="${left - 8}" y="${top + g * group + group / 2}" text-anchor="end">${escapeXml(label)}</text>`,
    ...series.map(({ name, values }, i) => {
      const y = top + g * group + i * BAR_HEIGHT
      const width = Math.max(1, values[g] / max * (WIDTH - left - 230))

      return `<rect x="${left}" y="${y}" width="${width.toFixed(1)}" height="${BAR_HEIGHT - 3}" fill="${COLORS[i % COLORS.length]}"/>` +
        `<text x="${(left + width + 6).toFixed(1)}" y="${y + 12}">${escapeXml(`${short(values[g])} ${name}`)}</text>`
    })
  ])

  return svg(height, title, unit, bars)
}

function svg (height: number, title: string, unit: string, parts: string[]): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" font-family="sans-serif" font-size="12">`,
    '<rect width="100%" height="100%" fill="#fff"/>',
    `<text x="12" y="22" font-size="15" font-weight="bold">${escapeXml(title)}</text>`,
    `<text x="12" y="38" fill="#495057">${escapeXml(unit)}</text>`,
    ...parts,
    '</svg>',
    ''
  ].join('\n')
}
