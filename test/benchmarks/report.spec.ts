import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { barPlot, linePlot } from '../../benchmarks/support/plot.ts'
import { reportPage } from '../../benchmarks/support/report.ts'
import { limitTarget, shareTarget } from '../../benchmarks/support/results.ts'
import { spread } from '../../benchmarks/support/statistics.ts'

describe('a target', () => {
  it('is met by a share that is small enough, in the median', () => {
    expect(shareTarget('CPU', 1 / 4, spread([0.1, 0.2, 0.5]))).to.deep.equal({ what: 'CPU', wanted: 'at most 1/4', figure: '1/5.0 (1/10.0 to 1/2.0)', met: true })
    expect(shareTarget('CPU', 1 / 4, spread([0.1, 0.3, 2]))).to.deep.equal({ what: 'CPU', wanted: 'at most 1/4', figure: '1/3.3 (1/10.0 to 2.0 times)', met: false })
  })

  it('is met by a figure within its limit', () => {
    expect(limitTarget('heap', 8_192, spread([8_000]), ' bytes')).to.include({ wanted: 'at most 8192 bytes', met: true })
    expect(limitTarget('heap', 8_192, spread([8_200]), ' bytes')).to.include({ met: false })
  })
})

describe('the report page', () => {
  const page = reportPage({
    command: 'npm run bench',
    seconds: 61,
    kind: 'a short version',
    environment: { node: 'v24' },
    sections: [
      { title: 'Fast <&> slow', method: 'Both run.', command: 'node a.ts', seconds: 3, notPlayed: ['churn'], targets: [{ what: 'a ratio', wanted: 'at most 1/4', figure: '1/5', met: true }, { what: 'another', wanted: 'at most 1/4', figure: '1/2', met: false }], plots: ['<svg/>'], json: '{"a":1}' },
      { title: 'Rust', method: 'Beside it.', command: 'node b.ts', seconds: 0, skipped: 'no cargo', notPlayed: [], targets: [], plots: [], json: '{}' }
    ]
  })

  it('has every target, met or missed, and what was not run', () => {
    expect(page).to.include('1 of 2 met')
    expect(page).to.include('<td>another</td><td>1/2</td><td>at most 1/4</td><td class="missed">missed</td>')
    expect(page).to.include('Not run: no cargo')
    expect(page).to.include('Left out for lack of time: churn')
    expect(page).to.include('Fast &#60;&#38;&#62; slow')
  })

  it('needs no other file', () => {
    const sources = [...page.matchAll(/(?:src|href)="([^"]*)"/g)].map(([, source]) => source)

    expect(sources.filter((source) => !source.startsWith('data:') && !source.startsWith('#'))).to.deep.equal([])
    expect(sources).to.include(`data:image/svg+xml;base64,${Buffer.from('<svg/>').toString('base64')}`)
  })
})

describe('a plot', () => {
  let folder: string

  before(() => { folder = mkdtempSync(join(tmpdir(), 'plot-')) })
  after(() => { rmSync(folder, { recursive: true }) })

  it('of bars shows each value and its names', async () => {
    await barPlot(folder, { name: 'bars', title: 'Title', unit: 'apples', points: [{ series: 'ours', x: 'first', value: spread([41, 42, 43]) }, { series: 'theirs', x: 'first', value: spread([777]) }] })
    const svg = readFileSync(join(folder, 'bars.svg'), 'utf8')

    for (const text of ['Title', 'apples', 'ours', 'theirs', 'first', '42.0', '777']) {
      expect(svg).to.include(text)
    }
  })

  it('of lines has a line for each series', async () => {
    const points = ['p50', 'p99'].flatMap((series) => [1, 10, 100].map((x) => ({ series, x, value: spread([x, 2 * x]) })))
    await linePlot(folder, { name: 'lines', title: 'Title', unit: 'ms', xTitle: 'nodes', logX: true, logY: true, points })
    const svg = readFileSync(join(folder, 'lines.svg'), 'utf8')

    expect(svg.match(/aria-roledescription="line mark"/g)).to.have.lengthOf(2)
  })
})
