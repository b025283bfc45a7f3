// A busy simulation of a few machines with every kind of port and fault. Prints the hash of all that happened:
// the same for the same seed, in whatever surroundings it runs.
import { Simulation } from "./sim-world.ts";
import type { SimNode, SimWorld } from "./sim-world.ts";

const NAMES = ["a", "b", "c"];
const FAULT_COUNT = 120;

const seed = Number(process.argv[2] ?? "1");
const simulation = new Simulation({ seed });
for (const name of NAMES) start(simulation.node(name));
const finished = nemesis();
await simulation.settle(finished);
const { events, nowUs } = simulation.scheduler;
process.stdout.write(
  `${simulation.digest()} ${events} ${nowUs} ${simulation.logs.entries.length}\n`,
);

/** A process that serves, talks to the others, writes its journal and replaces a file now and then. */
function start(node: SimNode): void {
  const world = node.boot();
  serve(world);
  for (const name of NAMES) if (name !== node.name) talk(world, name);
  world.tasks.spawn("journal", () => keepJournal(world));
  world.tasks.spawn("notes", () => keepNotes(world));
}

function serve(world: SimWorld): void {
  const at = { host: world.life.node, port: 9000 };
  void world.wire.listen(at, (connection) => ({
    received: (bytes) => {
      connection.write(bytes.slice());
      world.clock.turnEnd(() => connection.flush());
    },
    closed: (reason) => world.log.debug({ reason }, "served"),
  }));
}

function talk(world: SimWorld, name: string): void {
  const connection = world.wire.connect(
    { host: name, port: 9000 },
    {
      received: (bytes) => world.log.debug({ bytes: bytes.length, sum: bytes[0] }, "answer"),
      closed: (reason) => {
        world.log.info({ reason, name }, "lost");
        world.clock.after(5 + world.entropy.below(50), () => talk(world, name));
      },
    },
  );
  const speak = (): void => {
    const bytes = new Uint8Array(1 + world.entropy.below(3_000));
    world.entropy.fill(bytes);
    connection.write(bytes);
    connection.flush();
    world.clock.after(world.entropy.below(20), speak);
  };
  world.clock.after(1, speak);
}

async function keepJournal(world: SimWorld): Promise<void> {
  await world.disk.bulk.makeDirectory("/data");
  const opened = await world.disk.journal.open("/data/journal", true);
  if (!opened.ok) throw new Error(opened.fault.code);
  const memory = world.disk.journal.allocate(8192);
  for (;;) {
    world.entropy.fill(memory);
    const at = 4096 * world.entropy.below(64);
    const part = memory.subarray(0, 512 + world.entropy.below(7_000));
    const fault = await new Promise((resolve) => opened.value.write(at, [part], resolve));
    if (fault !== null) world.fatal("journal-failed", fault);
  }
}

async function keepNotes(world: SimWorld): Promise<void> {
  for (let round = 0; ; round++) {
    const bytes = new Uint8Array(world.entropy.below(5_000));
    await world.disk.bulk.replaceWhole(`/data/note-${round % 3}`, bytes);
    const names = await world.disk.bulk.list("/data");
    world.log.info({ names, at: world.clock.nowMs() }, "noted");
  }
}

/** One fault after another, of every kind. */
async function nemesis(): Promise<void> {
  const entropy = simulation.entropy("nemesis");
  const pick = (): string => NAMES[entropy.below(NAMES.length)] as string;
  for (let fault = 0; fault < FAULT_COUNT; fault++) {
    await simulation.sleepMs(5 + entropy.below(40));
    const node = simulation.node(pick());
    const other = pick();
    switch (entropy.below(8)) {
      case 0:
        node.crash("kill");
        break;
      case 1:
        node.crash("power");
        break;
      case 2:
        node.freeze();
        break;
      case 3:
        if (node.name !== other) simulation.network.links.cut(node.name, other);
        break;
      case 4:
        simulation.network.links.clog(node.name, other, simulation.scheduler.nowUs + 100_000);
        break;
      case 5:
        simulation.network.resetBetween(node.name, other);
        break;
      case 6:
        node.disk.failNext("journal", "EIO");
        break;
      default:
        simulation.network.links.healAll();
        node.wall.offsetMs += entropy.below(5_000) - 2_500;
        for (const each of simulation.nodes) each.thaw();
        for (const each of simulation.nodes) if (!each.alive) start(each);
    }
  }
}
