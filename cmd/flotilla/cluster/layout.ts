// Where the brokers of a local cluster live: their folders, ports and settings files. Scripts rely on these places.
import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { PID_FILE } from "../broker/pid-file.ts";

export interface ClusterLayout {
  readonly directory: string;
  readonly brokers: readonly LocalBroker[];
}

export interface LocalBroker {
  readonly id: number;
  /** Absolute. */
  readonly folder: string;
  readonly configFile: string;
  readonly pidFile: string;
  readonly logFile: string;
  readonly ports: LocalPorts;
}

export interface LocalPorts {
  readonly kafka: number;
  readonly grpc: number;
  readonly http: number;
  readonly link: number;
}

export const HOST = "127.0.0.1";
export const CLUSTER_DIRECTORY = join(".flotilla", "cluster");
/** Broker 1's ports; broker N has the ones N - 1 above. */
export const FIRST_PORTS: LocalPorts = { kafka: 9092, grpc: 7092, http: 8092, link: 6092 };

export function clusterLayout(
  directory: string,
  brokerCount: number,
  first: LocalPorts,
): ClusterLayout {
  const absolute = resolve(directory);
  const brokers = Array.from({ length: brokerCount }, (_, index): LocalBroker => {
    const id = index + 1;
    const folder = join(absolute, String(id));
    return {
      id,
      folder,
      configFile: join(folder, "flotilla.json"),
      pidFile: join(folder, PID_FILE),
      logFile: join(folder, "broker.log"),
      ports: {
        kafka: first.kafka + index,
        grpc: first.grpc + index,
        http: first.http + index,
        link: first.link + index,
      },
    };
  });
  return { directory: absolute, brokers };
}

/** The settings that every broker of the cluster gets besides its own. */
export type ExtraSettings = Readonly<Record<string, string>>;

/** What no two brokers of a cluster may share. */
export const SETTINGS_OF_EACH: readonly string[] = [
  "broker.id",
  "data.directory",
  "initial.brokers",
  "kafka.listen",
  "kafka.advertised",
  "link.advertised",
  "grpc.listen",
  "http.listen",
  "link.listen",
];

/** Writes each broker's settings file, which may be there already; data is left alone. */
export function writeConfigFiles(layout: ClusterLayout, extra: ExtraSettings): void {
  for (const broker of layout.brokers) {
    mkdirSync(broker.folder, { recursive: true });
    const text = JSON.stringify(configOf(layout, broker, extra), null, 2);
    // Whole or not at all: a broker may be reading it.
    const temporary = `${broker.configFile}.new`;
    writeFileSync(temporary, `${text}\n`);
    renameSync(temporary, broker.configFile);
  }
}

function configOf(
  layout: ClusterLayout,
  { id, folder, ports }: LocalBroker,
  extra: ExtraSettings,
): Readonly<Record<string, string | number | boolean>> {
  const initial = layout.brokers.map((broker) => `${broker.id}@${HOST}:${broker.ports.link}`);
  return {
    "broker.id": id,
    "cluster.name": "local",
    "data.directory": join(folder, "data"),
    "initial.brokers": initial.join(","),
    "kafka.listen": `${HOST}:${ports.kafka}`,
    "grpc.listen": `${HOST}:${ports.grpc}`,
    "http.listen": `${HOST}:${ports.http}`,
    "link.listen": `${HOST}:${ports.link}`,
    "follower.fetch": true,
    ...extra,
  };
}
