// The Wire port of the host: TCP through node:net, without Nagle's delay, reading into one shared buffer.
import { connect, createServer } from "node:net";
import type { AddressInfo, Server, Socket } from "node:net";
import { failed, ok } from "../base/result.ts";
import type { Result } from "../base/result.ts";
import type { Address, Connection, ConnectionEvents, Listener, Wire } from "../ports/wire.ts";
import { HostConnection } from "./connection.ts";
import type { ConnectionWaits } from "./connection.ts";
import { staticRead, withStaticRead } from "./static-read.ts";

/** Finds peers whose machine vanished on connections that nothing else watches. */
const KEEP_ALIVE_MS = 60_000;
const BACKLOG = 1024;
const WAITS: ConnectionWaits = { openMsMax: 3_000, endMsMax: 10_000 };

type ListenFault = { readonly kind: "listen"; readonly code: string; readonly at: Address };

export class HostWire implements Wire {
  readonly #waits: ConnectionWaits;

  constructor(waits: ConnectionWaits = WAITS) {
    this.#waits = waits;
  }

  listen(
    at: Address,
    accept: (connection: Connection) => ConnectionEvents,
  ): Promise<Result<Listener, ListenFault>> {
    const server = createServer({
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: KEEP_ALIVE_MS,
      pauseOnConnect: true,
    });
    server.on("connection", (socket) => this.#accept(socket, accept));
    return new Promise((resolve) => {
      server.once("error", (error: NodeJS.ErrnoException) => {
        resolve(failed({ kind: "listen", code: error.code ?? "UNKNOWN", at }));
      });
      server.listen({ host: at.host, port: at.port, backlog: BACKLOG }, () => {
        server.removeAllListeners("error"); // from here on an error is a bug and stops the process
        resolve(ok(listenerOf(server)));
      });
    });
  }

  connect(to: Address, events: ConnectionEvents): Connection {
    const connection = new HostConnection(to, this.#waits);
    const socket = connect({
      host: to.host,
      port: to.port,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: KEEP_ALIVE_MS,
      onread: staticRead(connection.reader),
    });
    connection.attach(socket, events);
    return connection;
  }

  #accept(accepted: Socket, accept: (connection: Connection) => ConnectionEvents): void {
    const { remoteAddress, remotePort } = accepted;
    if (remoteAddress === undefined || remotePort === undefined) {
      accepted.destroy(); // it was gone before it was accepted
      return;
    }
    const peer = { host: remoteAddress, port: remotePort };
    const connection = new HostConnection(peer, this.#waits);
    const socket = withStaticRead(accepted, connection.reader);
    connection.attach(socket, accept(connection));
  }
}

function listenerOf(server: Server): Listener {
  const { address, port } = server.address() as AddressInfo;
  return {
    address: { host: address, port },
    close: async () => {
      // The promise does not wait for the server's own `close` event, which waits for open connections.
      if (server.listening) server.close();
    },
  };
}
