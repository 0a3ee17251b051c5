import type { MemberProcess } from "../../member_process.ts";
import type { Life } from "../../observation.ts";
import { coreOf } from "./core_of.ts";

/** What a program wrote through one life, as a plain map. */
const written = new WeakMap<Life, Map<string, string>>();

/** What the keys of a life have to be. */
export function ledgerOf(life: Life): ReadonlyMap<string, string> {
  return written.get(life) ?? NOTHING;
}

/** Writes a key as the node's own program does, unless it leaves; without a value it deletes it. */
export function write(process: MemberProcess, key: string, value: string | undefined): void {
  process.local((_core, now) => {
    const core = coreOf(process);
    if (core.localNode.left) return;
    let keys = written.get(process);
    if (keys === undefined) written.set(process, keys = new Map());
    if (value === undefined) {
      core.deleteLocal(key, now);
      keys.delete(key);
    } else {
      core.upsertLocal(key, value, now);
      keys.set(key, value);
    }
  });
}

const NOTHING: ReadonlyMap<string, string> = new Map();
