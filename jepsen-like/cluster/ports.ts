// Free ports for brokers that will be stopped and started again. They lie below the range from which the system takes
// the ports of outgoing connections (32768 on Linux): a port from that range could be gone when its broker comes back.
import { createServer } from "node:net";

const LOWEST = 20_000;
const HIGHEST = 32_000;

/** `count` ports that nobody listens on now, from a place that differs between processes. */
export async function freePorts(count: number): Promise<number[]> {
  const found: number[] = [];
  let candidate = LOWEST + ((process.pid * 37 + Date.now()) % (HIGHEST - LOWEST));
  for (let tries = 0; found.length < count; tries++) {
    if (tries > HIGHEST - LOWEST) throw new Error("no free ports");
    if (await isFree(candidate)) found.push(candidate);
    candidate = candidate + 1 < HIGHEST ? candidate + 1 : LOWEST;
  }
  return found;
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}
