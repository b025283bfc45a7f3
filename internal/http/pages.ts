// What each path answers, as text: nothing here knows sockets. A page is a function of the broker's state at this moment.
import { AssertionFailed } from "../base/assert.ts";
import type { World } from "../ports/world.ts";
import type { HttpLimits } from "./limits.ts";

/** Whether this broker should get work, and what it waits for. */
export interface Readiness {
  readonly isReady: boolean;
  /** By name, for example "founded", "registered", "caught-up". */
  readonly checks: readonly ReadinessCheck[];
}

export interface ReadinessCheck {
  readonly name: string;
  readonly isMet: boolean;
  /** What is so, and if it is not met, what it waits for. */
  readonly detail: string;
}

export interface HttpSources {
  readonly ready: () => Readiness;
  /** The state of the broker and of the cluster as it sees it; anything that JSON can hold. */
  readonly status: () => object;
}

export interface Page {
  readonly code: number;
  readonly contentType: string;
  readonly body: string;
}

const JSON_TYPE = "application/json; charset=utf-8";
const HTML_TYPE = "text/html; charset=utf-8";

/** By path. */
const DESCRIPTIONS = {
  "/healthz": "the process is alive and its event loop responds",
  "/readyz": "the broker should get work; otherwise what it waits for",
  "/status": "the broker and the cluster, as JSON",
  "/metrics": "for Prometheus",
} as const;

export class Pages {
  readonly #world: World;
  readonly #sources: HttpSources;
  readonly #limits: HttpLimits;
  /** A page of metrics that is being rendered: whoever asks meanwhile gets the same. */
  #metrics: Promise<Page> | null = null;

  constructor(world: World, sources: HttpSources, limits: HttpLimits) {
    this.#world = world;
    this.#sources = sources;
    this.#limits = limits;
  }

  /** Null for a path that does not exist. */
  async at(path: string): Promise<Page | null> {
    try {
      return await this.#render(path);
    } catch (fault) {
      if (fault instanceof AssertionFailed) this.#world.fatal("http-page-asserted", fault);
      this.#world.log.error({ path, fault }, "http-page-failed");
      return jsonPage(500, { error: "internal", message: "The broker's log says why." });
    }
  }

  async #render(path: string): Promise<Page | null> {
    switch (path) {
      case "/":
        return { code: 200, contentType: HTML_TYPE, body: links() };
      case "/healthz":
        return this.#health();
      case "/readyz":
        return this.#readiness();
      case "/status":
        return jsonPage(200, this.#sources.status());
      case "/metrics":
        return this.#metricsPage();
      default:
        return null;
    }
  }

  /** Measures how late a timer is: what every request to this broker waits for. */
  async #health(): Promise<Page> {
    const { clock } = this.#world;
    const askedUpMs = clock.upMs();
    await new Promise<void>((resolve) => clock.after(0, resolve));
    const loopDelayMs = Math.round(clock.upMs() - askedUpMs);
    const isResponsive = loopDelayMs <= this.#limits.loopDelayMsMax;
    const status = isResponsive ? "alive" : "unresponsive";
    return jsonPage(isResponsive ? 200 : 503, { status, loopDelayMs });
  }

  #readiness(): Page {
    const { isReady, checks } = this.#sources.ready();
    const shown = checks.map(({ name, isMet, detail }) => ({ name, met: isMet, detail }));
    return jsonPage(isReady ? 200 : 503, { ready: isReady, checks: shown });
  }

  #metricsPage(): Promise<Page> {
    this.#metrics ??= this.#world.meter
      .render()
      .then(({ contentType, body }) => ({ code: 200, contentType, body }))
      .finally(() => {
        this.#metrics = null;
      });
    return this.#metrics;
  }
}

/** The label of a path in metrics. */
export function pageName(path: string): string {
  return path === "/" || Object.hasOwn(DESCRIPTIONS, path) ? path : "other";
}

export function jsonPage(code: number, body: object): Page {
  return { code, contentType: JSON_TYPE, body: `${JSON.stringify(body, null, 2)}\n` };
}

function links(): string {
  const items = Object.entries(DESCRIPTIONS).map(
    ([path, text]) => `<li><a href="${path}">${path}</a>: ${text}</li>`,
  );
  return (
    "<!doctype html>\n<html lang=en><meta charset=utf-8><title>Flotilla</title>\n" +
    `<h1>Flotilla</h1>\n<ul>\n${items.join("\n")}\n</ul>\n</html>\n`
  );
}
