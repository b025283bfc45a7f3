// The HTTP front end for machines that watch the broker: metrics, health, readiness and status. Reads only (GET and HEAD),
// takes no bodies, and listens on loopback unless told otherwise.
import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { failed, ok } from "../base/result.ts";
import type { Result } from "../base/result.ts";
import type { Address, Listener } from "../ports/wire.ts";
import type { World } from "../ports/world.ts";
import { HTTP_LIMITS } from "./limits.ts";
import type { HttpLimits } from "./limits.ts";
import { jsonPage, pageName, Pages } from "./pages.ts";
import type { HttpSources, Page } from "./pages.ts";
import { HttpProbe } from "./probe.ts";

export interface HttpOptions extends HttpSources {
  readonly limits?: Partial<HttpLimits>;
}

export interface HttpListenFault {
  readonly kind: "listen";
  readonly code: string;
  readonly at: Address;
}

/** Where a broker listens when nothing else is said. */
const HTTP_ADDRESS: Address = { host: "127.0.0.1", port: 8092 };

const NOT_FOUND = jsonPage(404, {
  error: "not-found",
  message: "There is no such page. / lists those there are.",
});
const METHOD_NOT_ALLOWED = jsonPage(405, {
  error: "method-not-allowed",
  message: "Pages can be read with GET and HEAD, nothing else.",
});

const BAD_REQUEST = "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";

export class HttpServer {
  readonly #world: World;
  readonly #pages: Pages;
  readonly #probe: HttpProbe;
  readonly #server: Server;
  #isClosed = false;

  constructor(world: World, options: HttpOptions) {
    const limits = { ...HTTP_LIMITS, ...options.limits };
    this.#world = world;
    this.#pages = new Pages(world, options, limits);
    this.#probe = new HttpProbe(world.meter);
    this.#server = createServer(
      {
        maxHeaderSize: limits.headerBytesMax,
        headersTimeout: limits.requestMsMax,
        requestTimeout: limits.requestMsMax,
        keepAliveTimeout: limits.idleMsMax,
        connectionsCheckingInterval: Math.max(1, Math.floor(limits.requestMsMax / 5)),
      },
      (request, response) => this.#answer(request, response),
    );
    this.#server.maxHeadersCount = limits.headersMax;
    this.#server.maxConnections = limits.connectionsMax;
    this.#server.setTimeout(limits.stalledMsMax + limits.idleMsMax);
    this.#server.on("clientError", (fault: NodeJS.ErrnoException, socket) => {
      // Whatever the client sent was no request: say so if it can still be said, and hang up.
      if (!socket.writable || fault.code === "ECONNRESET") socket.destroy();
      else socket.end(BAD_REQUEST, () => socket.destroy());
    });
  }

  /** Answers requests at `at`; port 0 is any free one. At most once. */
  listen(at: Address = HTTP_ADDRESS): Promise<Result<Listener, HttpListenFault>> {
    return new Promise((resolve) => {
      const refuse = (fault: NodeJS.ErrnoException): void =>
        resolve(failed({ kind: "listen", code: fault.code ?? fault.message, at }));
      this.#server.once("error", refuse);
      this.#server.listen(at.port, at.host, () => {
        this.#server.off("error", refuse);
        this.#server.on("error", (fault) => this.#world.log.error({ fault }, "http-failed"));
        const bound = this.#server.address();
        const port = typeof bound === "object" && bound !== null ? bound.port : at.port;
        const address = { host: at.host, port };
        this.#world.log.info({ ...address }, "http-listening");
        resolve(ok({ address, close: async () => void this.#server.close() }));
      });
    });
  }

  /** Lets requests under way finish, within `graceMs`, then closes. */
  async drain(graceMs: number): Promise<void> {
    if (this.#isClosed || !this.#server.listening) return this.close();
    await new Promise<void>((resolve) => {
      const cancel = this.#world.clock.after(graceMs, resolve);
      this.#server.close(() => {
        cancel();
        resolve();
      });
      this.#server.closeIdleConnections();
    });
    return this.close();
  }

  /** Closes everything at once. Idempotent. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    // A body is thrown away as it comes; the time limit for requests ends one that does not end.
    request.resume();
    const path = (request.url ?? "/").split("?", 1)[0] ?? "/";
    const isRead = request.method === "GET" || request.method === "HEAD";
    const page = isRead ? this.#pages.at(path) : Promise.resolve(METHOD_NOT_ALLOWED);
    void page.then((found) => this.#send(found ?? NOT_FOUND, path, request, response));
  }

  #send(page: Page, path: string, request: IncomingMessage, response: ServerResponse): void {
    this.#probe.answered(pageName(path), page.code);
    const bytes = new TextEncoder().encode(page.body);
    response.writeHead(page.code, {
      "content-type": page.contentType,
      "content-length": bytes.length,
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
      ...(page.code === 405 ? { allow: "GET, HEAD" } : {}),
    });
    // A HEAD is answered without the body by the library itself.
    if (request.method === "HEAD") response.end();
    else response.end(bytes);
  }
}
