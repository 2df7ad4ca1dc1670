/** The appliance with no descriptor left: packets need none. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { dig, udhcpc } from './appliance-clients.ts'
import { NODE1_ADDRESS, Rig, type Running } from './appliance-rig.ts'

const LIMIT_MS = 60_000
const DESCRIPTORS = 160
const SILENT =
  'const{connect}=require("node:net");let n=0;for(const port of[80,443,53])for(let i=0;i<300;i++){const s=connect(port,"10.77.0.1");s.on("connect",()=>n++);s.on("error",()=>{})}setTimeout(()=>console.log("open "+n),3000)'

let rig: Rig

beforeAll(async () => {
  rig = await Rig.open('files')
  const appliance = rig.spawn('appliance', ['prlimit', `--nofile=${DESCRIPTORS}`, ...rig.serveCommand(rig.site())])
  await appliance.untilSaid('is serving')
}, LIMIT_MS)

afterAll(() => rig.close(), LIMIT_MS)

test(
  'connections that say nothing take the last descriptor: a lease is written and acknowledged, and names are answered',
  async () => {
    const holder: Running = rig.spawn('rack', [process.execPath, '-e', SILENT])
    await holder.untilSaid('open', LIMIT_MS)
    expect(Number(/open (\d+)/.exec(holder.stdout)![1])).toBeGreaterThan(DESCRIPTORS)
    expect((await udhcpc(rig, 'rack')).variables.get('ip')).toBe(NODE1_ADDRESS)
    expect((await dig(rig, 'rack', 'mirror.rack7.example.org')).stdout).toBe('10.77.0.5\n')
    await holder.kill()
  },
  LIMIT_MS,
)
