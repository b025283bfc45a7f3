// What a broker says about itself to those who watch it over HTTP: whether it should get work, and how it sees the
// cluster.
import { showAddress } from "../config/addresses.ts";
import type { GroupSurvey } from "../coordinator/group-survey.ts";
import type { Readiness } from "../http/pages.ts";
import { CONTROLLER_GROUP } from "../model/ids.ts";
import type { BrokerId } from "../model/ids.ts";
import type { BoundSettings } from "./bound-settings.ts";
import type { Broker } from "./broker.ts";
import { diskStatus } from "./disk-status.ts";
import type { DiskStatus } from "./disk-status.ts";
import { waitsOf } from "./waits.ts";

/**
 * Ready: the controller counts on this broker, its replicas count and have caught up, and clients can reach it. That others
 * are out of reach makes no broker unready, or all would be at once; it is only told.
 */
export function readinessOf(broker: Broker, listensForClients: boolean): Readiness {
  const reasons = broker.readiness();
  const isMember = reasons.length === 0;
  const { hasCaughtUp } = broker;
  const disk = diskOf(broker);
  const isWhole = disk.detail === null;
  const sight = sightOf(broker);
  return {
    isReady: isMember && isWhole && hasCaughtUp && listensForClients,
    checks: [
      {
        name: "member",
        isMet: isMember,
        detail: `${isMember ? "the cluster counts on this broker" : reasons.join("; ")}${sight}`,
      },
      { name: "disk", isMet: isWhole, detail: disk.detail ?? "nothing is known to be lost" },
      { name: "replicas", isMet: hasCaughtUp, detail: replicasDetail(hasCaughtUp, isWhole) },
      {
        name: "listeners",
        isMet: listensForClients,
        detail: listensForClients ? "clients are accepted" : "clients are not accepted",
      },
    ],
  };
}

function replicasDetail(hasCaughtUp: boolean, isWhole: boolean): string {
  if (hasCaughtUp) return "its replicas have caught up";
  return isWhole ? "its replicas are catching up" : "its replicas wait for the disk, see there";
}

function diskOf(broker: Broker): DiskStatus {
  const { raft, links, upSeconds } = broker;
  return diskStatus({ raft, upSeconds, isLinked: (other) => !links.isSilent(other) });
}

/** What this broker cannot see just now, and so what it tells may be old. */
function sightOf(broker: Broker): string {
  const unlinked = unlinkedOf(broker);
  const parts: string[] = [];
  if (controllerKnown(broker) === null) parts.push("no controller is known to lead now");
  if (unlinked.length > 0) parts.push(`no link to brokers ${unlinked.join(", ")}`);
  return parts.map((part) => `; ${part}`).join("");
}

function unlinkedOf({ peers, links }: Broker): readonly BrokerId[] {
  return peers.filter((peer) => links.isSilent(peer));
}

/** Who leads the controller's group, as far as this broker has reason to believe that it still does. */
function controllerKnown({ id, controller, links, raft }: Broker): BrokerId | null {
  const leader = controller.leaders.leaderOf(CONTROLLER_GROUP);
  if (leader === null) return null;
  if (leader !== id) return links.isSilent(leader) ? null : leader;
  const own = raft.replica(CONTROLLER_GROUP);
  return own !== null && raft.mayServe(own) ? leader : null;
}

export function statusOf(broker: Broker, settings: BoundSettings, isReady: boolean): object {
  const { cluster } = broker.services;
  return {
    broker: broker.id,
    ready: isReady,
    clusterId: cluster.clusterId,
    clusterName: settings.get("cluster.name"),
    upSeconds: broker.upSeconds,
    // Null: nobody is known to lead now, and the brokers and topics below are as they were last heard of.
    controller: controllerKnown(broker),
    unlinked: unlinkedOf(broker),
    disk: diskOf(broker),
    brokers: cluster.brokers("kafka", true),
    topics: cluster.topicCount(),
    replicas: [...broker.replicas()].length,
    leaderships: broker.raft.leaderCount,
    waits: waitsOf(broker),
    groups: groupsOf(broker.groupSurvey),
    kafka: showAddress(settings.get("kafka.listen")),
    grpc: showAddress(settings.get("grpc.listen")),
    links: showAddress(settings.get("link.listen")),
  };
}

/** Of the groups that this broker coordinates: how many are in which phase, and those that are behind most. */
function groupsOf({ phases, named, others }: GroupSurvey): object {
  return { phases: Object.fromEntries(phases), behind: named, others };
}
