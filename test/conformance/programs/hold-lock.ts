// Takes the lock of the directory in its argument, says so, and waits to be killed.
import { HostDisk } from "../../../internal/host/disk.ts";

const directory = process.argv[2] ?? "";
const outcome = await new HostDisk().lock(directory);
process.stdout.write(outcome.ok ? "taken\n" : `${outcome.fault.kind}\n`);
if (outcome.ok) setInterval(() => undefined, 60_000);
else process.exit(1);
