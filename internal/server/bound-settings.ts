// Settings of a running broker: a listener that was asked for on port 0 has the port that the system chose, as soon as
// it listens. What the broker tells others about itself is read from here, after its listeners are bound.
import type { Address } from "../config/addresses.ts";
import type { SettingName, Settings, SettingValue } from "../config/settings.ts";

export type ListenerSetting = "kafka.listen" | "grpc.listen" | "http.listen" | "link.listen";

export class BoundSettings implements Settings {
  readonly #asked: Settings;
  readonly #bound = new Map<SettingName, Address>();

  constructor(asked: Settings) {
    this.#asked = asked;
  }

  get<N extends SettingName>(name: N): SettingValue<N> {
    return (this.#bound.get(name) as SettingValue<N> | undefined) ?? this.#asked.get(name);
  }

  origin(name: SettingName): ReturnType<Settings["origin"]> {
    return this.#asked.origin(name);
  }

  show(name: SettingName): string {
    return this.#asked.show(name);
  }

  /** The host stays as it was asked for: it may be a name, or stand for every address of the machine. */
  bind(name: ListenerSetting, port: number): void {
    this.#bound.set(name, { host: this.#asked.get(name).host, port });
  }
}
