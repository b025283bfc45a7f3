// What the front end needs to know from the settings, in one object, so that tests can give other limits. What may change
// while the broker runs is read anew each time.
import type { SettingReader } from "../config/settings.ts";
import { CONNECTION_BYTES_MAX } from "./limits.ts";

export interface KafkaOptions {
  /** The name of the listener that clients come in on: Metadata answers with the endpoints of that name. */
  readonly listener: string;
  readonly requestBytesMax: number;
  readonly connectionsMax: number;
  readonly idleMsMax: number;
  /** Requests and answers of all connections together. */
  readonly heldBytesMax: number;
  /** Requests and answers of one connection: above it, the connection is not read. */
  readonly connectionBytesMax: number;
  readonly connectionRequestsMax: number;
  /** Bytes handed to one connection that the system has not taken yet. */
  readonly sendBytesMax: number;
  readonly fetchBytesMax: number;
  readonly fetchSessionsMax: number;
}

export function kafkaOptions(settings: SettingReader, listener: string): KafkaOptions {
  return {
    listener,
    requestBytesMax: settings.get("socket.request.max.bytes"),
    get connectionsMax() {
      return settings.get("connections.max");
    },
    idleMsMax: settings.get("connections.max.idle.ms"),
    heldBytesMax: settings.get("connections.bytes.max"),
    connectionBytesMax: CONNECTION_BYTES_MAX,
    get connectionRequestsMax() {
      return settings.get("connection.requests.max");
    },
    sendBytesMax: settings.get("connection.send.bytes.max"),
    get fetchBytesMax() {
      return settings.get("fetch.max.bytes");
    },
    fetchSessionsMax: settings.get("fetch.sessions.max"),
  };
}
