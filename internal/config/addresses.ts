// Addresses in settings: where a listener binds, what it tells clients, and which brokers found the cluster.
import { failed, ok } from "../base/result.ts";
import type { Result } from "../base/result.ts";
import type { BrokerId } from "../model/ids.ts";
import { splitList } from "./setting.ts";
import type { Change, Setting } from "./setting.ts";

export interface Address {
  readonly host: string;
  /** 0 where a listener may take any free port. */
  readonly port: number;
}

/** One of `initial.brokers`: the broker's id and the address of its link listener. */
export interface InitialBroker {
  readonly id: BrokerId;
  readonly address: Address;
}

/** Brokers have small positive ids; Kafka's clients read them as a signed 32-bit number. */
export const BROKER_ID_MAX = 999_999;

/** `host:port`; an IPv6 host stands in brackets. */
export function parseAddress(raw: unknown): Result<Address, string> {
  const match =
    typeof raw === "string" ? /^(?:\[([0-9a-fA-F:.]+)\]|([^\s:[\]]+)):(\d{1,5})$/.exec(raw) : null;
  const port = Number(match?.[3]);
  if (match === null || port > 65_535) return failed("is not host:port");
  return ok({ host: match[1] ?? match[2] ?? "", port });
}

export function showAddress({ host, port }: Address): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

export function address(fallback: string, change: Change, doc: string): Setting<Address> {
  const parsed = parseAddress(fallback);
  if (!parsed.ok) throw new Error("the default of a setting is an address");
  return {
    form: "host:port",
    fallback: parsed.value,
    change,
    doc,
    secret: false,
    show: showAddress,
    parse: parseAddress,
  };
}

/** An address that may be left out. Written as nothing. */
export function optionalAddress(change: Change, doc: string): Setting<Address | null> {
  return {
    form: "host:port",
    fallback: null,
    change,
    doc,
    secret: false,
    show: (value) => (value === null ? "" : showAddress(value)),
    parse: (raw) => (raw === "" || raw === null ? ok(null) : parseAddress(raw)),
  };
}

/** `1@host:port,2@host:port`, or a JSON list of such texts. */
export function initialBrokers(change: Change, doc: string): Setting<readonly InitialBroker[]> {
  return {
    form: "id@host:port,…",
    fallback: [],
    change,
    doc,
    secret: false,
    show: (value) => value.map(({ id, address: at }) => `${id}@${showAddress(at)}`).join(","),
    parse: parseInitialBrokers,
  };
}

function parseInitialBrokers(raw: unknown): Result<readonly InitialBroker[], string> {
  const items = splitList(raw);
  if (items === null) return failed("is not a list of id@host:port");
  const brokers: InitialBroker[] = [];
  for (const item of items) {
    const [idText = "", addressText] = item.split("@");
    const id = Number(idText);
    const at = parseAddress(addressText);
    if (!/^\d+$/.test(idText) || id < 1 || id > BROKER_ID_MAX || !at.ok) {
      return failed(`holds ${JSON.stringify(item)}, which is not id@host:port`);
    }
    if (at.value.port === 0) return failed(`gives broker ${id} no port`);
    if (brokers.some((other) => other.id === id)) return failed(`names broker ${id} twice`);
    brokers.push({ id: id as BrokerId, address: at.value });
  }
  return ok(brokers);
}
