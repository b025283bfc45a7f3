// Records and replies as one line each, for the transcripts of the controller.
import type { ControllerRecord, PartitionPlacement } from "../../internal/cluster/records.ts";

export function recordText(record: ControllerRecord): string {
  const { kind, ...fields } = record;
  return `${kind} ${valueText(fields)}`;
}

/** Ids were made of a short name and a filling: only the name is shown. */
export function valueText(value: unknown): string {
  if (value === null) return "-";
  if (value instanceof Uint8Array) {
    const isText = value.every((byte) => byte >= 0x20 && byte < 0x7f);
    return isText ? new TextDecoder().decode(value) : `${value.length} bytes`;
  }
  if (Array.isArray(value)) return `[${value.map((item) => valueText(item)).join(", ")}]`;
  if (typeof value === "object") {
    if ("group" in value && "replicas" in value) return placementText(value as PartitionPlacement);
    if (Object.keys(value).join() === "name,value") return configText(value as Config);
    const fields = Object.entries(value).map(([name, field]) => `${name}=${valueText(field)}`);
    return fields.join(" ");
  }
  const text = String(value);
  return text.length === 22 ? text.replace(/A+$/, "") : text;
}

interface Config {
  readonly name: string;
  readonly value: string;
}

function configText({ name, value }: Config): string {
  return `${name}:${value}`;
}

function placementText(placement: PartitionPlacement): string {
  const { partition, group, firstTerm, revision, replicas, leaving, founders } = placement;
  const placed = [...replicas, ...leaving].map(({ replica, broker, directory }, at) => {
    return `${at < replicas.length ? "#" : "-#"}${replica}@${broker}:${valueText(directory)}`;
  });
  const founded = founders.map(({ replica }) => ` founder=${replica}`).join("");
  return `{${partition} group=${group} term=${firstTerm} rev=${revision} ${placed.join(" ")}${founded}}`;
}
