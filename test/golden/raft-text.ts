// Effects and messages of a machine in words, for the transcripts.
import type { LogIndex } from "../../internal/model/ids.ts";
import type { Configuration } from "../../internal/raft/configuration.ts";
import type { Effect } from "../../internal/raft/effect.ts";
import type { EntryHead } from "../../internal/raft/entry.ts";
import type { Message } from "../../internal/raft/message.ts";

const KINDS = ["batch", "no-op", "configuration", "command"];

export function effectText(effect: Effect): string {
  switch (effect.do) {
    case "append": {
      const { write, first, entries, from } = effect;
      return `append #${write} ${entriesText(first, entries)} (${from})`;
    }
    case "truncate":
      return `truncate #${effect.write} from ${effect.from}`;
    case "hard-state":
      return `hard-state #${effect.write} term=${effect.term} vote=${effect.vote}`;
    case "install-base": {
      const { write, base, configuration } = effect;
      return `install-base #${write} ${base.index}/${base.term} ${configurationText(configuration)}`;
    }
    case "need-base":
      return `need-base for ${effect.to}`;
    case "commit":
      return `commit ${effect.index}`;
    case "role":
      return `role ${effect.role} term=${effect.term} leader=${effect.leader ?? "unknown"}`;
    case "configuration":
      return `${effect.committed ? "committed" : "in force"} ${configurationText(effect.configuration)}`;
    case "transfer-failed":
      return `transfer-failed to ${effect.to}`;
    default:
      return effect.do;
  }
}

export function messageText(message: Message): string {
  const { say, term } = message;
  switch (say) {
    case "pre-vote-request":
    case "vote-request": {
      const { lastIndex, lastTerm, transfer } = message;
      return `${say} term=${term} last=${lastIndex}/${lastTerm}${transfer ? " transfer" : ""}`;
    }
    case "pre-vote-response":
    case "vote-response":
      return `${say} term=${term} ${message.granted ? "granted" : "refused"}`;
    case "append-request": {
      const { prevIndex, prevTerm, entries, commit } = message;
      const sent = entriesText((prevIndex + 1) as LogIndex, entries);
      return `${say} term=${term} prev=${prevIndex}/${prevTerm} ${sent} commit=${commit}`;
    }
    case "append-accepted":
      return `${say} term=${term} match=${message.match}`;
    case "append-rejected": {
      const { prevIndex, hintIndex, hintTerm } = message;
      return `${say} term=${term} prev=${prevIndex} hint=${hintIndex}/${hintTerm}`;
    }
    case "assert":
      return `${say} term=${term} commit=${message.commit}`;
    case "timeout-now":
    case "transfer-refused":
      return `${say} term=${term}`;
    case "recall-request":
      return `${say} term=${term} round=${message.round}`;
    case "recall-response": {
      const { round, lost, lastIndex, lastTerm, configuration } = message;
      return `${say} term=${term} round=${round}${lost ? " lost" : ""} last=${lastIndex}/${lastTerm} ${configurationText(configuration)}`;
    }
    case "install-base": {
      const { base, configuration } = message;
      return `${say} term=${term} ${base.index}/${base.term} ${configurationText(configuration)}`;
    }
  }
}

function entriesText(first: LogIndex, entries: readonly EntryHead[]): string {
  const texts = entries.map(({ term, kind, configuration }, at) => {
    const changed = configuration === null ? "" : ` ${configurationText(configuration)}`;
    return `${first + at}:${KINDS[kind]}/${term}${changed}`;
  });
  return `[${texts.join(", ")}]`;
}

function configurationText(configuration: Configuration): string {
  const { voters, votersOutgoing, learners, revision } = configuration;
  const outgoing = votersOutgoing.length > 0 ? ` outgoing=${votersOutgoing.join(",")}` : "";
  const learning = learners.length > 0 ? ` learners=${learners.join(",")}` : "";
  return `voters=${voters.join(",")}${outgoing}${learning} revision=${revision}`;
}

