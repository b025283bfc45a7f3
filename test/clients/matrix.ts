// The scenarios run for one client: which columns, in which order, and what each cell says.
import type { Client, Column, Reached, Surroundings } from "./client.ts";
import { COLUMNS, NotReached } from "./client.ts";
import { act, Unsupported } from "./driver.ts";
import { oneLine, today } from "./page.ts";
import type { Cell, Row } from "./page.ts";
import type { Scenario } from "./scenario.ts";
import { administer } from "./scenarios/administer.ts";
import { group } from "./scenarios/group.ts";
import { codecs, idempotent, plain } from "./scenarios/produce.ts";
import { resume } from "./scenarios/resume.ts";
import { seek } from "./scenarios/seek.ts";

const SCENARIOS: readonly Scenario[] = [
  ...[codecs, idempotent, plain],
  ...[group, resume, seek, administer],
];
const VERSION_MS_MAX = 30_000;
const CHECK_MS_MAX = 200_000;
/** With `--quick`, what takes longest is left out. */
const QUICK_COLUMNS: readonly Column[] = ["codecs", "idempotent", "group", "resume"];

function isUnderKills(column: Column): boolean {
  return column.endsWith(", kills");
}

/** A client on its way through the table. */
export class Trial {
  readonly client: Client;
  readonly #around: Surroundings;
  readonly #only: readonly Column[];
  readonly cells = new Map<Column, Cell>();
  readonly checks: Cell[] = [];
  #reached: Reached | null = null;
  version: string | null = null;
  whyNot: string | null = null;

  constructor(client: Client, around: Surroundings, only: readonly Column[]) {
    this.client = client;
    this.#around = around;
    this.#only = only;
  }

  /** What cannot be had is a failure where it was promised (`--quick`), and a remark elsewhere. */
  async reach(): Promise<void> {
    const { client } = this;
    try {
      const reached = await client.reach(this.#around);
      this.version = reached.version ?? (await versionOf(reached));
      this.#reached = reached;
    } catch (error) {
      this.whyNot = oneLine((error as Error).message);
      const mustBeThere = this.#around.isQuick || !(error instanceof NotReached);
      console.log(`${mustBeThere ? "FAILED     " : "not reached"}  ${client.name}: ${this.whyNot}`);
      if (mustBeThere) this.checks.push(fails("can be tried", [this.whyNot]));
    }
  }

  #columns(withKills: boolean): Column[] {
    const own = this.#reached?.driver?.columns ?? COLUMNS;
    const quick = [...QUICK_COLUMNS, ...(this.client.quickKills ?? [])];
    const wanted = this.#around.isQuick ? quick : COLUMNS;
    return COLUMNS.filter(
      (column) =>
        own.includes(column) &&
        (this.#only.length === 0 ? wanted.includes(column) : this.#only.includes(column)) &&
        isUnderKills(column) === withKills,
    );
  }

  /** While no broker dies, so that several clients may be tried at once. */
  async calm(): Promise<void> {
    for (const column of this.#columns(false)) await this.#try(column);
  }

  async underKills(): Promise<void> {
    for (const column of this.#columns(true)) {
      await this.#around.faults.settled();
      await this.#try(column);
    }
  }

  /** What else the client does; may kill brokers. */
  async own(): Promise<void> {
    if (this.#only.length > 0) return;
    for (const { does, run } of this.#reached?.checks ?? []) {
      this.checks.push(await this.#judge(does, async () => (await run(), [])));
    }
  }

  async close(): Promise<void> {
    await this.#reached?.close?.();
  }

  async #try(column: Column): Promise<void> {
    const scenario = SCENARIOS.find(({ columns }) => columns.includes(column));
    const driver = this.#reached?.driver;
    if (scenario === undefined || driver === undefined) return;
    const words = `${this.client.name} ${column}`.toLowerCase();
    const name = words.replaceAll(/[^a-z0-9]+/g, "-").replaceAll(/^-|-$/g, "");
    const stage = { around: this.#around, driver, name, withKills: isUnderKills(column) };
    this.cells.set(column, await this.#judge(column, () => scenario.run(stage)));
  }

  async #judge(
    what: string,
    run: () => Promise<readonly { kind: "lacks" | "seen"; text: string }[]>,
  ): Promise<Cell> {
    const beganMs = performance.now();
    const cell = await within(run(), CHECK_MS_MAX).then(
      (remarks): Cell => {
        const lacks = remarks.filter(({ kind }) => kind === "lacks");
        const texts = remarks.map(({ text }) => oneLine(text));
        return { what, outcome: lacks.length > 0 ? "partly" : "works", remarks: texts };
      },
      (error: Error): Cell => {
        const text = oneLine(error.message || error.name);
        return error instanceof Unsupported
          ? { what, outcome: "lacks", remarks: [text] }
          : fails(what, [text]);
      },
    );
    const seconds = ((performance.now() - beganMs) / 1_000).toFixed(1).padStart(6);
    const mark = cell.outcome === "fails" ? "FAILED" : cell.outcome.padEnd(6);
    console.log(`${mark} ${seconds} s  ${this.client.name}: ${what}`);
    for (const remark of cell.remarks) console.log(`                 ${remark}`);
    return cell;
  }

  row(): Row {
    const { client, version, whyNot, cells, checks } = this;
    const { name, source } = client;
    return { client: name, source, version, whyNot, cells, checks, tried: today() };
  }
}

function fails(what: string, remarks: readonly string[]): Cell {
  return { what, outcome: "fails", remarks };
}

async function versionOf({ driver }: Reached): Promise<string> {
  if (driver === undefined) return "?";
  const lines = await act(driver, { action: "version" }, VERSION_MS_MAX);
  const told = lines.find(({ version }) => version !== undefined)?.version;
  if (told === undefined) throw new Error("the driver tells no version");
  return told;
}

function within<T>(work: Promise<T>, ms: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`nothing after ${ms / 1_000} s`)), ms);
    work.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
