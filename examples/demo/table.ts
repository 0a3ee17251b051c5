import type { MemberProcess } from "./member_process.ts";

/** What the table shows beside the members. */
export interface Board {
  /** What is going on. */
  readonly title: string;
  /** Steps seen so far. */
  readonly seen: readonly string[];
  /** Members, running or not. */
  readonly members: readonly MemberProcess[];
  /** Health scores by name. */
  readonly health: ReadonlyMap<string, number>;
  /** Sample keys with their owners by member. */
  readonly owners: ReadonlyMap<string, readonly (string | null)[]>;
  /** The sample keys. */
  readonly keys: readonly string[];
  /** What moved last. */
  readonly moved: string;
}

/** The board as text, a line each. */
export function lines(board: Board): string[] {
  const out = [`@ck/cluster demo: ${board.title}`, ""];
  out.push(row(["member", "runtime", "health", "sees"], [12, 9, 8, 0]));
  for (const member of board.members) {
    const sees = member.view?.map((peer) => `${peer.name}:${peer.state}`).join("  ") ?? "(down)";
    const health = member.view === undefined ? "-" : String(board.health.get(member.name) ?? "?");
    out.push(row([member.name, member.runtime, health, sees], [12, 9, 8, 0]));
  }
  out.push(
    "",
    row(["key", ...board.members.map(({ name }) => `owner by ${name}`)], [10, 22, 22, 22]),
  );
  board.keys.forEach((key, i) => {
    const owners = board.members.map(({ name }) => board.owners.get(name)?.[i] ?? "-");
    out.push(row([key, ...owners], [10, 22, 22, 22]));
  });
  out.push("", `moved: ${board.moved}`, "");
  for (const step of board.seen) out.push(`  ✓ ${step}`);
  return out;
}

function row(cells: readonly string[], widths: readonly number[]): string {
  return cells.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(" ").trimEnd();
}

/** Draws the board over the last one on a terminal. */
export function draw(board: Board): void {
  const text = lines(board).map((line) => `${line}\x1b[K`).join("\n");
  Deno.stdout.writeSync(new TextEncoder().encode(`\x1b[H${text}\n\x1b[J`));
}
