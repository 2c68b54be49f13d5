import { expect } from 'chai'
import { barSvg, comparisonPlot, plotSvg } from '../../src/simulator/index.ts'

describe('a plot', () => {
  it('of lines starts at zero, ends at the largest value, and leaves out what is endless', () => {
    const svg = plotSvg({ title: 'a < b', xLabel: 'x', yLabel: 'y', series: [{ name: 'line', points: [[0, 0], [5, Infinity], [10, 4]] }] })

    expect(svg).to.include('a &#60; b').and.include('>line<')
    expect(svg).to.not.include('Infinity').and.not.include('NaN')
    // the corners of the plane: 64 to 490 across, 312 up to 40
    expect(svg).to.include('points="64.0,312.0 490.0,40.0"')
  })

  it('of bars has one for each value', () => {
    const svg = barSvg({ title: 't', unit: 'ms', labels: ['a', 'b'], series: [{ name: 'x', values: [1, 2] }, { name: 'y', values: [3, 4] }] })

    expect(svg.match(/<rect x=/g)).to.have.lengthOf(4)
  })

  it('of two runs sets the first to 100 and leaves out what cannot be compared', () => {
    const svg = comparisonPlot({ ldh: 10, missed: 0, perSeed: [] }, { ldh: 5, missed: 3, perSeed: [] })

    expect(svg).to.include('100 before').and.include('50.0 after').and.not.include('missed')
  })
})
