import { linked } from './support/member.ts'
import { useStage } from './support/stage.ts'
import { everyoneHearsEveryone, everyoneHearsEveryoneInTheEnd, whole } from './support/swarm.ts'
import { randomTopic } from './support/topic.ts'
import type { Member, MemberTopic } from './support/member.ts'

describe('swarms of both kinds', () => {
  const stage = useStage()

  async function gather (members: Member[], contact: Member): Promise<MemberTopic[]> {
    const topic = randomTopic()
    const topics = [await contact.join(topic)]

    for (const member of members) {
      if (member !== contact) {
        const joined = await member.join(topic, { bootstrap: [contact] })
        await linked(joined)
        topics.push(joined)
      }
    }

    await whole(topics)

    return topics
  }

  async function five<T> (start: () => Promise<T>): Promise<T[]> {
    return Promise.all(Array.from({ length: 5 }, start))
  }

  it('5 JS and 5 Rust peers that joined through a JS peer hear each other', async () => {
    const js = await five(async () => stage.js())
    const rust = await five(async () => stage.rust())
    const topics = await gather([...js, ...rust], js[0])
    await everyoneHearsEveryoneInTheEnd(topics)
    await everyoneHearsEveryone(topics)
  })

  it('5 JS and 5 Rust peers that joined through a Rust peer hear each other', async () => {
    const js = await five(async () => stage.js())
    const rust = await five(async () => stage.rust())
    const alternating = js.flatMap((node, i) => [node, rust[i]])
    const topics = await gather(alternating, rust[0])
    await everyoneHearsEveryoneInTheEnd(topics)
    await everyoneHearsEveryone(topics)
  })

  it('20 Rust peers that join at once through one JS peer are one swarm with it, and hear each other', async () => {
    const contact = await stage.js()
    const members = await Promise.all(Array.from({ length: 20 }, async () => stage.rust()))
    const topic = randomTopic()
    const inContact = await contact.join(topic)
    const joined = await Promise.all(members.map(async (member) => member.join(topic, { bootstrap: [contact] })))
    const topics = [inContact, ...joined]
    await everyoneHearsEveryoneInTheEnd(topics)
    await everyoneHearsEveryone(topics)
  })

  it('a JS peer on TCP and iroh carries messages between TCP-only JS peers and Rust', async () => {
    const bridge = await stage.js({ transports: ['iroh', 'tcp'] })
    const members = [
      bridge,
      await stage.js({ transports: ['tcp'] }),
      await stage.rust(),
      await stage.js({ transports: ['tcp'] }),
      await stage.rust()
    ]
    const topics = await gather(members, bridge)
    await everyoneHearsEveryoneInTheEnd(topics)
    await everyoneHearsEveryone(topics)
  })
})
