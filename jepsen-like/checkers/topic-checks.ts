// Checks of topics that come and go during a run: what was created is there until it is deleted, what was deleted is gone, and
// what is made again under the name begins empty and keeps what it is given.
import type { TopicEvent } from "../topics/topic-history.ts";
import { FindingDraft } from "./finding.ts";
import type { Finding } from "./finding.ts";

/** In a run of 300 s. */
const CHANGES_MIN = 60;
const FULL_TIME_S = 300;

interface Topic {
  /** `open`: an answer is missing, so it may be there or not. */
  state: "there" | "gone" | "open";
  /** The values of this life, by offset. */
  values: Map<number, number>;
}

export function checkTopics(events: readonly TopicEvent[], timeS: number): Finding[] {
  return [lives(events), enoughChanges(events, timeS)];
}

function lives(events: readonly TopicEvent[]): Finding {
  const draft = new FindingDraft(
    "topics",
    "topics are there from their creation to their deletion, begin empty and keep what they are given",
  );
  const topics = new Map<string, Topic>();
  for (const event of events) {
    const topic = topics.get(event.name) ?? { state: "gone", values: new Map<number, number>() };
    topics.set(event.name, topic);
    draft.examined();
    const complaint = judged(topic, event);
    const place = { atMs: event.sentMs, partition: 0 };
    if (complaint !== null) draft.violation(() => `${event.name}: ${complaint}`, place);
  }
  return draft.finding();
}

/** What is wrong with an answer, in words; the topic is what it says afterwards. */
function judged(topic: Topic, event: TopicEvent): string | null {
  const before = topic.state;
  switch (event.is) {
    case "append":
      topic.values.set(event.offset, event.value);
      return before === "gone" ? "it was deleted and took a record" : null;
    case "listed":
      if (before === "open" || event.isThere === (before === "there")) return null;
      return `broker ${event.broker} ${event.isThere ? "lists it, and it was deleted" : "does not list it"}`;
    case "read":
      return before === "open" ? null : misread(topic, event.values);
    case "create":
    case "delete": {
      const { outcome } = event;
      if (outcome === "unknown") topic.state = "open";
      else
        topic.state =
          outcome === "exists" || (outcome === "done" && event.is === "create") ? "there" : "gone";
      if (topic.state !== "there") topic.values = new Map();
      if (outcome === "exists" && before === "gone") return "it was deleted and exists";
      if (outcome === "missing" && before === "there") return "it was created and is missing";
      if (outcome !== "done") return null;
      if (event.is === "create" && before === "there") return "it was there and was created again";
      return event.is === "delete" && before === "gone" ? "it was gone and was deleted" : null;
    }
  }
}

function misread({ values }: Topic, read: readonly number[]): string | null {
  for (const [offset, value] of values) {
    if (read[offset] !== value) return `value ${value} is not at offset ${offset}`;
  }
  const known = new Set(values.values());
  const stranger = read.find((value) => !known.has(value));
  return stranger === undefined ? null : `it holds value ${stranger}, which is of an earlier life`;
}

/** Also asked during a run, which goes on until this holds. */
export function enoughChanges(events: readonly TopicEvent[], timeS: number): Finding {
  const draft = new FindingDraft("topic changes", "enough topics are created and deleted");
  const done = events.filter((event) => "outcome" in event && event.outcome === "done").length;
  const least = Math.floor(CHANGES_MIN * Math.min(1, timeS / FULL_TIME_S));
  draft.examined(done);
  if (done < least) draft.violation(() => `${done} creations and deletions, ${least} are needed`);
  if (!events.some(({ is }) => is === "read")) draft.violation(() => "no topic was read");
  return draft.finding();
}
