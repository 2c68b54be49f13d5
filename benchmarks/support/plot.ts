import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { None, View, logger, parse } from 'vega'
import { compile } from 'vega-lite'
import { digits } from './statistics.ts'
import type { Spread } from './statistics.ts'
import type { TopLevelSpec } from 'vega-lite'

/** A bar, or a point of a line, with what the rounds made of it. */
export interface Point {
  /** Which bar of the group, or which line. */
  series: string
  /** Of which group, or where on the axis. */
  x: string | number
  value: Spread
}

/** What a plot shows. */
export interface PlotInit {
  /** File name without its ending. */
  name: string
  title: string
  /** What the values are, with their unit. */
  unit: string
  points: Point[]
}

/** An axis of numbers. */
export interface LineInit extends PlotInit {
  xTitle: string
  /** Logarithmic axes, where the values span decades. */
  logX?: boolean
  logY?: boolean
}

const config = { background: 'white', font: 'sans-serif', title: { anchor: 'start' } } as const

/** The rows of a plot's table. */
function values (points: Point[]): object[] {
  return points.map(({ series, x, value }) => ({ series, x, median: value.median, least: value.least, most: value.most, text: digits(value.median) }))
}

async function draw (folder: string, name: string, spec: TopLevelSpec): Promise<void> {
  const svg = await new View(parse(compile(spec, { logger: logger(None) }).spec), { renderer: 'none' }).toSVG()
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, `${name}.svg`), `${svg}\n`)
}

/**
 * Writes horizontal bars as an SVG: a group for each `x`, a bar for each series,
 * and a whisker from the least to the most of the rounds.
 */
export async function barPlot (folder: string, { name, title, unit, points }: PlotInit): Promise<void> {
  const series = [...new Set(points.map((point) => point.series))]
  const y = { field: 'series', type: 'nominal', sort: series, title: null, axis: null } as const

  await draw(folder, name, {
    title: { text: title, subtitle: unit },
    data: { values: values(points) },
    facet: { row: { field: 'x', type: 'nominal', sort: [...new Set(points.map(({ x }) => String(x)))], header: { title: null, labelAngle: 0, labelAnchor: 'start', labelLimit: 0, labelPadding: 4, labelOrient: 'top' } } },
    spec: {
      width: 420,
      height: { step: 16 },
      layer: [
        { mark: 'bar', encoding: { y, x: { field: 'median', type: 'quantitative', title: unit }, color: { field: 'series', type: 'nominal', sort: series, title: null } } },
        { mark: 'rule', encoding: { y, x: { field: 'least', type: 'quantitative' }, x2: { field: 'most' } } },
        { mark: { type: 'text', align: 'left', dx: 4 }, encoding: { y, x: { field: 'most', type: 'quantitative' }, text: { field: 'text' } } }
      ]
    },
    spacing: 4,
    resolve: { scale: { y: 'independent' } },
    config
  })
}

/** Writes lines as an SVG, with a band from the least to the most of the rounds. */
export async function linePlot (folder: string, { name, title, unit, xTitle, points, logX = false, logY = false }: LineInit): Promise<void> {
  const x = { field: 'x', type: 'quantitative', title: xTitle, scale: logX ? { type: 'log', nice: false, padding: 8 } as const : { type: 'linear' } as const } as const
  const scale = logY ? { type: 'log' } as const : { zero: true }
  const color = { field: 'series', type: 'nominal', sort: [...new Set(points.map(({ series }) => series))], title: null } as const
  const mark = { type: 'line', point: points.length < 100 } as const

  await draw(folder, name, {
    title,
    width: 520,
    height: 260,
    data: { values: values(points) },
    layer: [
      { mark: { type: 'area', opacity: 0.2 }, encoding: { x, color, y: { field: 'least', type: 'quantitative', scale }, y2: { field: 'most' } } },
      { mark, encoding: { x, color, y: { field: 'median', type: 'quantitative', title: unit, scale } } }
    ],
    config
  })
}
