// Logs a little and ends in the way that its argument names; what comes after must not run.
import { endOnEscape, openHostWorld } from "../../../internal/host/host-world.ts";

const world = openHostWorld({ log: { level: "info" }, processMetrics: true });
endOnEscape(world);
world.log.info({ pid: "hidden" }, "started");
switch (process.argv[2]) {
  case "fatal":
    world.fatal("journal-failed", { kind: "disk", code: "EIO" });
    process.stdout.write("went on\n");
    break;
  case "task":
    world.tasks.spawn("doomed", async () => {
      throw new Error("planned failure");
    });
    break;
  case "escape":
    void Promise.reject(new Error("planned escape"));
    break;
  default:
    await world.close();
}
setTimeout(() => process.stdout.write("went on\n"), 1_000).unref();
