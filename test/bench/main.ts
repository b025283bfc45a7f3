// `make bench`: what the brokers do for a client of the project's own, beside the floor that the raw journal sets in the
// same run. Durable class of every figure: synced on a majority before the acknowledgement. Three brokers and the load
// share this machine and its one disk.
import { loadavg } from "node:os";
import { join } from "node:path";
import { LocalCluster } from "../process/local-cluster.ts";
import { deviceFlushes } from "./device.ts";
import { journalFloor } from "./floor.ts";
import { benchGroups } from "./groups.ts";
import { LoadClient } from "./produce-load.ts";
import type { Load } from "./produce-load.ts";

const [asked = "6"] = process.argv.slice(2);
const seconds = Number(asked);
const WARM_MS = 2_000;
const KIB = 1024;

const LOADS: readonly Load[] = [
  { label: "1 outstanding", partitions: 1, messageBytes: KIB, outstanding: 1, perSecond: 0 },
  { label: "64 outstanding", partitions: 1, messageBytes: KIB, outstanding: 64, perSecond: 0 },
  {
    label: "5,000/s, 1 partition",
    partitions: 1,
    messageBytes: KIB,
    outstanding: 0,
    perSecond: 5_000,
  },
  {
    label: "1,000/s, 100 partitions",
    partitions: 100,
    messageBytes: KIB,
    outstanding: 0,
    perSecond: 1_000,
  },
  {
    label: "1,000/s, 1,000 partitions",
    partitions: 1_000,
    messageBytes: KIB,
    outstanding: 0,
    perSecond: 1_000,
  },
  {
    label: "64 KiB, 12 partitions",
    partitions: 12,
    messageBytes: 64 * KIB,
    outstanding: 24,
    perSecond: 0,
  },
];

console.log(
  `node ${process.version}, load average ${loadavg()
    .map((one) => one.toFixed(1))
    .join(" ")}`,
);
// `make bench ARGS=groups` is that part alone; a number is seconds for each load.
if (asked !== "groups") await benchLoads();
await benchGroups();

async function benchLoads(): Promise<void> {
  await journalFloor(join(import.meta.dirname, "..", "..", ".flotilla"), 2_000);
  const cluster = await LocalCluster.start();
  try {
    for (const load of LOADS) await measure(cluster, load);
  } finally {
    await cluster.stop();
  }
}

async function measure(cluster: LocalCluster, load: Load): Promise<void> {
  const bootstrap = cluster.brokers[0]?.kafka;
  if (bootstrap === undefined) throw new Error("the cluster has brokers");
  const client = new LoadClient(bootstrap);
  const topic = `bench-${LOADS.indexOf(load)}`;
  await client.prepare(topic, load.partitions);
  const before = cluster.facts();
  const flushesBefore = deviceFlushes();
  const own = process.cpuUsage();
  const result = await client.run(topic, load, WARM_MS, seconds * 1_000);
  const after = cluster.facts();
  const flushes = deviceFlushes() - flushesBefore;
  const client_ = process.cpuUsage(own);
  await client.remove(topic);
  // Brokers and device are counted over the warm-up too, so their shares are taken of all messages.
  const all = result.acknowledged * (1 + WARM_MS / (seconds * 1_000));
  const perSecond = result.acknowledged / seconds;
  const cpu = after.cpuSeconds - before.cpuSeconds;
  const cells = [
    load.label.padEnd(26),
    `${perSecond.toFixed(0).padStart(7)} msg/s`,
    `${((perSecond * load.messageBytes) / 1e6).toFixed(1).padStart(6)} MB/s`,
    result.latencies.show(),
    `brokers ${((cpu / all) * 1e6).toFixed(0).padStart(5)} CPU s/M`,
    `client ${((client_.user + client_.system) / all).toFixed(0).padStart(4)} CPU s/M`,
    `${((flushes / all) * 1_000).toFixed(0).padStart(5)} flushes/k`,
    `${((after.writtenBytes - before.writtenBytes) / all / load.messageBytes).toFixed(1)} bytes written per byte`,
    `${(after.residentBytes / 1e6).toFixed(0)} MB resident`,
  ];
  for (const [code, count] of result.errors) cells.push(`${count} REFUSED with code ${code}`);
  console.log(cells.join(" | "));
}
