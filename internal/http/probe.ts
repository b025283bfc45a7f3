// The metrics of the HTTP front end.
import type { Counter, Meter } from "../ports/meter.ts";

export class HttpProbe {
  readonly #meter: Meter;
  readonly #requests = new Map<string, Counter>();

  constructor(meter: Meter) {
    this.#meter = meter;
  }

  /** `page` is one of the server's own paths, or "other": the labels form a closed set. */
  answered(page: string, code: number): void {
    const key = `${page} ${code}`;
    let requests = this.#requests.get(key);
    if (requests === undefined) {
      const labels = { page, code: String(code) };
      requests = this.#meter.counter("flotilla_http_requests_total", "HTTP requests.", labels);
      this.#requests.set(key, requests);
    }
    requests.add(1);
  }
}
