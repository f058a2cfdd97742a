// node replay/main.mjs DIST [PORT]: a lively replayed cluster to look at while the pages
// are worked on.
import { ReplayServer } from './server.mjs'
import { animate, livelyWorld } from './scenes.mjs'
import { fillSandboxes } from './sandbox.mjs'

const [dist, port = '0'] = process.argv.slice(2)
const world = livelyWorld()
animate(world)
const server = new ReplayServer(world, { dist })
fillSandboxes(server)
console.log(await server.listen(Number(port)))
