// Celery, which runs tasks of Python programs: a worker over kombu's Kafka transport, and the program that sends them.
import type { Client, DriverProgram, Surroundings } from "../client.ts";
import { act, DriverProcess } from "../driver.ts";
import { eventually } from "../../../jepsen-like/cluster/cluster.ts";
import { pythonDriver, pythonWith } from "../python.ts";

const PACKAGES = ["celery==5.7.0", "kombu==5.7.0", "confluent-kafka==2.16.1"];
const PARTITIONS = 3;
const CALM = 50;
const UNDER_KILLS = { perSecond: 10, count: 120 };
const RUN_MS_MAX = 90_000;

export const celery: Client = {
  name: "Celery worker",
  source: "Python packages celery and kombu",
  isSlow: true,
  async reach(around) {
    const python = await pythonWith(around, "celery", PACKAGES);
    const driver = pythonDriver(python, "celery_app.py");
    const lines = await act(driver, { action: "version" }, 30_000);
    return {
      version: lines.find(({ version }) => version !== undefined)?.version ?? "?",
      checks: [
        {
          does: `runs ${CALM} tasks that were sent`,
          run: () => runTasks(around, driver, "celery-calm", { count: CALM }),
        },
        {
          does: `runs ${UNDER_KILLS.count} tasks that are sent while the leader and the coordinator are killed`,
          run: () => runTasks(around, driver, "celery-kills", UNDER_KILLS),
        },
      ],
    };
  },
};

async function runTasks(
  { bootstrap, faults }: Surroundings,
  driver: DriverProgram,
  topic: string,
  size: { readonly count: number; readonly perSecond?: number },
): Promise<void> {
  const place = { bootstrap: bootstrap.join(","), topic, partitions: PARTITIONS };
  const ran = new Set<number>();
  const worker = new DriverProcess(driver, { action: "consume", ...place }, ({ record }) => {
    if (record !== undefined) ran.add(record[1]);
  });
  const sending = act(driver, { action: "produce", ...place, first: 0, ...size }, RUN_MS_MAX);
  sending.catch(() => {});
  try {
    if (size.perSecond !== undefined) {
      await untilRan(worker, ran, 10);
      await faults.killLeader(topic);
      await faults.killCoordinator(`${topic}-consumer-group`, topic);
    }
    await sending;
    await untilRan(worker, ran, size.count);
  } finally {
    await worker.killed();
    await faults.settled();
  }
}

async function untilRan(worker: DriverProcess, ran: ReadonlySet<number>, count: number) {
  await eventually("tasks are missing", RUN_MS_MAX, () => {
    worker.check();
    if (ran.size >= count) return Promise.resolve();
    return Promise.reject(new Error(`${ran.size} of ${count} ran`));
  });
}
