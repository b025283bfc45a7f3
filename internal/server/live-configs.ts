// Settings that are set through the cluster reach the parts of this broker: the image tells what was set, and the parts
// read their limits anew each time, instead of keeping what they were built with.
import type { MetadataImage } from "../cluster/image.ts";
import type { LiveSettings } from "../config/live-settings.ts";
import type { SettingReader } from "../config/settings.ts";
import type { BrokerId } from "../model/ids.ts";
import type { ProducerLimits } from "../partition/partitions.ts";
import type { Log } from "../ports/log.ts";
import type { LocalLogSettings } from "../service/local-log-service.ts";

/** For as long as the broker lives. */
export function followBrokerConfigs(
  image: MetadataImage,
  self: BrokerId,
  settings: LiveSettings,
  log: Log,
): void {
  image.listen({
    brokerConfigsChanged: (broker) => {
      if (broker !== null && broker !== self) return;
      const own = image.brokerConfigs(self);
      const forAll = image.brokerConfigs(null);
      const refusals = settings.set(own, forAll);
      // Another broker took them for all, and they contradict what this one was started with.
      if (refusals.length > 0) log.error({ refusals }, "settings-contradict");
      else log.info({ own, forAll }, "settings-changed");
    },
  });
}

export function producerLimits(settings: SettingReader): ProducerLimits {
  return {
    get expirationMs() {
      return settings.get("producer.id.expiration.ms");
    },
    get countMax() {
      return settings.get("producer.ids.max");
    },
  };
}

export function logSettings(settings: SettingReader): LocalLogSettings {
  return {
    get followerFetch() {
      return settings.get("follower.fetch");
    },
    get fetchBytesMax() {
      return settings.get("fetch.max.bytes");
    },
    get fetchWaitersMax() {
      return settings.get("fetch.waiters.max");
    },
    get fetchDiskBytesMax() {
      return settings.get("connections.bytes.max") / 2;
    },
    get decompressedBytesMax() {
      return settings.get("max.decompressed.bytes");
    },
  };
}
