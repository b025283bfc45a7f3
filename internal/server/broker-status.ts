// What a broker says about itself to those who watch it over HTTP: whether it should get work, and how it sees the
// cluster.
import { showAddress } from "../config/addresses.ts";
import type { GroupSurvey } from "../coordinator/group-survey.ts";
import type { Readiness } from "../http/pages.ts";
import type { BoundSettings } from "./bound-settings.ts";
import type { Broker } from "./broker.ts";
import { recallDetail } from "./recall-status.ts";

/** Ready: the controller counts on this broker, its replicas have caught up, and clients can reach it. */
export function readinessOf(broker: Broker, listensForClients: boolean): Readiness {
  const reasons = broker.readiness();
  const isMember = reasons.length === 0;
  const { hasCaughtUp } = broker;
  return {
    isReady: isMember && hasCaughtUp && listensForClients,
    checks: [
      {
        name: "member",
        isMet: isMember,
        detail: isMember ? "the cluster counts on this broker" : reasons.join("; "),
      },
      {
        name: "replicas",
        isMet: hasCaughtUp,
        detail: hasCaughtUp
          ? "its replicas have caught up"
          : (recallDetail(broker.raft) ?? "its replicas are catching up"),
      },
      {
        name: "listeners",
        isMet: listensForClients,
        detail: listensForClients ? "clients are accepted" : "clients are not accepted",
      },
    ],
  };
}

export function statusOf(broker: Broker, settings: BoundSettings, isReady: boolean): object {
  const { cluster } = broker.services;
  const controller = cluster.controller();
  return {
    broker: broker.id,
    ready: isReady,
    clusterId: cluster.clusterId,
    clusterName: settings.get("cluster.name"),
    controller: controller < 0 ? null : controller,
    brokers: cluster.brokers("kafka", true),
    topics: cluster.topicCount(),
    replicas: [...broker.replicas()].length,
    leaderships: broker.raft.leaderCount,
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
