import { styleText } from 'node:util'
import type { TransportName } from './cast.ts'
import type { Deliveries } from './ledger.ts'
import type { Link, Member } from './member.ts'
import type { Swarm } from './swarm.ts'

const COLOR: Record<TransportName, 'cyan' | 'magenta' | 'green'> = { tcp: 'cyan', quic: 'magenta', iroh: 'green' }

const EAGER = '●'
const LAZY = '○'
const LINKED = '◆'

const BARS = '▁▂▃▄▅▆▇█'

/** Columns that the table needs; where there are fewer, the matrix moves together. */
const WIDE = 91

/**
 * The table of all nodes, who is linked with whom, and how redundancy developed.
 *
 * @param columns - of the terminal; 80 suffice
 */
export function picture (swarm: Swarm, columns: number): string[] {
  const { members } = swarm
  const gap = columns < WIDE ? '' : ' '

  return [
    header(members, gap),
    ...members.map((member) => row(member, members, swarm.ledger.of(member.role.name), gap)),
    total(swarm),
    '',
    legend(members),
    ...redundancy(swarm.redundancy)
  ]
}

function header (members: Member[], gap: string): string {
  const names = members.map(({ role }) => role.name).join(gap)

  return styleText('dim', `  node speaks    neighbors eager lazy delivered median  worst  RMR  ${names}`)
}

function row (member: Member, members: Member[], deliveries: Deliveries, gap: string): string {
  const { role, isAlive } = member
  const links = new Map(member.links().map((link) => [link.to, link]))
  const tells = role.rust !== true
  const count = (push: Link['push']): string => tells ? String([...links.values()].filter((link) => link.push === push).length) : '-'
  const counts = isAlive
    ? `${String(links.size).padStart(9)}${count('eager').padStart(6)}${count('lazy').padStart(5)}`
    : styleText('red', 'killed'.padStart(20))
  const cells = members.map((other) => cell(other === member, links.get(other.role.name))).join(gap)
  const line = `  ${styleText('bold', role.name.padEnd(4))} ${styledSpeaks(member)}${counts}${numbers(deliveries, member.payloads())}  ${cells}`

  return isAlive ? line : styleText('dim', line)
}

function styledSpeaks ({ role }: Member): string {
  const text = [...role.speaks, ...role.rust === true ? ['rust'] : []]
  const styled = role.speaks.map((name) => styleText(COLOR[name], name))
  const all = [...styled, ...role.rust === true ? [styleText('yellow', 'rust')] : []].join(' ')

  return all + ' '.repeat(10 - text.join(' ').length)
}

function cell (isSelf: boolean, link?: Link): string {
  if (isSelf) {
    return styleText('dim', '╲')
  }

  if (link == null) {
    return ' '
  }

  const color = link.transport == null ? 'white' : COLOR[link.transport]

  switch (link.push) {
    case 'eager':
      return styleText([color, 'bold'], EAGER)
    case 'lazy':
      return styleText([color, 'dim'], LAZY)
    default:
      return styleText(color, LINKED)
  }
}

function numbers (deliveries: Deliveries, payloads: number): string {
  const { expected, delivered, delays } = deliveries
  const share = `${delivered}/${expected}`.padStart(10)
  const complete = expected > 0 && delivered === expected ? styleText('green', share) : share
  const rmr = delivered === 0 ? '-' : (payloads / delivered - 1).toFixed(2)

  return `${complete}${duration(delays[delays.length >> 1])}${duration(delays.at(-1))}${rmr.padStart(5)}`
}

function duration (ms?: number): string {
  return inWords(ms).padStart(7)
}

function inWords (ms?: number): string {
  if (ms == null) {
    return '-'
  }

  return ms < 1000 ? `${ms.toFixed(ms < 10 ? 1 : 0)} ms` : `${(ms / 1000).toFixed(1)} s`
}

function total ({ members, ledger }: Swarm): string {
  const payloads = members.reduce((sum, member) => sum + member.payloads(), 0)

  return `  ${styleText('bold', 'all'.padEnd(35))}${numbers(ledger.all(), payloads)}`
}

function legend (members: Member[]): string {
  const marks = [
    `${styleText('bold', EAGER)} eager: payloads pushed`,
    `${styleText('dim', LAZY)} lazy: only announced`,
    ...members.some(({ role }) => role.rust === true) ? [`${LINKED} Rust does not tell`] : []
  ]
  const colors = Object.entries(COLOR).map(([name, color]) => styleText(color, name))

  return `  ${marks.join('  ')}  over ${colors.join(' ')}`
}

/** One bar for each round: the first ones are redundant, until the tree has grown. */
function redundancy (rounds: number[]): string[] {
  const [first] = rounds
  const last = rounds.at(-1)

  if (first == null || last == null) {
    return []
  }

  const highest = Math.max(...rounds, 0.1)
  const bars = rounds.map((value) => BARS[Math.round(Math.max(0, value) / highest * (BARS.length - 1))]).join('')

  return [`  RMR by round  ${styleText('yellow', bars)}  ${first.toFixed(2)} at first, ${last.toFixed(2)} now`]
}
